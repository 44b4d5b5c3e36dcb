import type { Digest } from "../core/brand.ts";
import type { Classifier } from "../ports/classifier.ts";
import type { Chance, Clock } from "../ports/clock.ts";
import type { Directory } from "../ports/directory.ts";
import type { PolicySet } from "../ports/policy.ts";
import type { Signer } from "../ports/signer.ts";
import type { Store } from "../ports/store.ts";
import type { Bus } from "./bus.ts";
import type { Limits, RateWindows } from "./limits.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Turns } from "./turns.ts";

/** What decides, at one moment. A reload replaces the whole, so nobody sees half of it. */
export type Rules = {
  readonly directory: Directory;
  readonly policies: PolicySet;
  readonly classifier: Classifier;
  /** What names all that the operator declared of actions and resources: evaluations say which of it they rest on. */
  readonly catalogueDigest: Digest;
  /** The operator's titles of actions, for cards. */
  readonly titles?: ReadonlyMap<string, string>;
};

/** What every operation of the engine works with. */
export type Context = {
  readonly store: Store;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly signer: Signer;
  /** Who signs permits: the installation's public address. */
  readonly issuer: string;
  readonly limits: Limits;
  readonly windows: RateWindows;
  readonly turns: Turns;
  readonly rules: () => Rules;
  /** What stands beside a question: sessions, facts that sources told, waits for such, the people's clock. */
  readonly around: Surroundings;
  readonly bus: Bus;
  /** Whether no channel is set up: nobody is told of news, so none is queued, and none taken. */
  readonly isQuiet?: boolean;
};
