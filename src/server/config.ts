import { dirname, resolve } from "node:path";
import { z } from "zod";
import { encodeHex } from "../core/encoding.ts";
import { parseWitnessKey } from "../core/ledger/index.ts";
import { readYaml } from "../config/index.ts";
import { LIMITS_DEFAULT, type Limits } from "../engine/index.ts";
import { scimOf, ScimWritten, type ScimConfig } from "../identity/scim/index.ts";
import { workloadsOf, WorkloadsWritten, type WorkloadRule } from "../identity/workload/index.ts";
import { ConfigError } from "../ports/config.ts";
import { AdviserWritten, TimeZoneWritten, WorkingHoursWritten } from "./situation.ts";
import type { AdviserConfig, HoursConfig } from "./situation.ts";
import { notifyOf, NotifyWritten, type NotifyConfig } from "./channels.ts";
import type { ProviderConfig } from "../identity/oidc/index.ts";
import { providersOf, SignInWritten } from "./sign-in/written.ts";
import { keysOf, KeysWritten, storeOf, StoreWritten, type KeysConfig, type StoreConfig } from "./stores.ts";

/** Where things are and what the limits are. Paths are absolute after loading. */
export type Config = {
  readonly host: string;
  readonly port: number;
  /** The address that people and gates use, without a trailing slash; null means `http://host:port`. */
  readonly publicUrl: string | null;
  readonly data: string;
  readonly directory: string;
  readonly catalogue: string;
  readonly policies: string;
  readonly limits: Limits;
  readonly ledger?: LedgerConfig;
  readonly privacy?: PrivacyConfig | null;
  readonly people?: PeopleConfig;
  readonly export?: ExportConfig | null;
  readonly notify?: NotifyConfig | null;
  /** Where and when people work; policies see the time there. */
  readonly hours?: HoursConfig | null;
  readonly adviser?: AdviserConfig | null;
  /** Clients that provision people and groups by SCIM. */
  readonly scim?: readonly ScimConfig[];
  /** Workloads that exchange a token of their platform for a gate's token. */
  readonly workloads?: readonly WorkloadRule[];
  /** Identity providers at which people sign in; without one, one-time links are the only way. */
  readonly signIn?: readonly ProviderConfig[];
  /** A database that several servers share; null for the file in the data directory. */
  readonly store?: StoreConfig | null;
  readonly keys?: KeysConfig;
};

/** Where changes of people that loosen come from; those of the sources named wait for an administrator. */
export type HoldSource = "file" | "links" | "scim" | "oidc";
/** What is held, and for how many days whoever changed a group or a policy approves nothing that rests on it. */
export type PeopleConfig = { readonly hold: readonly HoldSource[]; readonly editorDays: number };

/** The group that approves erasures, and how many of it; at least two people in any case. */
export type PrivacyConfig = { readonly approvers: string; readonly quorum: number };
/** Where events go: a webhook that is signed as Standard Webhooks says, with the secret in a file. */
export type ExportConfig = {
  readonly url: string;
  readonly secretFile: string;
  /** Hosts that may be loopback or private addresses. */
  readonly allowPrivate: readonly string[];
  /** Where a webhook that was never told anything begins: at the ledger's first entry (if not given), or with what comes. */
  readonly since?: "beginning" | "now";
};

/** Who may read the ledger's headers, and who cosigns it. */
export type LedgerConfig = {
  /** Anybody may read checkpoint and tiles; else the operator alone. Null means only in the demo. */
  readonly public: boolean | null;
  readonly witnesses: readonly WitnessConfig[];
  /** How many witnesses must have cosigned what is published, and must answer at the start. */
  readonly witnessQuorum: number;
};
/** A witness that speaks C2SP tlog-witness: where it takes checkpoints, and the key that it signs with. */
export type WitnessConfig = { readonly url: string; readonly vkey: string };

export { LIMITS_DEFAULT } from "../engine/index.ts";

export const PORT_DEFAULT = 7117;

/** A note has at most 16 signatures (signed-note), and one of them is ours. */
const WITNESSES_MAX = 15;

function isWitnessKey(line: string): boolean {
  try {
    parseWitnessKey(line);
    return true;
  } catch {
    return false;
  }
}

function areDistinct(witnesses: readonly WitnessConfig[]): boolean {
  const keys = witnesses.flatMap(({ vkey }) => (isWitnessKey(vkey) ? [parseWitnessKey(vkey)] : []));
  const publicKeys = new Set(keys.map(({ publicKey }) => encodeHex(publicKey)));
  return publicKeys.size === keys.length && new Set(keys.map(({ name }) => name)).size === keys.length;
}

const HOLD_SOURCES = ["file", "links", "scim", "oidc"] as const;
const count = z.int().min(1).max(1_000_000);
const seconds = z
  .int()
  .min(1)
  .max(30 * 86_400);
const Written = z.strictObject({
  listen: z
    .string()
    .regex(/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5}$/, "write `address:port`, such as `127.0.0.1:7117`")
    .default(`127.0.0.1:${PORT_DEFAULT}`),
  public_url: z.url({ protocol: /^https?$/, error: "write an http or https address" }).optional(),
  data: z.string().min(1).default("./data"),
  directory: z.string().min(1).default("./directory.yaml"),
  catalogue: z.string().min(1).default("./catalogue.yaml"),
  policies: z.string().min(1).default("./policies"),
  limits: z
    .strictObject({
      pending_per_agent: count.optional(),
      deferred_per_agent: count.optional(),
      evaluations_per_minute: count.optional(),
      denial_cooldown_seconds: seconds.optional(),
      evaluation_ttl_seconds: seconds.optional(),
      approved_for_seconds: seconds.optional(),
      waiters: count.optional(),
    })
    .default({}),
  ledger: z.strictObject({ public: z.boolean().optional() }).default({}),
  witnesses: z
    .array(
      z.strictObject({
        url: z.url({ protocol: /^https?$/, error: "write an http or https address" }),
        vkey: z.string().refine(isWitnessKey, "write the line that `keyturn witness` prints at its start"),
      }),
    )
    .max(WITNESSES_MAX)
    .refine(areDistinct, "two of these have the same name or the same key: one witness counts once")
    .default([]),
  witness_quorum: z.int().min(0).max(WITNESSES_MAX).optional(),
  people: z
    .strictObject({
      hold: z.array(z.enum(HOLD_SOURCES, "write a list of file, links, scim and oidc")).default([...HOLD_SOURCES]),
      editor_days: z.int().min(0).max(365).default(7),
    })
    .optional(),
  privacy: z.strictObject({ approvers: z.string().min(1), quorum: z.int().min(2).max(100).default(2) }).optional(),
  export: z
    .strictObject({
      webhook: z.strictObject({
        url: z.url({ protocol: /^https?$/, error: "write an http or https address" }),
        secret_file: z.string().min(1),
        allow_private: z.array(z.string().min(1)).max(16).default([]),
        since: z.enum(["beginning", "now"], "write beginning or now").default("beginning"),
      }),
    })
    .optional(),
  notify: NotifyWritten.optional(),
  time_zone: TimeZoneWritten.optional(),
  working_hours: WorkingHoursWritten.optional(),
  adviser: AdviserWritten.optional(),
  scim: ScimWritten.optional(),
  workloads: WorkloadsWritten.optional(),
  sign_in: SignInWritten.optional(),
  store: StoreWritten.optional(),
  keys: KeysWritten.optional(),
});

export const PEOPLE_DEFAULT: PeopleConfig = { hold: HOLD_SOURCES, editorDays: 7 };
export const LEDGER_DEFAULT: LedgerConfig = { public: null, witnesses: [], witnessQuorum: 0 };

/** What a command line may say instead of the file. */
export type Overrides = { readonly data?: string | undefined; readonly listen?: string | undefined };

/** Reads `keyturn.yaml`; throws a `ConfigError` that names every problem with its line. Paths are relative to the file. */
export function loadConfig(path: string, overrides: Overrides = {}): Config {
  const { value, problem } = readYaml(path, Written, "config_invalid");
  if ((value.witness_quorum ?? 0) > value.witnesses.length) {
    const message = `\`witness_quorum\` asks for ${value.witness_quorum} of ${value.witnesses.length} witnesses`;
    const hint = "name more witnesses, or ask for fewer";
    throw new ConfigError({ code: "config_invalid", problems: [problem(["witness_quorum"], message, hint)] });
  }
  const given = Object.fromEntries(Object.entries(overrides).filter(([, text]) => text !== undefined));
  const final = Written.safeParse({ ...value, ...given });
  if (!final.success) {
    const message = final.error.issues[0]?.message ?? "not understood";
    throw new ConfigError({
      code: "config_invalid",
      problems: [{ file: "--listen", line: 0, column: 0, message, hint: null }],
    });
  }
  return configOf(final.data, dirname(resolve(path)));
}

function configOf(written: z.infer<typeof Written>, base: string): Config {
  const colon = written.listen.lastIndexOf(":");
  const { limits } = written;
  const ms = (given: number | undefined, fallback: number): number => (given === undefined ? fallback : given * 1000);
  return {
    host: written.listen.slice(0, colon).replace(/^\[|\]$/g, ""),
    port: Number(written.listen.slice(colon + 1)),
    publicUrl: written.public_url?.replace(/\/+$/, "") ?? null,
    data: resolve(base, written.data),
    directory: resolve(base, written.directory),
    catalogue: resolve(base, written.catalogue),
    policies: resolve(base, written.policies),
    limits: {
      ...LIMITS_DEFAULT,
      pendingPerAgent: limits.pending_per_agent ?? LIMITS_DEFAULT.pendingPerAgent,
      deferredPerAgent: limits.deferred_per_agent ?? LIMITS_DEFAULT.deferredPerAgent,
      evaluationsPerMinute: limits.evaluations_per_minute ?? LIMITS_DEFAULT.evaluationsPerMinute,
      denialCooldownMs: ms(limits.denial_cooldown_seconds, LIMITS_DEFAULT.denialCooldownMs),
      evaluationTtlMs: ms(limits.evaluation_ttl_seconds, LIMITS_DEFAULT.evaluationTtlMs),
      approvedForMs: ms(limits.approved_for_seconds, LIMITS_DEFAULT.approvedForMs),
      waitersMax: limits.waiters ?? LIMITS_DEFAULT.waitersMax,
    },
    ledger: ledgerOf(written),
    privacy: written.privacy ?? null,
    people:
      written.people === undefined
        ? PEOPLE_DEFAULT
        : { hold: written.people.hold, editorDays: written.people.editor_days },
    export: exportOf(written, base),
    notify: notifyOf(written.notify, base),
    hours: hoursOf(written),
    adviser: adviserOf(written),
    scim: scimOf(written.scim),
    workloads: workloadsOf(written.workloads, base),
    signIn: providersOf(written.sign_in, base),
    store: storeOf(written.store, base),
    keys: keysOf(written.keys, base),
  };
}

function hoursOf({ time_zone: timeZone, working_hours: hours }: z.infer<typeof Written>): HoursConfig | null {
  return timeZone === undefined && hours === undefined ? null : { timeZone: timeZone ?? "UTC", hours: hours ?? null };
}

function adviserOf({ adviser }: z.infer<typeof Written>): AdviserConfig | null {
  return adviser === undefined ? null : { url: adviser.url, timeoutMs: adviser.timeout_ms, secrets: adviser.secrets };
}

function exportOf({ export: to }: z.infer<typeof Written>, base: string): ExportConfig | null {
  if (to === undefined) return null;
  const { url, secret_file: file, allow_private: allowPrivate, since } = to.webhook;
  return { url, secretFile: resolve(base, file), allowPrivate, since };
}

function ledgerOf({ ledger, witnesses, witness_quorum: quorum }: z.infer<typeof Written>): LedgerConfig {
  return {
    public: ledger.public ?? null,
    witnesses: witnesses.map(({ url, vkey }) => ({ url: url.replace(/\/+$/, ""), vkey })),
    // More than half, unless it is said: one witness that is away must not be enough to hide a rollback.
    witnessQuorum: quorum ?? (witnesses.length === 0 ? 0 : Math.floor(witnesses.length / 2) + 1),
  };
}
