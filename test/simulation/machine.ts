// Instances of the engine over one memory store. Every call of the store is a scheduling point, and any append a place to
// die at: before the commit, after it and before the answer, or after the answer.
import { hash } from "node:crypto";
import type { Instant } from "../../src/core/brand.ts";
import { Bus, RateWindows, Turns, type EngineContext } from "../../src/engine/index.ts";
import type { Signer } from "../../src/ports/signer.ts";
import { StoreError, type Append, type AppendResult, type Store } from "../../src/ports/store.ts";
import type { History } from "./history.ts";
import type { Operation } from "./operations.ts";
import type { World } from "./world.ts";

/** One process: it dies and starts anew under the same name; `life` tells its lives apart. */
export type Instance = {
  readonly name: string;
  /** Its clock minus the true time, in milliseconds. */
  offset: number;
  world: World;
  life: Life;
};
export type Life = {
  alive: boolean;
  readonly turns: Turns;
  readonly windows: RateWindows;
  readonly bus: Bus;
  readonly around: EngineContext["around"];
  /** What ends the waits of a life. */
  readonly waits: Set<() => void>;
};

export function newLife(around: Life["around"]): Life {
  return {
    alive: true,
    turns: new Turns(),
    windows: new RateWindows(),
    bus: new Bus(),
    around,
    waits: new Set(),
  };
}

/** One operation on its way through one instance. */
export type Run = {
  readonly number: number;
  readonly op: Operation;
  readonly instance: Instance;
  readonly life: Life;
  readonly since: number;
  readonly seen: World[];
};

const KEY = new TextEncoder().encode("the key of a simulation");

function mac(message: Uint8Array): Uint8Array {
  const half = hash("sha256", Buffer.concat([KEY, message]), "buffer");
  return Buffer.concat([half, half]);
}

/** Signs with a hash under a secret key: as hard to forge for the actors as Ed25519, and forty times faster. */
export const SIGNER: Signer = {
  keyId: "simulated",
  publicKey: new Uint8Array(32),
  sign: mac,
  verify: (message, signature) => Buffer.compare(mac(message), signature) === 0,
};

/** What the engine is given for one operation: the instance's own parts, and a store that knows who calls. */
export function contextOf(history: History, run: Run): EngineContext {
  const { instance, life } = run;
  const store = storeOf(history, run);
  return {
    store,
    around: life.around,
    clock: { now: () => history.clockOf(instance) as Instant },
    chance: { bytes: (length) => history.bytes(length) },
    signer: SIGNER,
    issuer: "https://keyturn.example.com",
    limits: history.limits,
    windows: life.windows,
    turns: life.turns,
    bus: life.bus,
    rules: () => {
      if (run.seen.at(-1) !== instance.world) run.seen.push(instance.world);
      return instance.world.rules;
    },
  };
}

function dead(): StoreError {
  return new StoreError({ code: "store_failed", message: "this instance is dead" });
}

/** As a store over a network says when it has lost its connection: nobody knows whether the append has happened. */
function unavailable(): StoreError {
  return new StoreError({ code: "store_unavailable", message: "the connection is lost" });
}

function storeOf(history: History, run: Run): Store {
  const { memory, schedule } = history;
  const point = <T>(act: () => Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      schedule.later(() => {
        if (run.life.alive) resolve(act());
        else reject(dead());
      });
    });
  return {
    append: (change) => append(history, run, change),
    stream: (name, from) => point(() => memory.stream(name, from)),
    range: (from, limit) => point(() => memory.range(from, limit)),
    headers: (from, limit) => point(() => memory.headers(from, limit)),
    head: () => point(() => memory.head()),
    subtrees: (wanted) => point(() => memory.subtrees(wanted)),
    slot: (key) => point(() => memory.slot(key)),
    requests: (filter) => point(() => memory.requests(filter)),
    dueTimers: (now, limit) => point(() => memory.dueTimers(now, limit)),
    nextTimer: () => point(() => memory.nextTimer()),
    takeMessages: (now, limit, until) => point(() => memory.takeMessages(now, limit, until)),
    messages: (limit) => point(() => memory.messages(limit)),
    messageDone: (id) => point(() => memory.messageDone(id)),
    messageRetry: (id, notBefore) => point(() => memory.messageRetry(id, notBefore)),
    forget: () => point(() => memory.forget()),
    document: (kind, id) => point(() => memory.document(kind, id)),
    documents: (kind) => point(() => memory.documents(kind)),
    onAdvance: (listener) => memory.onAdvance(listener),
    fault: memory.fault,
    [Symbol.asyncDispose]: async () => {},
  };
}

function append(history: History, run: Run, change: Append): Promise<AppendResult> {
  const { instance, life, op, number, since } = run;
  const clock = history.clockOf(instance);
  const call = { run: number, op, world: instance.world, seen: [...run.seen], clock, since };
  const asked = history.time;
  return new Promise((resolve, reject) => {
    const commit = async (): Promise<void> => {
      if (!life.alive) return reject(dead());
      const point = history.crashPoint();
      if (point === "before the commit") {
        history.crash(instance, point);
        return reject(dead());
      }
      const away = history.isAway();
      if (away === "before") return reject(unavailable());
      const time = Math.max(clock + history.time - asked, history.time) as Instant;
      const { inTime } = change;
      const timed = inTime === undefined ? change : { ...change, inTime: { ...inTime, now: time } };
      const result = await history.memory.append(timed);
      history.trace(() => `${instance.name} #${number} append ${namesOf(change)}: ${resultOf(result)}`);
      if (result.status === "appended") history.checker.committed({ ...call, commit: time }, change, result);
      if (point !== null) history.crash(instance, point);
      if (point === "after the commit") reject(dead());
      else if (away === "after") reject(unavailable());
      else resolve(result);
    };
    history.schedule.later(() => void commit().catch(reject));
  });
}

function namesOf({ entries, slots = [] }: Append): string {
  const names = entries.map(({ type, version }) => `${type} v${version}`).join(", ");
  return names === "" ? `${slots.length} slots` : names;
}

function resultOf(result: AppendResult): string {
  switch (result.status) {
    case "appended":
      return `appended at ${result.index}`;
    case "duplicate":
      return "duplicate";
    case "conflict":
      return `conflict on ${result.on}`;
    default:
      return result satisfies never;
  }
}
