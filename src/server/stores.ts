import { join, resolve } from "node:path";
import { z } from "zod";
import { readSecret } from "../config/index.ts";
import type { Store } from "../ports/store.ts";
import { openSqliteStore } from "../stores/sqlite/index.ts";
import type { Log } from "./log.ts";

/** A PostgreSQL that several servers share, instead of the embedded file. */
export type StoreConfig = {
  /** The address, or the file that holds it. */
  readonly url: string | { readonly file: string };
  /** Which ledger of that database. */
  readonly ledger: string;
  readonly wake: "notify" | "poll";
  /** How long a call waits for a database that is away; ten seconds if not given. */
  readonly patienceMs?: number;
};

/** Where keys and the operator's token are, where not in the data directory. Paths are absolute. */
export type KeysConfig = {
  readonly permit: string | null;
  readonly ledger: string | null;
  readonly operator: string | null;
};

type StoreAsWritten = {
  postgres: {
    url?: string | undefined;
    url_file?: string | undefined;
    ledger: string;
    wake: "notify" | "poll";
    patience_seconds?: number | undefined;
  };
};
type KeysAsWritten = { permit?: string | undefined; ledger?: string | undefined; operator?: string | undefined };

/** `store` of keyturn.yaml. */
export const StoreWritten: z.ZodType<StoreAsWritten> = z.strictObject({
  postgres: z
    .strictObject({
      url: z
        .string()
        .regex(/^postgres(?:ql)?:\/\//, "write an address such as `postgres://keyturn@db.example.com/keyturn`")
        .optional(),
      url_file: z.string().min(1).optional(),
      ledger: z
        .string()
        .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, "write up to 63 lower-case letters, digits, `.`, `_` and `-`")
        .default("main"),
      wake: z.enum(["notify", "poll"], "write notify or poll").default("notify"),
      patience_seconds: z.number().int().min(1).max(60).optional(),
    })
    .refine(({ url, url_file }) => (url === undefined) !== (url_file === undefined), "give either `url` or `url_file`"),
});

/** `keys` of keyturn.yaml. */
export const KeysWritten: z.ZodType<KeysAsWritten> = z.strictObject({
  permit: z.string().min(1).optional(),
  ledger: z.string().min(1).optional(),
  operator: z.string().min(1).optional(),
});

/** The store as it was written; null for the embedded file. */
export function storeOf(written: StoreAsWritten | undefined, base: string): StoreConfig | null {
  if (written === undefined) return null;
  const { url, url_file: file, ledger, wake, patience_seconds: patience } = written.postgres;
  const given = patience === undefined ? {} : { patienceMs: patience * 1000 };
  return { url: url ?? { file: resolve(base, file ?? "") }, ledger, wake, ...given };
}

/** Where the keys are, as it was written. */
export function keysOf(written: KeysAsWritten | undefined, base: string): KeysConfig {
  const path = (file: string | undefined): string | null => (file === undefined ? null : resolve(base, file));
  return { permit: path(written?.permit), ledger: path(written?.ledger), operator: path(written?.operator) };
}

/** The part of the settings that says where the ledger and its keys are. */
type StoreSettings = { readonly data: string; readonly store?: StoreConfig | null; readonly keys?: KeysConfig };

/** The paths of the keys, which are in the data directory unless it is said. */
export function keyPaths({ data, keys }: Pick<StoreSettings, "data" | "keys">): {
  readonly permit: string;
  readonly ledger: string;
  readonly operator: string;
} {
  return {
    permit: keys?.permit ?? join(data, "permit-key.pem"),
    ledger: keys?.ledger ?? join(data, "ledger-key.pem"),
    operator: keys?.operator ?? join(data, "operator.token"),
  };
}

/** Whether several servers share the ledger. */
export function isShared({ store = null }: Pick<StoreSettings, "store">): boolean {
  return store !== null;
}

/** The address of the database, read from its file where it stands in one; throws a `ConfigError` where that is no address. */
export function addressOf({ url }: StoreConfig): string {
  if (typeof url === "string") return url;
  return readSecret(url.file, {
    message: "this file holds no address of a PostgreSQL database",
    hint: "write one line into it: postgres://ROLE:PASSWORD@HOST/DATABASE",
    fits: /^postgres(?:ql)?:\/\/\S+$/,
  });
}

/** Opens the store that the settings name: the embedded file, or the shared database with what its instances share. */
export async function openConfigured(
  config: Pick<StoreSettings, "data" | "store">,
  log: Log,
  newsSecret?: Promise<Uint8Array>,
): Promise<Store> {
  const onLog = (note: string): void => log("info", note);
  const { data, store = null } = config;
  if (store === null) return openSqliteStore({ path: join(data, "keyturn.db"), onLog });
  // Loaded only where it is asked for.
  const { openPostgres } = await import("../stores/postgres/index.ts");
  const { ledger, wake, patienceMs } = store;
  return openPostgres({
    url: addressOf(store),
    ledger,
    wake,
    onLog,
    ...(newsSecret === undefined ? {} : { newsSecret }),
    ...(patienceMs === undefined ? {} : { patienceMs }),
  });
}
