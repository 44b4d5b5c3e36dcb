// Whatever changes what can be approved is an entry, and so is the life of the server.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeBase64 } from "../../src/core/encoding.ts";
import { parseVerifierKey } from "../../src/core/ledger/index.ts";
import { Heart } from "../../src/server/lifecycle.ts";
import { HandClock, HOUR } from "../support/clock.ts";
import { House } from "../support/house.ts";
import { textAt } from "../support/json.ts";
import { DIRECTORY, edited, POLICIES, RuleFiles } from "../support/rules.ts";

async function typesFrom(house: House, from: number): Promise<readonly string[]> {
  return (await house.entries(from)).map(({ type }) => type);
}

test("a first start records its keys, rules, links, settings and itself; a second only what is new", async () => {
  const files = new RuleFiles();
  try {
    const first = await House.over(files);
    const entries = await first.entries();
    assert.deepEqual(entries.map(({ type }) => type).toSorted(), [
      "catalogue.changed",
      "config.changed",
      "directory.changed",
      "key.created",
      "key.created",
      "link.changed",
      "policy.changed",
      "server.started",
      "token.created",
    ]);
    const keys = new Map(
      entries.filter(({ type }) => type === "key.created").map((e) => [e.publics["purpose"], e.publics]),
    );
    assert.deepEqual([...keys.keys()], ["permit", "ledger"]);
    const { publicKey } = parseVerifierKey((await first.anyone.get("/ledger/vkey")).text.trim());
    assert.deepEqual(decodeBase64(textAt(keys.get("ledger"), "public_key")), publicKey);
    const size = await first.size();
    await first.stop();
    await using second = await House.over(files, { limits: { pendingPerAgent: 7 } });
    const after = await typesFrom(second, size);
    assert.deepEqual(after.toSorted(), [
      "catalogue.changed",
      "config.changed",
      "policy.changed",
      "server.started",
      "server.stopped",
    ]);
  } finally {
    files.remove();
  }
});

test("a login that comes, goes, or gets stronger is an entry with its person; other changes of people are not links", async () => {
  await using house = await House.open();
  const size = await house.size();
  const login = `{ issuer: "https://git.example.com", subject: cy-codes, strength: L1 }`;
  await house.change({ directory: edited(DIRECTORY, login, login.replace("L1", "L3")) });
  await house.change({ directory: edited(DIRECTORY, "name: Eve Eriksen", "name: Eve E. Eriksen") });
  const links = (await house.entries(size)).filter(({ type }) => type === "link.changed");
  const row = (strength: string): object => ({
    person: "cy",
    issuer: "https://git.example.com",
    subject: "cy-codes",
    strength,
  });
  assert.deepEqual(
    links.map(({ payload }) => payload),
    [
      { added: [row("L3")], removed: [row("L1")] },
      { added: [row("L1")], removed: [row("L3")] },
    ],
  );
  assert.ok(
    !Buffer.from(JSON.stringify(links.map(({ publics }) => publics))).includes("cy"),
    "nobody stands in a header",
  );
  const changed = size + (await typesFrom(house, size)).length;
  await house.change({
    policies: `${POLICIES}\n@id("more")\nforbid (principal == Agent::"nobody", action, resource);`,
  });
  assert.deepEqual(await typesFrom(house, changed), ["policy.changed"]);
});

test("a heartbeat says how large the ledger is, and how far the clock was set since the start", async () => {
  const clock = new HandClock();
  await using house = await House.open({ clock });
  const heart = new Heart({ store: house.store, clock, chance: { bytes: (length) => new Uint8Array(length).fill(7) } });
  const size = await house.size();
  await heart.beat();
  clock.pass(-HOUR);
  await heart.beat();
  const beats = (await house.entries(size)).filter(({ type }) => type === "server.heartbeat");
  assert.deepEqual(
    beats.map(({ publics }) => publics["size"]),
    [size, size + 1],
  );
  const [first = 0, second = 0] = beats.map(({ publics }) => Number(publics["drift_ms"]));
  assert.ok(Math.abs(first) < 10_000, String(first));
  assert.ok(second <= -HOUR && second > -HOUR - 10_000, String(second));
});
