import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import type { StreamName } from "../../src/core/brand.ts";
import { Credentials, recordChange, recordChanges } from "../../src/engine/index.ts";
import { Versions } from "../../src/engine/versions.ts";
import type { AppendResult, Store } from "../../src/ports/store.ts";
import { systemChance, systemClock } from "../../src/server/compose.ts";
import { openMemoryStore } from "../../src/stores/memory/index.ts";
import { openSqliteStore } from "../../src/stores/sqlite/index.ts";
import { House } from "../support/house.ts";

const AT_ONCE = 64;

function recorder(store: Store): { store: Store; clock: typeof systemClock; chance: ReturnType<typeof systemChance> } {
  return { store, clock: systemClock, chance: systemChance() };
}

function credentialsOf(store: Store): Credentials {
  const rules = (): never => {
    throw new TypeError("a token of the operator does not depend on rules");
  };
  return new Credentials({ ...recorder(store), rules });
}

/** Versions and times of a stream have no gap and no step back, and there are so many of them. */
async function assertWhole(store: Store, stream: string, count: number): Promise<void> {
  const entries = await store.stream(stream as StreamName);
  assert.deepEqual(
    entries.map(({ version }) => version),
    Array.from({ length: count }, (_, version) => version),
  );
}

/** The same store as another process sees it: what it thinks of versions is its own. */
function seenAnew(store: Store): Store {
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

test("64 tokens made at once are all made, by one engine and by three on one store", async () => {
  const dir = mkdtempSync(join(tmpdir(), "changes-"));
  const places: readonly (readonly [name: string, open: () => Promise<Store>, engines: number])[] = [
    ["memory", () => Promise.resolve(openMemoryStore()), 1],
    ["sqlite", () => openSqliteStore({ path: join(dir, "keyturn.db") }), 1],
    ["memory, three engines", () => Promise.resolve(openMemoryStore()), 3],
  ];
  try {
    for (const [name, open, count] of places) {
      await using store = await open();
      const engines = Array.from({ length: count }, () => credentialsOf(seenAnew(store)));
      for (let wave = 1; wave <= 3; wave += 1) {
        const made = engines.flatMap((engine) =>
          Array.from({ length: AT_ONCE }, () => engine.issueOperatorToken(60_000)),
        );
        const secrets = (await Promise.all(made)).map(({ secret }) => secret);
        assert.equal(new Set(secrets).size, count * AT_ONCE, name);
        await assertWhole(store, "token", wave * count * AT_ONCE);
      }
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test("64 tokens asked for over the wire at once are 64 answers", async () => {
  await using house = await House.open();
  const asked = Array.from({ length: AT_ONCE }, () =>
    house.operator.post("/v1/tokens", { agent: "report-bot", gate: "db" }),
  );
  const answers = await Promise.all(asked);
  assert.deepEqual([...new Set(answers.map(({ status, text }) => (status < 300 ? status : text)))], [200]);
});

test("a change that was recorded before, or goes wrong, leaves its neighbours in the stream unharmed", async () => {
  await using store = openMemoryStore();
  const ctx = recorder(store);
  const beat = (key?: string): Promise<string> =>
    recordChange(
      ctx,
      "server.heartbeat",
      {},
      { size: 0, drift_ms: 0 },
      key === undefined ? {} : { idempotency: { key, fingerprint: "", answer: {} } },
    );
  const both = (): Promise<string> =>
    recordChanges(ctx, [
      { type: "token.created", payload: {}, publics: {} },
      { type: "server.heartbeat", payload: {}, publics: { size: 0, drift_ms: 0 } },
      { type: "token.revoked", payload: {}, publics: {} },
    ]);
  const tooLarge = (): Promise<string> =>
    recordChange(ctx, "server.heartbeat", { text: "x".repeat(9 * 1024 * 1024) }, {}).catch(() => "refused");
  const said = await Promise.all([
    beat("once"),
    both(),
    beat("once"),
    tooLarge(),
    both(),
    beat(),
    beat("once"),
    beat(),
  ]);
  assert.deepEqual(said, [
    "recorded",
    "recorded",
    "duplicate",
    "refused",
    "recorded",
    "recorded",
    "duplicate",
    "recorded",
  ]);
  await assertWhole(store, "server", 5);
  await assertWhole(store, "token", 4);
});

const STREAM = "token" as StreamName;

test("whatever others write and however appends end, the next version fits again by itself", () => {
  const step = fc.record({ mine: fc.integer({ min: 0, max: 4 }), theirs: fc.nat(2), lost: fc.nat(3) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const versions = new Versions();
      let length = 0;
      const one = (): { readonly reserved: ReturnType<Versions["reserve"]>; readonly first: number } => {
        const reserved = versions.reserve(new Map([[STREAM, 1]]));
        return { reserved, first: reserved.get(STREAM)?.first ?? -1 };
      };
      const append = (first: number): AppendResult => {
        if (first !== length)
          return { status: "conflict", on: "version", stream: STREAM, expected: first, actual: length };
        length += 1;
        return { status: "appended", index: 0, size: 0 };
      };
      for (const { mine, theirs, lost } of steps) {
        // Several are under way at once; others get in before them; one may end without anybody knowing how.
        const under = Array.from({ length: mine }, one);
        length += theirs;
        under.forEach(({ reserved, first }, at) => {
          if (at + 1 !== lost) versions.settle(reserved, append(first));
        });
      }
      for (let tries = 0; tries < 2; tries += 1) {
        const { reserved, first } = one();
        const result = append(first);
        versions.settle(reserved, result);
        if (result.status === "appended") return;
      }
      assert.fail("two tries of one who is alone did not do");
    }),
  );
});
