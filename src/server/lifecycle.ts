import { createHash } from "node:crypto";
import { canonicalBytes, type JsonObject } from "../core/action/index.ts";
import { encodeBase64 } from "../core/encoding.ts";
import { recordChange, recordChanges, type EngineContext } from "../engine/index.ts";
import type { Signer } from "../ports/signer.ts";
import { LEDGER_DEFAULT, type Config } from "./config.ts";
import { LedgerError } from "./witnessed.ts";

export type Recorder = Pick<EngineContext, "store" | "clock" | "chance">;

/** The installation's keys, by what they sign. */
export type Keys = { readonly permit: Signer; readonly ledger: Signer };

/** How often a ledger in which nothing happens says that it is there. */
export const HEARTBEAT_EVERY_MS = 3_600_000;

const KEY = "key";
const CONFIG = { kind: "config", id: "current" } as const;

/**
 * Records keys that were not known before, with their public halves, so that signatures can still be checked when the
 * files are gone. Throws `ledger_key_changed` where this origin had another ledger key: its name would mean two keys.
 */
export async function recordKeys(recorder: Recorder, keys: Keys, origin: string): Promise<void> {
  for (const [purpose, signer] of Object.entries(keys)) {
    const known = (await recorder.store.document(KEY, purpose))?.body;
    if (known?.["key_id"] === signer.keyId) continue;
    if (purpose === "ledger" && known?.["origin"] === origin) {
      throw new LedgerError({
        code: "ledger_key_changed",
        message:
          "ledger-key.pem is not the key that this ledger was signed with. Put it back; if it is lost for good, " +
          "`keyturn ledger new-epoch --because TEXT` goes on with this one and says so for ever.",
      });
    }
    await recordChanges(recorder, [keyCreated(purpose, signer, known?.["key_id"] ?? null)], {
      documents: [{ kind: KEY, id: purpose, body: keyDocument(signer, origin) }],
    });
  }
}

/** The entry of a new key; `replaces` is the id of the one before it. */
export function keyCreated(purpose: string, signer: Signer, replaces: unknown): Parameters<typeof recordChanges>[1][0] {
  const publics = {
    purpose,
    algorithm: "Ed25519",
    key_id: signer.keyId,
    public_key: encodeBase64(signer.publicKey),
    replaces: typeof replaces === "string" ? replaces : null,
  };
  return { type: "key.created", payload: {}, publics };
}

/** What is remembered of a key, to notice another one. */
export function keyDocument(signer: Signer, origin: string): JsonObject {
  return { key_id: signer.keyId, origin };
}

/** Records the settings in force when they are not those of the last start. */
export async function recordConfig(recorder: Recorder, config: Config): Promise<void> {
  const { host, publicUrl, limits, ledger = LEDGER_DEFAULT } = config;
  const settings: JsonObject = {
    host,
    public_url: publicUrl,
    directory: config.directory,
    catalogue: config.catalogue,
    policies: config.policies,
    limits: { ...limits },
    ledger: {
      public: ledger.public,
      witnesses: ledger.witnesses.map(({ url, vkey }) => ({ url, vkey })),
      witness_quorum: ledger.witnessQuorum,
    },
    // Who may agree to an erasure, and where events go.
    privacy: config.privacy === undefined || config.privacy === null ? null : { ...config.privacy },
    export:
      config.export === undefined || config.export === null
        ? null
        : { url: config.export.url, allow_private: config.export.allowPrivate },
  };
  const digest = `sha256:${createHash("sha256").update(canonicalBytes(settings)).digest("hex")}`;
  const known = await recorder.store.document(CONFIG.kind, CONFIG.id);
  if (known?.body["digest"] === digest) return;
  const publics = { config: digest, witnesses: ledger.witnesses.length, witness_quorum: ledger.witnessQuorum };
  const documents = [{ ...CONFIG, body: { digest } }];
  await recordChange(recorder, "config.changed", { settings }, publics, { documents });
}

/** Says every hour that the ledger is there, how large it is, and how far the clock has been moved since the start. */
export class Heart {
  readonly #recorder: Recorder;
  readonly #startedAt: number;
  readonly #startedTick: number;

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
    this.#startedAt = recorder.clock.now();
    this.#startedTick = performance.now();
  }

  /** One beat. `drift_ms` is what the wall clock gained over the one that nobody can set. */
  async beat(): Promise<void> {
    const { size } = await this.#recorder.store.head();
    const ticked = performance.now() - this.#startedTick;
    const driftMs = Math.round(this.#recorder.clock.now() - this.#startedAt - ticked);
    await recordChange(this.#recorder, "server.heartbeat", {}, { size, drift_ms: driftMs });
  }

  /** Beats until the signal aborts; a beat that fails is the store's failure, which is told elsewhere. */
  run(signal: AbortSignal): void {
    const timer = setInterval(() => void this.beat().catch(() => undefined), HEARTBEAT_EVERY_MS);
    timer.unref();
    signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  }
}
