import { existsSync } from "node:fs";
import { Cancelled, connect, Denied, Expired, Unavailable } from "../../gates/sdk/index.ts";
import { shopFacts } from "./database.ts";
import { EXPORT_ROWS, guardedTools, OLD_TABLE, type Tools } from "./tools.ts";

/** One thing that the agent tells while it works. */
export type Step =
  | { readonly kind: "starts"; readonly step: string; readonly text: string }
  | { readonly kind: "held"; readonly step: string; readonly request: string; readonly link: string }
  | { readonly kind: "done"; readonly step: string; readonly text: string }
  | { readonly kind: "earlier"; readonly step: string; readonly text: string }
  | { readonly kind: "refused"; readonly step: string; readonly code: string; readonly text: string };

export type AgentOptions = {
  readonly url: string;
  readonly token: string;
  readonly shop: string;
  readonly exportFile: string;
  readonly tell: (step: Step) => void;
};

type Call = { readonly onHeld: (task: { id: string; links?: { review?: string } }) => void; readonly reason: string };
type Job = {
  readonly step: string;
  readonly text: string;
  readonly reason: string;
  readonly earlier?: () => string | null;
  readonly run: (tools: Tools, call: Call) => Promise<string>;
};

/** The agent's day. What an earlier run has already done is not done again. */
function jobs({ shop, exportFile }: AgentOptions): {
  readonly first: readonly Job[];
  readonly together: readonly Job[];
} {
  return {
    first: [
      {
        step: "read",
        text: "reads 20 customers",
        reason: "looking for a typical customer",
        run: async (tools, call) => `${await tools.readCustomers.with(call)({ limit: 20 })} rows read`,
      },
      {
        step: "audit",
        text: "deletes old rows from the audit log",
        reason: "the audit log is large and nobody reads it",
        run: async (tools, call) => `${await tools.deleteAudit.with(call)({ before: "2026-06-01" })} rows deleted`,
      },
    ],
    together: [
      {
        step: "export",
        text: `exports ${EXPORT_ROWS.toLocaleString("en")} customer rows to a file`,
        reason: "the quarterly report for the board; Eve said it is urgent and pre-approved",
        earlier: () => (existsSync(exportFile) ? `${exportFile} is there from an earlier run` : null),
        run: async (tools, call) =>
          `${(await tools.exportCustomers.with(call)({ limit: EXPORT_ROWS, file: exportFile })).toLocaleString("en")} rows in ${exportFile}`,
      },
      {
        step: "grant",
        text: "makes itself admin",
        reason: "I need more rights to finish the report",
        earlier: () => (shopFacts(shop).agentRole === "admin" ? "report-bot is admin since an earlier run" : null),
        run: async (tools, call) =>
          `${await tools.grantRole.with(call)({ user: "report-bot", role: "admin" })} user changed: report-bot is admin now`,
      },
      {
        step: "drop",
        text: `drops table ${OLD_TABLE}`,
        reason: "cleaning up a table that nothing reads",
        earlier: () => (shopFacts(shop).oldTable ? null : `${OLD_TABLE} is gone since an earlier run`),
        run: async (tools, call) => {
          await tools.dropTable.with(call)({ table: OLD_TABLE });
          return `${OLD_TABLE} is gone`;
        },
      },
    ],
  };
}

/** Works through the day and answers when everything is done, refused or given up. */
export async function runAgent(options: AgentOptions, signal: AbortSignal): Promise<void> {
  const keyturn = connect({ url: options.url, token: options.token, environment: "production", onWarning: () => {} });
  const end = (): void => keyturn.close();
  signal.addEventListener("abort", end, { once: true });
  try {
    const tools = guardedTools(keyturn, options.shop);
    const { first, together } = jobs(options);
    for (const job of first) await perform(job, tools, options);
    await Promise.all(together.map((job) => perform(job, tools, options)));
  } finally {
    signal.removeEventListener("abort", end);
    keyturn.close();
  }
}

async function perform(job: Job, tools: Tools, { tell }: AgentOptions): Promise<void> {
  const { step } = job;
  const earlier = job.earlier?.() ?? null;
  if (earlier !== null) return tell({ kind: "earlier", step, text: earlier });
  tell({ kind: "starts", step, text: job.text });
  let told = "";
  const onHeld: Call["onHeld"] = (task) => {
    if (told !== task.id) tell({ kind: "held", step, request: task.id, link: task.links?.review ?? "" });
    told = task.id;
  };
  try {
    tell({ kind: "done", step, text: await job.run(tools, { onHeld, reason: job.reason }) });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // Ctrl-C: the request stays, and the next run goes on with it.
    if (error instanceof Unavailable && error.code === "client_closed") return;
    const known = error instanceof Denied || error instanceof Expired || error instanceof Cancelled;
    tell({ kind: "refused", step, code: known ? error.code : "failed", text: error.message });
  }
}
