import { hash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { StoreError } from "../../ports/store.ts";
import { integer, text } from "./columns.ts";

/** "KTRN": the mark of our files in SQLite's header. */
export const APPLICATION_ID = 0x4b54524e;

/**
 * Forward only, and never edited once released: their checksums stand in the file.
 * Statements beside their tables say why each index is there.
 */
const MIGRATIONS: readonly string[] = [
  `
  -- Bytes come last: a lookup by version never touches the overflow pages of a payload.
  CREATE TABLE entries (
    idx INTEGER PRIMARY KEY,
    stream TEXT NOT NULL,
    version INTEGER NOT NULL,
    type TEXT NOT NULL,
    header BLOB NOT NULL,
    salt BLOB,
    payload BLOB,
    UNIQUE (stream, version)
  ) STRICT;

  -- Full tiles of 256 hashes (C2SP tlog-tiles, height 8). Partial ones follow from the entries and the tiles below.
  CREATE TABLE tiles (
    level INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    root BLOB NOT NULL,
    hashes BLOB NOT NULL,
    PRIMARY KEY (level, idx)
  ) STRICT;

  CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), frontier BLOB NOT NULL) STRICT;

  CREATE TABLE answers (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, answer TEXT NOT NULL, idx INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE slots (key TEXT PRIMARY KEY, holder TEXT NOT NULL, owner TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX slots_by_owner ON slots (owner);

  CREATE TABLE requests (
    id TEXT PRIMARY KEY,
    status TEXT NOT NULL,
    agent TEXT NOT NULL,
    digest TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    closed_at INTEGER,
    view TEXT NOT NULL
  ) STRICT;
  -- A page of the inbox is a walk along one of these, from the cursor on, for each status asked for.
  CREATE INDEX requests_by_status ON requests (status, opened_at, id);
  CREATE INDEX requests_by_agent ON requests (agent, status, opened_at, id);

  CREATE TABLE timers (
    id TEXT PRIMARY KEY, due_at INTEGER NOT NULL, kind TEXT NOT NULL, stream TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX timers_by_due ON timers (due_at, id);

  CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    topic TEXT NOT NULL,
    body TEXT NOT NULL,
    not_before INTEGER NOT NULL,
    attempts INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX outbox_by_time ON outbox (not_before, seq);

  CREATE TABLE documents (
    kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id)
  ) STRICT;
  `,
];

/** The schema that this build writes. */
export const SCHEMA_VERSION: number = MIGRATIONS.length;

/** Throws `store_unsupported` for a database that is not ours, before anything in it is touched. */
export function assertOurs(db: DatabaseSync, path: string): void {
  const mark = integer(db.prepare("PRAGMA application_id").get()?.["application_id"]);
  const tables = integer(db.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.["n"]);
  if (mark !== APPLICATION_ID && (mark !== 0 || tables > 0)) {
    throw unsupported(`\`${path}\` is not a Keyturn store; choose another --data`);
  }
}

/**
 * Brings the file to this build's schema and says what was done, or throws `store_unsupported` for one that is newer
 * than this build, or was written by a build with other migrations.
 */
export function migrate(db: DatabaseSync, path: string): readonly string[] {
  db.exec("BEGIN IMMEDIATE");
  db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
  db.exec("CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, checksum TEXT NOT NULL) STRICT");
  const from = checkApplied(db, path);
  MIGRATIONS.slice(from).forEach((sql, at) => {
    db.exec(sql);
    db.prepare("INSERT INTO migrations (version, checksum) VALUES (?, ?)").run(from + at + 1, checksum(sql));
  });
  db.exec("COMMIT");
  if (from === SCHEMA_VERSION) return [];
  return [`store ${path}: schema brought from version ${from} to ${SCHEMA_VERSION}`];
}

function checkApplied(db: DatabaseSync, path: string): number {
  const applied = db.prepare("SELECT version, checksum FROM migrations ORDER BY version").all();
  if (applied.length > SCHEMA_VERSION) {
    throw unsupported(
      `store ${path} has schema version ${applied.length}, and this build knows ${SCHEMA_VERSION}; use a newer keyturn`,
    );
  }
  applied.forEach((row, at) => {
    const known = MIGRATIONS[at];
    if (integer(row["version"]) === at + 1 && known !== undefined && text(row["checksum"]) === checksum(known)) return;
    throw unsupported(`store ${path} was written by a build with another migration ${at + 1}; use that build`);
  });
  return applied.length;
}

function checksum(sql: string): string {
  return hash("sha256", new TextEncoder().encode(sql), "hex");
}

function unsupported(message: string): StoreError {
  return new StoreError({ code: "store_unsupported", message });
}
