import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

/** Rows of the demo's tables: a shop that is large enough to matter. */
export const CUSTOMERS = 25_000;
const SESSIONS = 8_000;
const AUDIT_ROWS = 500;

const FIRST = [
  "Ada",
  "Bela",
  "Chidi",
  "Dagny",
  "Emre",
  "Farah",
  "Goran",
  "Hana",
  "Imani",
  "Jonas",
  "Kaya",
  "Lior",
  "Mei",
  "Noor",
  "Otto",
  "Priya",
];
const LAST = [
  "Abara",
  "Berg",
  "Costa",
  "Dietz",
  "Eklund",
  "Fuchs",
  "Gupta",
  "Hahn",
  "Ito",
  "Jansen",
  "Khan",
  "Lund",
  "Moreau",
  "Novak",
  "Okoye",
  "Petrov",
];
const PLANS = ["free", "team", "business"];

/** Makes the shop's database where it is missing: customers, users, an old table that nobody needs, and the audit log. */
export function ensureShop(path: string): void {
  if (existsSync(path)) return;
  const db = new DatabaseSync(path);
  try {
    db.exec(`
      BEGIN;
      CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, plan TEXT NOT NULL, since TEXT NOT NULL) STRICT;
      CREATE TABLE users (name TEXT PRIMARY KEY, role TEXT NOT NULL) STRICT;
      CREATE TABLE sessions_2019 (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL, started TEXT NOT NULL) STRICT;
      CREATE TABLE audit_log (id INTEGER PRIMARY KEY, at TEXT NOT NULL, what TEXT NOT NULL) STRICT;
      INSERT INTO users VALUES ('report-bot', 'reader'), ('eve', 'developer'), ('bob', 'admin');`);
    fill(db);
    db.exec("COMMIT");
  } finally {
    db.close();
  }
}

function fill(db: DatabaseSync): void {
  const customer = db.prepare("INSERT INTO customers VALUES (?, ?, ?, ?, ?)");
  for (let id = 1; id <= CUSTOMERS; id++) {
    const first = FIRST[(id * 7) % FIRST.length] ?? "";
    const last = LAST[(id * 13 + Math.floor(id / 16)) % LAST.length] ?? "";
    customer.run(
      id,
      `${first} ${last}`,
      `${first}.${last}.${id}@example.com`.toLowerCase(),
      PLANS[id % 3] ?? "",
      day(2015 + (id % 11), id),
    );
  }
  const session = db.prepare("INSERT INTO sessions_2019 VALUES (?, ?, ?)");
  for (let id = 1; id <= SESSIONS; id++) session.run(id, ((id * 31) % CUSTOMERS) + 1, day(2019, id));
  const audit = db.prepare("INSERT INTO audit_log VALUES (?, ?, ?)");
  for (let id = 1; id <= AUDIT_ROWS; id++) audit.run(id, day(2026, id), `user bob changed setting ${id % 40}`);
}

function day(year: number, n: number): string {
  return `${year}-${String((n % 12) + 1).padStart(2, "0")}-${String((n % 28) + 1).padStart(2, "0")}`;
}

/** What is true of the shop now, read from the database itself. */
export type ShopFacts = {
  readonly customers: number;
  readonly agentRole: string;
  readonly oldTable: boolean;
  readonly auditRows: number;
};

export function shopFacts(path: string): ShopFacts {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const number = (sql: string): number => Number(db.prepare(sql).get()?.["n"] ?? 0);
    return {
      customers: number("SELECT count(*) AS n FROM customers"),
      agentRole: String(db.prepare("SELECT role FROM users WHERE name = 'report-bot'").get()?.["role"]),
      oldTable: number("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'sessions_2019'") === 1,
      auditRows: number("SELECT count(*) AS n FROM audit_log"),
    };
  } finally {
    db.close();
  }
}

export const AUDIT_ROWS_AT_FIRST: number = AUDIT_ROWS;
