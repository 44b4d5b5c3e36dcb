import { ALONE, Follower, Lease, type Credentials, type Elsewhere, type EngineContext } from "../engine/index.ts";
import type { AppendResult } from "../ports/store.ts";
import type { Log } from "./log.ts";
import type { House } from "./house.ts";
import type { RulesKeeper } from "./rules.ts";
import type { WatchedStore } from "./watched.ts";

/** What a house needs to know of other instances on the same ledger. */
export type Together = Pick<
  House,
  "instance" | "fresh" | "knownSize" | "heard" | "behindMs" | "leadership" | "together"
>;

type Parts = {
  readonly ctx: EngineContext;
  readonly store: WatchedStore;
  readonly credentials: Credentials;
  readonly rules: RulesKeeper;
  /** The size of the ledger before anything of it was read into memory. */
  readonly from: number;
  readonly instance: string;
  readonly log: Log;
};

const PEOPLE: readonly string[] = ["directory.changed", "link.changed"];
const RULES: readonly string[] = ["policy.changed", "catalogue.changed"];

/** For how long, in milliseconds, nothing is decided on what is known, once somebody else has been faster than its commit. */
const OVERTAKEN_MS = 1000;

/** The only process on its ledger: all is known, and it leads. */
export function alone(instance: string): Together {
  return {
    instance,
    fresh: null,
    knownSize: () => null,
    heard: () => 0,
    behindMs: () => 0,
    leadership: ALONE,
    together: () => Promise.resolve(),
  };
}

/** One of several on a ledger: it follows what the others append, and one of them does the housekeeping. */
export function joinOthers({ ctx, store, credentials, rules, from, instance, log }: Parts): Together {
  const lease = new Lease(store, instance);
  let rulesRead: Promise<unknown> = Promise.resolve();
  let reloads = 0;
  let reloading = 0;
  let overtakenAt = -Infinity;
  const onChange = async ({ types, credentials: changed }: Elsewhere): Promise<void> => {
    for (const id of changed) credentials.forget(id);
    // Names that gates gave are in every instance's memory, and whoever leads writes them down.
    if (types.has("erasure.performed")) await ctx.around.keeper.forgetNames(ctx.clock.now());
    if (PEOPLE.some((type) => types.has(type))) await rules.people.reloadPeople();
    if (!RULES.some((type) => types.has(type))) return;
    // Beside: a reload waits for what follows here, so this must not wait for a reload. Who wants to be `fresh` does.
    reloading += 1;
    rulesRead = rules
      .heard()
      .then(
        (unlike) => (unlike === null ? undefined : log("error", unlike)),
        (error: unknown) => log("error", `the new rules were refused, the old ones still serve:\n${String(error)}`),
      )
      .finally(() => {
        reloads += 1;
        reloading -= 1;
      });
  };
  const follower = new Follower(ctx, from, onChange);
  store.watch((change, result) => {
    follower.wrote(change, result);
    if (change.at === undefined) return;
    const onAnswer = (answer: AppendResult): void => {
      if (answer.status === "conflict" && answer.on === "size") overtakenAt = performance.now();
    };
    result.then(onAnswer, () => undefined);
  });
  rules.share(() => follower.catchUp());
  ctx.around.keeper.share({
    get cursor() {
      return follower.cursor;
    },
    fence: () => lease.fence(),
  });
  return {
    instance,
    fresh: async () => {
      await follower.catchUp();
      await rulesRead;
    },
    knownSize: () => {
      // Where others append all the time, a commit in vain costs more than reading first.
      const isBusy = reloading > 0 || performance.now() < overtakenAt + OVERTAKEN_MS;
      return isBusy ? null : follower.knownSize;
    },
    heard: () => follower.heard + reloads,
    behindMs: () => follower.behindMs,
    leadership: lease,
    together: (signal) => {
      follower.run(signal);
      return lease.run(signal);
    },
  };
}
