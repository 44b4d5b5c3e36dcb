import { writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { Keyturn } from "../../gates/sdk/index.ts";

export const EXPORT_ROWS = 12_000;
export const OLD_TABLE = "sessions_2019";

/** The agent's tools: plain functions on the shop's database, each wrapped in one line. */
export type Tools = {
  readonly readCustomers: Tool<{ limit: number }, number>;
  readonly exportCustomers: Tool<{ limit: number; file: string }, number>;
  readonly grantRole: Tool<{ user: string; role: string }, number>;
  readonly dropTable: Tool<{ table: string }, void>;
  readonly deleteAudit: Tool<{ before: string }, number>;
};
type Tool<A, R> = {
  (input: A): Promise<R>;
  with(options: {
    reason?: string;
    onHeld?: (task: { id: string; links?: { review?: string } }) => void;
  }): (input: A) => Promise<R>;
};

/** Guards the tools. Nothing else of the agent knows that Keyturn is there. */
export function guardedTools(keyturn: Keyturn, shop: string): Tools {
  const table = (id: string): { type: string; id: string } => ({ type: "table", id });
  return {
    readCustomers: keyturn.guard(({ limit }: { limit: number }) => query(shop, limit).length, {
      action: "customers.read",
      resource: table("customers"),
    }),
    exportCustomers: keyturn.guard(
      ({ limit, file }: { limit: number; file: string }) => exportRows(shop, limit, file),
      {
        action: "customers.export",
        resource: table("customers"),
        report: (rows) => ({ rows }),
      },
    ),
    grantRole: keyturn.guard(
      ({ user, role }: { user: string; role: string }) =>
        change(shop, "UPDATE users SET role = ? WHERE name = ?", role, user),
      {
        action: "user.grant_role",
        resource: ({ user }) => ({ type: "user", id: user }),
      },
    ),
    dropTable: keyturn.guard(
      ({ table: name }: { table: string }) => {
        change(shop, `DROP TABLE "${name.replaceAll('"', '""')}"`);
      },
      { action: "table.drop", resource: ({ table: name }) => table(name) },
    ),
    deleteAudit: keyturn.guard(
      ({ before }: { before: string }) => change(shop, "DELETE FROM audit_log WHERE at < ?", before),
      {
        action: "audit.delete",
        resource: table("audit_log"),
      },
    ),
  };
}

/** One line of CSV a customer. */
function query(shop: string, limit: number): readonly string[] {
  const sql = "SELECT id, name, email, plan FROM customers ORDER BY id LIMIT ?";
  return withShop(shop, (db) =>
    db
      .prepare(sql)
      .all(limit)
      .map((row) => [row["id"], row["name"], row["email"], row["plan"]].join(",")),
  );
}

function exportRows(shop: string, limit: number, file: string): number {
  const rows = query(shop, limit);
  writeFileSync(file, `id,name,email,plan\n${rows.join("\n")}\n`, { mode: 0o600 });
  return rows.length;
}

function change(shop: string, sql: string, ...values: string[]): number {
  return Number(withShop(shop, (db) => db.prepare(sql).run(...values)).changes);
}

function withShop<T>(shop: string, work: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(shop);
  try {
    return work(db);
  } finally {
    db.close();
  }
}
