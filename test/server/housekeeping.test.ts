// Each thing that one of several instances does for all: begun by a leader that is stopped in the middle, done by its
// successor, and then finished by the first, it leaves no second trace.
import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Instant } from "../../src/core/brand.ts";
import { newSurroundings, sweep } from "../../src/engine/index.ts";
import type { EngineContext, Fence } from "../../src/engine/index.ts";
import { deniedSlot } from "../../src/engine/journal.ts";
import { Lease, LEASE_MS } from "../../src/engine/lease.ts";
import type { Store } from "../../src/ports/store.ts";
import { WebhookExport } from "../../src/server/export/webhook.ts";
import { signerOf } from "../../src/server/keys.ts";
import { Heart } from "../../src/server/lifecycle.ts";
import { Notary } from "../../src/server/notary.ts";
import { Publisher } from "../../src/server/publisher.ts";
import { openMemoryStore } from "../../src/stores/memory/index.ts";
import { exportRows, grantRole, readRows } from "../support/actions.ts";
import { Bench } from "../support/bench.ts";
import { HOUR, MINUTE } from "../support/clock.ts";
import { pausable } from "../support/paused.ts";
import { TestWitness } from "../support/witness.ts";

/** One of two instances: the same rules and clock, its own view of the store, and its own memory. */
type Instance = { readonly ctx: EngineContext; readonly act: (fence: Fence) => Promise<unknown> };

type Scene = {
  /** What is to be done, with the work of each instance. */
  readonly set: (bench: Bench, a: Store, b: Store) => Promise<readonly [Instance, Instance]>;
  /** What happens after the successor has done it, before the first one wakes up. */
  readonly after?: (bench: Bench, b: Instance, fence: Fence) => Promise<unknown>;
};

const never = new AbortController().signal;
function contexts(bench: Bench, stores: readonly [Store, Store]): readonly [EngineContext, EngineContext] {
  const over = (store: Store): EngineContext => ({ ...bench.ctx, store, around: newSurroundings(store) });
  return [over(stores[0]), over(stores[1])];
}

function bothDo(
  bench: Bench,
  stores: readonly [Store, Store],
  work: (ctx: EngineContext) => (fence: Fence) => Promise<unknown>,
): readonly [Instance, Instance] {
  const [a, b] = contexts(bench, stores);
  return [
    { ctx: a, act: work(a) },
    { ctx: b, act: work(b) },
  ];
}

const sweeping = (ctx: EngineContext) => (fence: Fence) => sweep(ctx, fence);

/** Sends what waits, as the outbox does. */
async function send({ store, clock }: Bench): Promise<number> {
  const taken = await store.takeMessages(clock.now(), 100, (clock.now() + MINUTE) as Instant);
  for (const { id } of taken) await store.messageDone(id);
  return taken.length;
}

async function withWitness(run: (scene: Scene) => Promise<void>): Promise<void> {
  const signer = signerOf(generateKeyPairSync("ed25519").privateKey);
  const origin = "keyturn.example/ledger/a/1";
  await using witness = new TestWitness();
  await witness.start([new Notary(openMemoryStore(), origin, signer).vkey]);
  const publisherOf = (store: Store): Publisher =>
    new Publisher({
      notary: new Notary(store, origin, signer),
      store,
      witnesses: [{ url: witness.url, vkey: witness.vkey }],
      quorum: 1,
      log: () => undefined,
    });
  await run({
    set: async (bench, a, b) => {
      await bench.evaluate(readRows(1));
      return bothDo(bench, [a, b], ({ store }) => {
        const publisher = publisherOf(store);
        return (fence) => publisher.publish(undefined, fence);
      });
    },
    after: async (bench, b, fence) => {
      await bench.evaluate(readRows(2));
      await b.act(fence);
    },
  });
}

async function withReceiver(run: (scene: Scene) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "housekeeping-"));
  const secretFile = join(folder, "secret");
  writeFileSync(secretFile, `whsec_${randomBytes(32).toString("base64")}\n`);
  const receiver = createServer((request, response) => request.resume().on("end", () => response.end()));
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/events`;
  try {
    await run({
      set: async (bench, a, b) => {
        await bench.evaluate(readRows(1));
        return bothDo(bench, [a, b], ({ store, clock }) => {
          const config = { url, secretFile, allowPrivate: ["127.0.0.1"] };
          const source = { origin: "keyturn.example/ledger/a/1", version: "0" };
          const webhook = new WebhookExport({ config, store, source, clock, log: () => undefined });
          return (fence) => webhook.step(never, fence);
        });
      },
      after: async (bench, b, fence) => {
        await bench.evaluate(readRows(2));
        await b.act(fence);
      },
    });
  } finally {
    receiver.closeAllConnections();
    receiver.close();
    rmSync(folder, { recursive: true });
  }
}

const SCENES: Readonly<Record<string, Scene>> = {
  "a reminder": {
    set: async (bench, a, b) => {
      await bench.ask(grantRole("admin"));
      await send(bench);
      bench.clock.pass(HOUR - MINUTE);
      return bothDo(bench, [a, b], sweeping);
    },
    after: async (bench) => assert.equal(await send(bench), 1, "it was due"),
  },
  "the end of a cool-down": {
    set: async (bench, a, b) => {
      await bench.review("ann", await bench.ask(exportRows(3)), "deny");
      bench.clock.pass(HOUR);
      return bothDo(bench, [a, b], sweeping);
    },
    after: async (bench) => {
      await bench.review("ann", await bench.ask(exportRows(3)), "deny");
      await send(bench);
    },
  },
  "the expiry of a request": {
    set: async (bench, a, b) => {
      await bench.ask(exportRows(3));
      bench.clock.pass(48 * HOUR);
      return bothDo(bench, [a, b], sweeping);
    },
  },
  "a snapshot of sessions": {
    set: async (bench, a, b) => {
      await bench.evaluate(readRows(1));
      return bothDo(bench, [a, b], ({ store, clock, around: { keeper } }) => async (fence) => {
        await keeper.open(clock.now());
        const { size } = await store.head();
        keeper.share({ cursor: size, fence: () => fence });
        await keeper.save(true);
      });
    },
    after: async (bench, b, fence) => {
      await bench.evaluate(readRows(2));
      await b.act(fence);
    },
  },
  "a heartbeat": {
    set: (bench, a, b) =>
      Promise.resolve(
        bothDo(bench, [a, b], (ctx) => {
          const heart = new Heart(ctx);
          return (fence) => heart.beat(fence);
        }),
      ),
  },
};

/** All that a store can be asked for, but the lease itself. */
async function everything(store: Store): Promise<unknown> {
  const slots = (await store.requests({ limit: 10 })).map(({ agent, digest }) => deniedSlot({ agent, digest }));
  const kinds = ["sessions", "deferrals", "ledger", "export"];
  return {
    head: await store.head(),
    timers: await store.dueTimers(Number.MAX_SAFE_INTEGER as Instant, 100),
    messages: await store.messages(100),
    slots: await Promise.all(slots.map((slot) => store.slot(slot))),
    documents: await Promise.all(kinds.map((kind) => store.documents(kind))),
  };
}

async function play({ set, after }: Scene): Promise<void> {
  using bench = new Bench();
  const paused = pausable(bench.store);
  let tick = 0;
  const [first, second] = [new Lease(bench.store, "a", () => tick), new Lease(bench.store, "b", () => tick)];
  await first.step();
  await second.step();
  const [a, b] = await set(bench, paused.store, bench.store);
  const stopped = paused.stop();
  const before = first.fence();
  assert.ok(before !== null);
  const begun = a.act(before);
  await stopped;
  tick += LEASE_MS;
  await second.step();
  const fence = second.fence();
  assert.ok(fence !== null && !first.leads);
  const untouched = await everything(bench.store);
  await b.act(fence);
  assert.notDeepEqual(await everything(bench.store), untouched, "the successor has done it");
  await after?.(bench, b, fence);
  const done = await everything(bench.store);
  paused.wake();
  await begun;
  assert.deepEqual(await everything(bench.store), done);
}

for (const [name, scene] of Object.entries(SCENES)) {
  test(`${name} that a stopped leader had begun is done once`, () => play(scene));
}

test("a checkpoint that a stopped leader had begun to publish does not come after a newer one", () =>
  withWitness(play));

test("a cursor of the export that a stopped leader had begun to write does not go back", () => withReceiver(play));
