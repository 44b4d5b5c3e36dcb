/**
 * `npm run bench -- NAME [--json] [--write-docs] [--quick] [--dist DIR]`: measures, and prints a table or rows of JSON.
 * A benchmark is a file of this folder that is listed below and exports `note` and `run`.
 */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "./build.ts";
import { writeDocs } from "./docs.ts";
import type { Options } from "./options.ts";
import { table, type Row } from "./row.ts";

/** What a benchmark exports. */
export type Benchmark = {
  /** What was measured and how, for the page. */
  readonly note: string;
  readonly run: (options: Options) => Promise<readonly Row[]>;
};

const BENCHMARKS: Readonly<Record<string, { summary: string; load: () => Promise<Benchmark> }>> = {
  chat: {
    summary: "from a click in a chat to a released agent; a thousand requests at once",
    load: () => import("./chat.ts"),
  },
  cerbos: {
    summary: "a decision that is written down, beside Cerbos with its audit log",
    load: () => import("./cerbos.ts"),
  },
  evaluate: {
    summary: "durable evaluations, appends, release after a decision, start-up and memory",
    load: () => import("./evaluate.ts"),
  },
  ledger: {
    summary: "what the ledger costs to write, to keep and to verify",
    load: () => import("./ledger.ts"),
  },
  mcp: {
    summary: "what the MCP gateway adds to an allowed call, and the memory of held ones",
    load: () => import("./mcp.ts"),
  },
  people: {
    summary: "who may approve, among 10,000 people with 50,000 logins",
    load: () => import("./people.ts"),
  },
  postgres: {
    summary: "appends to the PostgreSQL store, beside bare inserts",
    load: () => import("./postgres.ts"),
  },
  shared: {
    summary: "evaluations and releases with two servers on one PostgreSQL",
    load: () => import("./shared.ts"),
  },
  waiters: {
    summary: "held actions in a gigabyte, as sockets and over one stream",
    load: () => import("./waiters.ts"),
  },
  risk: {
    summary: "what reading a text of SQL or shell costs, beside the bare parsers",
    load: () => import("./risk.ts"),
  },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    "write-docs": { type: "boolean", default: false },
    dist: { type: "string" },
  },
});
const [name] = positionals;
const known = name === undefined ? undefined : BENCHMARKS[name];
if (name === undefined || known === undefined) {
  const list = Object.entries(BENCHMARKS).map(([each, { summary }]) => `  ${each.padEnd(12)}${summary}`);
  console.log(`npm run bench -- NAME [--json] [--write-docs] [--quick] [--dist DIR]\n\n${list.join("\n")}`);
  process.exitCode = name === undefined ? 0 : 2;
} else {
  const progress = (doing: string): void => void process.stderr.write(`${doing} …\n`);
  const { note, run } = await known.load();
  const rows = await run({ dist: resolve(values.dist ?? build(progress)), quick: values.quick, progress });
  if (values.json) for (const each of rows) console.log(JSON.stringify(each));
  else console.log(table(rows));
  if (values["write-docs"])
    writeDocs(fileURLToPath(new URL("../docs/benchmarks.md", import.meta.url)), name, note, rows);
  if (rows.some(({ met }) => met === false)) process.exitCode = 1;
}
