import { Credentials } from "../engine/index.ts";
import { openContents } from "../stores/sqlite/index.ts";
import { OPERATOR_TTL_MS, systemChance, systemClock } from "./compose.ts";
import type { Config } from "./config.ts";
import { originOf } from "./epoch.ts";
import { fileSigner } from "./keys.ts";
import { replacePermitKey } from "./lifecycle.ts";
import { copyStore, type Copied } from "./store-copy.ts";
import { keyPaths, openConfigured } from "./stores.ts";

/** Brings a database to this build's schema as its owner, and grants a role what servers need. */
export async function migrateStore(
  url: string,
  role: string | null,
): Promise<{ readonly from: number; readonly to: number }> {
  const { migratePostgres } = await import("../stores/postgres/index.ts");
  return migratePostgres(role === null ? { url } : { url, role });
}

/** Copies a store's file into an empty ledger, and compares both. */
export async function copyTo(
  file: string,
  { url, ledger }: { readonly url: string; readonly ledger: string },
): Promise<Copied> {
  const { openPostgres } = await import("../stores/postgres/index.ts");
  using from = openContents(file);
  await using to = await openPostgres({ url, ledger, wake: "poll" });
  return await copyStore(from, to);
}

/** Records the key in the file as the one that signs permits; false where it is that already. */
export async function replacePermitKeyOf(config: Config): Promise<boolean> {
  await using store = await openConfigured(config, () => {});
  const recorder = { store, clock: systemClock, chance: systemChance() };
  const origin = await originOf(store, config.publicUrl ?? `http://${config.host}:${config.port}`, recorder.chance);
  return await replacePermitKey(recorder, fileSigner(keyPaths(config).permit, true), origin);
}

/** A new operator's token; it is shown this once. */
export async function issueOperatorTokenOf(config: Config): Promise<string> {
  await using store = await openConfigured(config, () => {});
  const rules = (): never => {
    throw new TypeError("a token of the operator does not depend on rules");
  };
  const credentials = new Credentials({ store, clock: systemClock, chance: systemChance(), rules });
  const { secret } = await credentials.issueOperatorToken(OPERATOR_TTL_MS);
  return secret;
}
