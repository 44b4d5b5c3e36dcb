import { existsSync, readFileSync } from "node:fs";
import { verifyLedger } from "../../verify/index.ts";
import { connection } from "../connection.ts";
import { fromServer } from "../verify/sources.ts";
import type { Step } from "./agent.ts";
import type { Try } from "./approvers.ts";
import { AUDIT_ROWS_AT_FIRST, shopFacts } from "./database.ts";
import { EXPORT_ROWS, OLD_TABLE } from "./tools.ts";

/** One thing that must be true now, looked up where it really is. */
export type Check = { readonly what: string; readonly expected: string; readonly got: string };

export type World = {
  readonly url: string;
  readonly operatorToken: string;
  readonly shop: string;
  readonly exportFile: string;
  readonly steps: readonly Step[];
  readonly tries: readonly Try[];
};

/** Looks at the database, the file and the ledger themselves: what the agent says counts for nothing here. */
export async function checkWorld(world: World): Promise<readonly Check[]> {
  const facts = shopFacts(world.shop);
  const passed = (ok: boolean): string => (ok ? "yes" : "no");
  const report = await ledgerReport(world);
  return [
    { what: "the small read passed at once", expected: "done", got: last(world, "read") },
    { what: "deleting from the audit log was denied", expected: "forbidden", got: last(world, "audit") },
    { what: "the audit log is whole", expected: `${AUDIT_ROWS_AT_FIRST} rows`, got: `${facts.auditRows} rows` },
    { what: "the export is there, once", expected: `${EXPORT_ROWS} rows`, got: `${rowsIn(world.exportFile)} rows` },
    { what: "report-bot is", expected: "admin", got: facts.agentRole },
    { what: `table ${OLD_TABLE} exists`, expected: "no", got: passed(facts.oldTable) },
    ...world.tries.map((t) => ({ what: `${t.person} approves \`${t.step}\``, expected: t.expected, got: t.got })),
    ...report,
  ];
}

function last(world: World, step: string): string {
  const found = world.steps.findLast((s) => s.step === step);
  return found === undefined ? "nothing" : found.kind === "refused" ? found.code : found.kind;
}

function rowsIn(file: string): number {
  return existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n").length - 1 : 0;
}

async function ledgerReport({ url, operatorToken }: World): Promise<readonly Check[]> {
  const server = connection(url, "operator", operatorToken);
  try {
    const report = await verifyLedger(await fromServer(server, null, null));
    return (["integrity", "completeness", "decisions", "time"] as const).map((name) => {
      const { verdict, findings } = report[name];
      const first = findings[0]?.because;
      return {
        what: `ledger: ${name} of ${report.counts.entries} entries`,
        expected: "pass",
        got: first === undefined ? verdict : `${verdict}: ${first}`,
      };
    });
  } finally {
    server.client.close();
  }
}
