import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pushChannel, pushKey, type PushChannel, type Subscription } from "../../../src/channels/push/index.ts";
import type { PersonId } from "../../../src/core/brand.ts";
import { Outbox, sweep } from "../../../src/engine/index.ts";
import { grantRole } from "../../support/actions.ts";
import { Bench } from "../../support/bench.ts";
import { MINUTE } from "../../support/clock.ts";
import { noOpenssl, PushServiceDouble } from "./push-double.ts";

const never = new AbortController().signal;
const overTls = { skip: noOpenssl() ?? false };

async function drain(outbox: Outbox): Promise<void> {
  while ((await outbox.step(never)) > 0);
}

/** A channel over subscriptions in memory: `eve 2` is the second browser of eve. */
function channelOf(service: PushServiceDouble, browsers: readonly string[], services: readonly string[]): PushChannel {
  const all = browsers.map((name): Subscription => {
    const { endpoint, keys } = service.browser(name.replace(" ", "-")).subscription;
    return { session: name, person: (name.split(" ")[0] ?? "") as PersonId, endpoint, ...keys };
  });
  const folder = mkdtempSync(join(tmpdir(), "keyturn-push-turns-"));
  const file = join(folder, "key.pem");
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  writeFileSync(file, privateKey.export({ type: "pkcs8", format: "pem" }));
  const key = pushKey(file, false);
  rmSync(folder, { recursive: true });
  const config = { name: "push", contact: "mailto:ops@example.com", keyFile: null, allowPrivate: ["localhost"] };
  return pushChannel(
    { ...config, services, agents: [] },
    {
      key,
      of: async (person) => Promise.resolve(all.filter((one) => one.person === person)),
      at: async (session) => Promise.resolve(all.find((one) => one.session === session) ?? null),
      drop: async () => Promise.resolve(),
    },
  );
}

test(
  "everybody's newest browser comes before anybody's second; the reminder comes once; then it is taken back",
  overTls,
  async () => {
    using bench = new Bench();
    await using service = await PushServiceDouble.open();
    const channel = channelOf(service, ["eve 1", "eve 2", "fay 1", "bob 1", "eve 3"], [service.host]);
    const outbox = new Outbox({
      ctx: bench.ctx,
      channels: [channel],
      page: (id) => `https://keyturn.example/requests/${id}`,
    });
    await bench.ask(grantRole("admin"));
    await drain(outbox);
    const paths = (): readonly string[] => service.got.splice(0).map(({ path }) => path.replace("/push/", ""));
    const first = paths();
    assert.deepEqual(first.slice(0, 3).toSorted(), ["bob-1", "eve-1", "fay-1"]);
    assert.deepEqual(first.slice(3), ["eve-2", "eve-3"]);
    bench.clock.pass(50 * MINUTE);
    await sweep(bench.ctx);
    await drain(outbox);
    assert.deepEqual(
      service.got.map(({ headers }) => Number(headers["ttl"]) <= 600),
      [true, true, true, true, true],
    );
    paths();
    bench.clock.pass(20 * MINUTE);
    await sweep(bench.ctx);
    await drain(outbox);
    assert.deepEqual(
      service.got.map(({ headers }) => headers["urgency"]),
      ["low", "low", "low", "low", "low"],
    );
  },
);

test("a service that was taken out of the settings is called no more", overTls, async () => {
  using bench = new Bench();
  await using service = await PushServiceDouble.open();
  const outbox = new Outbox({ ctx: bench.ctx, channels: [channelOf(service, ["eve 1"], [])], page: (id) => id });
  await bench.ask(grantRole("admin"));
  await drain(outbox);
  assert.deepEqual(service.got, []);
});
