import { hash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { integer, text } from "./columns.ts";
import { StoreError } from "../../ports/store.ts";
import { Link, unsupported } from "./link.ts";
import type { Statement } from "./link.ts";
import { describe, failureOf, unavailable } from "./failure.ts";

/** One step of the schema: forward only, and never edited once released, for its checksum stands in the database. */
type Migration = { readonly version: number; readonly file: string; readonly sql: string; readonly checksum: string };

export type MigrateOptions = {
  /** The database as its owner: whoever may create a schema in it. */
  readonly url: string;
  /**
   * The role that servers connect with. It gets what a server needs and no more: entries can be added and read, never
   * changed or deleted; payloads can be added, read and deleted. The role must exist.
   */
  readonly role?: string;
};

/** What a migration did: `from` is 0 for a new database. */
export type Migrated = { readonly from: number; readonly to: number };

/** A migration may rewrite a large table. */
const PLACE = { connectTimeoutMs: 10_000, statementTimeoutMs: 3_600_000, lockTimeoutMs: 60_000, idleTimeoutMs: 60_000 };
/** Two that begin an empty database at once meet in its catalogue; the second comes again. */
const TRIES_MAX = 5;

const MIGRATIONS: readonly Migration[] = load();
/** The schema that this build reads and writes. */
export const SCHEMA_VERSION: number = MIGRATIONS.length;

/**
 * Brings a database to this build's schema, in one transaction, one migrator at a time, and grants `role` its rights.
 * Throws `store_unsupported` for a schema that is newer than this build or was made by other migrations, and
 * `store_unavailable` where the database cannot be reached or refuses.
 */
export async function migratePostgres(options: MigrateOptions): Promise<Migrated> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await migrate(options);
    } catch (error) {
      if (error instanceof StoreError) throw error;
      const collided = ["again", "damaged"].includes(failureOf(error));
      if (!collided || tries === TRIES_MAX)
        throw unavailable(`the schema cannot be brought up to date: ${describe(error)}`, error);
    }
    await sleep(50 * tries);
  }
}

async function migrate({ url, role }: MigrateOptions): Promise<Migrated> {
  await using link = await Link.open({ url, ...PLACE }, "migration");
  await link.run([
    { text: "begin" },
    { text: "create schema if not exists keyturn" },
    {
      text: `create table if not exists keyturn.migrations (
        version integer primary key, file text not null, checksum text not null, at timestamptz not null default now())`,
    },
    { text: "create table if not exists keyturn.migrating (one integer primary key check (one = 1))" },
    { text: "insert into keyturn.migrating values (1) on conflict do nothing" },
    { text: "select one from keyturn.migrating for update" },
  ]);
  const from = (await appliedOf(link)).length;
  const statements: Statement[] = MIGRATIONS.slice(from).flatMap(({ version, file, sql, checksum }) => [
    { text: sql },
    {
      text: "insert into keyturn.migrations (version, file, checksum) values ($1, $2, $3)",
      values: [version, file, checksum],
    },
  ]);
  const grants = role === undefined ? [] : [{ text: grantsTo(pg.escapeIdentifier(role)) }];
  await link.run([...statements, ...grants, { text: "commit" }]);
  return { from, to: SCHEMA_VERSION };
}

/** Throws `store_unsupported` unless the database has exactly the schema of this build. */
export async function assertSchema(link: Link): Promise<void> {
  const [found] = await link.run([{ text: "select to_regclass('keyturn.migrations') is null as missing" }]);
  const applied = found?.rows[0]?.["missing"] === true ? [] : await appliedOf(link);
  if (applied.length === SCHEMA_VERSION) return;
  const has = applied.length === 0 ? "has no schema of Keyturn" : `has schema version ${applied.length}`;
  throw unsupported(`the database ${has}, and this build needs ${SCHEMA_VERSION}; run \`keyturn store migrate\``);
}

/** The checksums of what was applied, which is a beginning of what this build knows; or `store_unsupported`. */
async function appliedOf(link: Link): Promise<readonly string[]> {
  const [result] = await link.run([{ text: "select version, checksum from keyturn.migrations order by version" }]);
  const rows = result?.rows ?? [];
  if (rows.length > SCHEMA_VERSION) {
    throw unsupported(
      `the database has schema version ${rows.length}, and this build knows ${SCHEMA_VERSION}; use a newer keyturn`,
    );
  }
  return rows.map((row, at) => {
    const known = MIGRATIONS[at];
    const checksum = text(row["checksum"]);
    if (integer(row["version"]) === at + 1 && known?.checksum === checksum) return checksum;
    throw unsupported(`the database was made by a build with another migration ${at + 1}; use that build`);
  });
}

function load(): readonly Migration[] {
  const folder = new URL("./migrations/", import.meta.url);
  const files = readdirSync(folder).filter((file) => /^\d{4}-[a-z-]+\.sql$/u.test(file));
  return files.toSorted().map((file, at) => {
    if (Number(file.slice(0, 4)) !== at + 1) throw new Error(`${file} is not migration ${at + 1}`);
    const sql = readFileSync(new URL(file, folder), "utf8");
    return { version: at + 1, file, sql, checksum: hash("sha256", Buffer.from(sql), "hex") };
  });
}

function grantsTo(role: string): string {
  return `
    revoke all on all tables in schema keyturn from ${role};
    grant usage on schema keyturn to ${role};
    grant select on keyturn.migrations to ${role};
    grant select, insert on keyturn.entries, keyturn.tiles to ${role};
    grant select, insert, delete on keyturn.payloads to ${role};
    grant select, insert, update on keyturn.head, keyturn.requests to ${role};
    grant select, insert, update (fingerprint) on keyturn.answers to ${role};
    grant select, insert, update, delete on
      keyturn.slots, keyturn.timers, keyturn.outbox, keyturn.documents, keyturn.writers to ${role};
    grant execute on function keyturn.forget() to ${role}`;
}
