import type { Digest, Instant } from "../core/brand.ts";
import type { Question } from "../core/action/index.ts";
import { utc } from "../core/risk/index.ts";
import type { Advice, Classification } from "../core/risk/index.ts";
import type { Store } from "../ports/store.ts";
import { Deferrals } from "./deferrals.ts";
import { Latest } from "./latest.ts";
import type { LocalClock } from "./local-time.ts";
import { SessionKeeper } from "./session-store.ts";
import { SessionLog } from "./session.ts";
import { Stated } from "./stated.ts";

/** What an adviser is shown. */
export type Shown = {
  readonly question: Question;
  readonly digest: Digest;
  readonly classification: Classification;
};

/** Somebody who may raise a score, such as a model. It answers null where it has nothing to say, or nothing in time. */
export type Adviser = (shown: Shown) => Promise<Advice | null>;

/** What stands beside a question when it is judged: what came before, what sources told, the clock of the people. */
export type Surroundings = {
  readonly latest: Latest;
  readonly sessions: SessionLog;
  readonly keeper: SessionKeeper;
  readonly stated: Stated;
  readonly deferrals: Deferrals;
  readonly local: LocalClock;
  readonly adviser: Adviser | null;
};

/** Surroundings as the store has them; resolves once nothing of the ledger is missing. */
export async function openSurroundings(
  store: Store,
  now: Instant,
  settings: { readonly local?: LocalClock | null; readonly adviser?: Adviser | null } = {},
): Promise<Surroundings> {
  const around = newSurroundings(store, settings);
  await Promise.all([around.keeper.open(now), around.stated.open(store), around.deferrals.open(store)]);
  return around;
}

/** The same over a store in which nothing has happened. */
export function newSurroundings(
  store: Store,
  { local = null, adviser = null }: { readonly local?: LocalClock | null; readonly adviser?: Adviser | null } = {},
): Surroundings {
  const sessions = new SessionLog();
  return {
    latest: new Latest(),
    sessions,
    keeper: new SessionKeeper(store, sessions),
    stated: new Stated(),
    deferrals: new Deferrals(),
    local: local ?? utc,
    adviser,
  };
}
