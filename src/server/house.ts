import type { EngineContext, Credentials, Privacy } from "../engine/index.ts";
import type { Signer } from "../ports/signer.ts";
import type { Metrics } from "./metrics.ts";
import type { Notary } from "./notary.ts";
import type { Publisher } from "./publisher.ts";
import type { RulesKeeper } from "./rules.ts";

/** Everything that routes work with, wired once in compose.ts. */
export type House = {
  readonly ctx: EngineContext;
  readonly credentials: Credentials;
  readonly rules: RulesKeeper;
  readonly metrics: Metrics;
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
  /** Ends streams and long polls when the server closes. */
  readonly closing: AbortSignal;
};
