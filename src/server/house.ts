import type { EngineContext, Credentials, Inbox, Leadership, Outbox, Privacy } from "../engine/index.ts";
import type { ScimDesk } from "../identity/scim/index.ts";
import type { Signer } from "../ports/signer.ts";
import type { People } from "../ports/people.ts";
import type { Channels } from "./channels.ts";
import type { Metrics } from "./metrics.ts";
import type { Pressure } from "./pressure.ts";
import type { Notary } from "./notary.ts";
import type { Publisher } from "./publisher.ts";
import type { SignIn } from "./sign-in/sign-in.ts";
import type { RulesKeeper } from "./rules.ts";
import type { Workloads } from "./workloads.ts";

/** Everything that routes work with, wired once in compose.ts. */
export type House = {
  readonly ctx: EngineContext;
  readonly credentials: Credentials;
  readonly rules: RulesKeeper;
  /** The one way in which the directory changes beside its file. */
  readonly people: People;
  /** Identity providers; null where the settings name none. */
  readonly signIn: SignIn | null;
  /** What each provisioning client of the settings has provisioned, by its name. */
  readonly scim: ReadonlyMap<string, ScimDesk>;
  /** Which workloads are let in, and how their proofs are checked. */
  readonly workloads: Workloads;
  readonly metrics: Metrics;
  /** Tells channels what has happened. */
  readonly outbox: Outbox;
  /** Keeps what people click there, and decides it. */
  readonly inbox: Inbox;
  readonly channels: Channels;
  /** Signs checkpoints; never the key that signs permits. */
  readonly ledgerSigner: Signer;
  /** The ledger's name in checkpoints, fixed when the store was made. */
  readonly ledgerOrigin: string;
  /** Signs checkpoints and receipts with that key. */
  readonly notary: Notary;
  /** Holds the checkpoint that is shown to the world. */
  readonly publisher: Publisher;
  /** Who approves erasures; null where the settings name nobody, and nothing is erased. */
  readonly privacy: Privacy | null;
  /** Anybody may read the ledger's headers; else the operator alone. */
  readonly ledgerPublic: boolean;
  /** The address that links and `iss` carry, without a trailing slash. */
  readonly publicUrl: string;
  /** Lets anybody act as anybody: only for `keyturn demo`. */
  readonly demo: boolean;
  /** Names this process among those that share the ledger, from its start to its end. */
  readonly instance: string;
  /** Resolves once all is in force here that others have recorded by now; rejects while it cannot be read. Null: there are no others. */
  readonly fresh: (() => Promise<void>) | null;
  /**
   * The size of the ledger as far as all of it is in force here; null while there is more, or probably will be by the next
   * commit, and where there are no others. What is decided on it is appended `at` it: there may be more, unheard of here.
   */
  readonly knownSize: () => number | null;
  /** Rises with all that others have recorded and is in force here. */
  readonly heard: () => number;
  /** What others recorded and is not known here yet, in milliseconds. */
  readonly behindMs: () => number;
  /** Whether this instance does what one is enough for. */
  readonly leadership: Leadership;
  /** Follows the others and shares the housekeeping with them, until the signal aborts. */
  readonly together: (signal: AbortSignal) => Promise<void>;
  /** Sends away what would not fit. */
  readonly pressure: Pressure;
  /** Aborts when the server closes; streams and long polls end then. */
  readonly closing: AbortSignal;
};
