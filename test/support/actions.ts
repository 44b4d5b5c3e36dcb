import type { Json, JsonObject } from "../../src/core/action/index.ts";

/** The parts of a question that tests vary. */
export type Vary = {
  readonly agent?: string;
  readonly type?: string;
  readonly properties?: JsonObject;
  readonly context?: JsonObject;
};

type Wire = { readonly [member: string]: Json };

function question(name: string, parameters: JsonObject, resource: string, vary: Vary): Wire {
  const { agent = "report-bot", type = "agent", properties, context } = vary;
  return {
    subject: { type, id: agent, ...(properties === undefined ? {} : { properties }) },
    action: { name, properties: parameters },
    resource: { type: "table", id: resource },
    context: { environment: "production", ...context },
  };
}

/** Passes at once up to 100 rows. */
export function readRows(limit: number, vary: Vary = {}): Wire {
  return question("customers.read", { limit }, "customers", vary);
}

/** Held for one of data-owners. */
export function exportRows(limit: number, vary: Vary = {}): Wire {
  return question("customers.export", { limit, path: "/out/customers.csv" }, "customers", vary);
}

/** Held for two of security. */
export function grantRole(role: string, vary: Vary = {}): Wire {
  return question("user.grant_role", { role }, "users", vary);
}

/** Held for one of data-owners and one of security. */
export function dropTable(table: string, vary: Vary = {}): Wire {
  return question("table.drop", { table }, table, vary);
}

/** Denied, whoever approves. */
export function deleteAudit(vary: Vary = {}): Wire {
  return question("audit.delete", { where: "true" }, "audit_log", vary);
}
