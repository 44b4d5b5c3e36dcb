import { createHash } from "node:crypto";
import { canonicalBytes, copyJson, type JsonObject } from "../core/action/index.ts";
import { encodeBase64 } from "../core/encoding.ts";
import { ALONE, recordChange, recordChanges } from "../engine/index.ts";
import type { EngineContext, Fence, Leadership } from "../engine/index.ts";
import type { Signer } from "../ports/signer.ts";
import { notifySettings } from "./channels.ts";
import { LEDGER_DEFAULT, PEOPLE_DEFAULT, type Config } from "./config.ts";
import { vouchingSettings } from "./provisioning.ts";
import { LedgerError } from "./ledger-error.ts";

export type Recorder = Pick<EngineContext, "store" | "clock" | "chance">;

/** The installation's keys, by what they sign. */
export type Keys = { readonly permit: Signer; readonly ledger: Signer };

/** Who vouches for people, without the place of the secret. */
function providerSetting(provider: NonNullable<Config["signIn"]>[number]): JsonObject {
  const { name, label, issuer, clientId, scopes, account, people, groups, require } = provider;
  return {
    name,
    label,
    issuer,
    clientId,
    scopes: [...scopes],
    account,
    people,
    groups: groups === null ? null : { claim: groups.claim, map: [...groups.map].map(([from, to]) => [from, [...to]]) },
    require,
  };
}

/** How often a ledger in which nothing happens says that it is there. */
export const HEARTBEAT_EVERY_MS = 3_600_000;

const KEY = "key";
const CONFIG = { kind: "config", id: "current" } as const;

/**
 * Records keys that were not known before, with their public halves, so that signatures can still be checked when the
 * files are gone. Throws `ledger_key_changed` where this origin had another ledger key: its name would mean two keys.
 */
export async function recordKeys(
  recorder: Recorder,
  keys: Keys,
  origin: string,
  isShared: boolean = false,
): Promise<void> {
  for (const [purpose, signer] of Object.entries(keys)) {
    const known = (await recorder.store.document(KEY, purpose))?.body;
    if (known?.["key_id"] === signer.keyId) continue;
    if (purpose === "ledger" && known?.["origin"] === origin) {
      throw otherLedgerKey();
    }
    if (isShared && purpose === "permit" && known !== undefined) throw otherPermitKey();
    await recordChanges(recorder, [keyCreated(purpose, signer, known?.["key_id"] ?? null)], {
      documents: [{ kind: KEY, id: purpose, body: keyDocument(signer, origin) }],
      // Of several instances that start at once one says which key it is, and those with another one end.
      ...(known === undefined
        ? { idempotency: { key: `key:${purpose}:${origin}`, fingerprint: signer.keyId, answer: {} } }
        : {}),
    });
    const now = (await recorder.store.document(KEY, purpose))?.body;
    if (now?.["key_id"] !== signer.keyId) throw purpose === "permit" ? otherPermitKey() : otherLedgerKey();
  }
}

/** Purposes of keys that the ledger has recorded. */
export async function knownKeys(store: Recorder["store"]): Promise<ReadonlySet<string>> {
  return new Set((await store.documents(KEY)).map(({ id }) => id));
}

/** From now on the key in this file signs permits, in every instance that is started with it. */
export async function replacePermitKey(recorder: Recorder, signer: Signer, origin: string): Promise<boolean> {
  const known = (await recorder.store.document(KEY, "permit"))?.body["key_id"] ?? null;
  if (known === signer.keyId) return false;
  await recordChanges(recorder, [keyCreated("permit", signer, known)], {
    documents: [{ kind: KEY, id: "permit", body: keyDocument(signer, origin) }],
  });
  return true;
}

function otherLedgerKey(): LedgerError {
  return new LedgerError({
    code: "ledger_key_changed",
    message:
      "ledger-key.pem is not the key that this ledger was signed with. Put it back; if it is lost for good, " +
      "`keyturn ledger new-epoch --because TEXT` goes on with this one and says so for ever.",
  });
}

function otherPermitKey(): LedgerError {
  return new LedgerError({
    code: "permit_key_differs",
    message:
      "permit-key.pem is not the key that the other instances sign permits with. Give every instance the same file; to " +
      "change it for good, stop them all, put the new file everywhere and run `keyturn store replace-permit-key`.",
  });
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
  const { host, publicUrl, limits, ledger = LEDGER_DEFAULT, people = PEOPLE_DEFAULT } = config;
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
    people: { hold: [...people.hold], editor_days: people.editorDays },
    // What policies see as local time, and who may raise scores.
    ...(config.hours === undefined || config.hours === null ? {} : { hours: copyJson(config.hours) }),
    ...(config.adviser === undefined || config.adviser === null ? {} : { adviser: copyJson(config.adviser) }),
    // Who may agree to an erasure, and where events go.
    privacy: config.privacy === undefined || config.privacy === null ? null : { ...config.privacy },
    export:
      config.export === undefined || config.export === null
        ? null
        : {
            url: config.export.url,
            allow_private: config.export.allowPrivate,
            since: config.export.since ?? "beginning",
          },
    notify: notifySettings(config.notify ?? null),
    ...vouchingSettings(config),
    sign_in: (config.signIn ?? []).map(providerSetting),
    // Never the address of a database: it may hold a password.
    ...(config.store === undefined || config.store === null ? {} : { store: { ledger: config.store.ledger } }),
  };
  const digest = `sha256:${createHash("sha256").update(canonicalBytes(settings)).digest("hex")}`;
  const known = (await recorder.store.document(CONFIG.kind, CONFIG.id))?.body;
  if (known?.["digest"] === digest) return;
  const turn = typeof known?.["turn"] === "number" ? known["turn"] + 1 : 1;
  const publics = { config: digest, witnesses: ledger.witnesses.length, witness_quorum: ledger.witnessQuorum };
  const documents = [{ ...CONFIG, body: { digest, turn } }];
  // Instances that start together with the same new settings say so once.
  const idempotency = { key: `config:${turn}:${digest}`, fingerprint: digest, answer: {} };
  await recordChange(recorder, "config.changed", { settings }, publics, { documents, idempotency });
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
  async beat(fence: Fence = []): Promise<void> {
    const { size } = await this.#recorder.store.head();
    const ticked = performance.now() - this.#startedTick;
    const driftMs = Math.round(this.#recorder.clock.now() - this.#startedAt - ticked);
    await recordChange(this.#recorder, "server.heartbeat", {}, { size, drift_ms: driftMs }, { slots: fence });
  }

  /** Beats until the signal aborts, while this instance leads; a beat that fails is the store's failure, which is told elsewhere. */
  run(signal: AbortSignal, leadership: Leadership = ALONE): void {
    const timer = setInterval(() => {
      const fence = leadership.fence();
      if (fence !== null) void this.beat(fence).catch(() => undefined);
    }, HEARTBEAT_EVERY_MS);
    timer.unref();
    signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  }
}
