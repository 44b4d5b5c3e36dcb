import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { visible } from "../core/card/index.ts";
import { inspectTarget, judgeTools } from "../gates/mcp/index.ts";
import type { Agent, Inspected, Judged, Target } from "../gates/mcp/index.ts";
import { EXIT, Failure, usage } from "./failure.ts";
import { catalogueText, policyText, suggest } from "./mcp-template.ts";
import { table } from "./table.ts";
import type { Cell } from "./table.ts";
import { painter } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

export type Inspection = {
  readonly server: string;
  readonly environment: string | undefined;
  readonly target: Target;
  /** Null without a token: then the server is not asked what policy would do. */
  readonly agent: Agent | null;
  readonly json: boolean;
  /** Where a catalogue and policies to start from are written; null for nowhere. */
  readonly write: string | null;
  readonly approvers: string;
};

const OUTCOMES: Readonly<Record<string, string>> = { require_approval: "approval", allow: "allow", deny: "deny" };

/** Prints what a server's tools are, what they seem to do, and what policy does about a call without arguments. */
export async function inspect(inspection: Inspection, terminal: Terminal): Promise<number> {
  const { server, target, agent, json, write } = inspection;
  const found = await inspectTarget(target);
  const judged = agent === null ? null : await judgeTools(agent, inspection, found.tools);
  if (json) terminal.out(`${JSON.stringify(described(server, found, judged))}\n`);
  else {
    const headings = ["tool", "seems to", "by", ...(judged === null ? [] : ["policy", "because"])];
    const rows = found.tools.map((tool): Cell[] => {
      const { effects, because } = suggest(tool);
      const { outcome = "", because: why = "" } = judged?.get(tool.name) ?? {};
      const decided = judged === null ? [] : [OUTCOMES[outcome] ?? visible(outcome), visible(why)];
      return [visible(tool.name), effects.join(", ") || "?", because, ...decided];
    });
    terminal.out(table(headings, rows, painter(terminal, "out")));
    const asked = judged === null ? "Policy was not asked: set KEYTURN_TOKEN." : "Policy was asked without arguments.";
    terminal.out(`${found.tools.length} tools of ${server}, which speaks ${visible(found.protocol)}. ${asked}\n`);
  }
  if (write !== null) writeTemplates(write, inspection, found, terminal);
  return EXIT.ok;
}

function described(server: string, { protocol, tools }: Inspected, judged: ReadonlyMap<string, Judged> | null): object {
  const listed = tools.map((tool) => ({
    tool: tool.name,
    action: `mcp.call.${server}.${tool.name}`,
    definition: tool.definition,
    hints: tool.hints,
    suggested: suggest(tool),
    policy: judged?.get(tool.name) ?? null,
  }));
  return { server, protocol, tools: listed };
}

function writeTemplates(
  dir: string,
  { server, approvers }: Inspection,
  { tools }: Inspected,
  terminal: Terminal,
): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(approvers)) throw usage("--approvers is the id of a group.");
  const files: readonly (readonly [string, string])[] = [
    [join(dir, `mcp-${server}.catalogue.yaml`), catalogueText(server, tools)],
    [join(dir, `mcp-${server}.cedar`), policyText(server, approvers)],
  ];
  const there = files.find(([path]) => existsSync(path));
  if (there !== undefined) {
    throw new Failure({ code: "file_exists", message: `${there[0]} is there already; nothing is overwritten.` });
  }
  mkdirSync(dir, { recursive: true });
  for (const [path, text] of files) {
    writeFileSync(path, text, { flag: "wx" });
    terminal.err(`wrote ${path}\n`);
  }
}
