import { classifyTool } from "../src/classifiers/mcp/index.ts";
import type { ToolAnnotations } from "../src/classifiers/mcp/index.ts";
import { isJsonObject, jsonText } from "../src/core/action/index.ts";
import type { Json, JsonObject } from "../src/core/action/index.ts";
import { scoreRisk } from "../src/core/risk/index.ts";
import type { Classification, RiskLevel } from "../src/core/risk/index.ts";
import { openReader } from "../src/server/classify/read.ts";
import type { Reader } from "../src/server/classify/read.ts";
import type { Text } from "../src/server/classify/text.ts";

/** One row, read and scored. `wanted` is what its label asks for; null where the label says nothing of it. */
export type Judged = {
  readonly corpus: string;
  readonly label: string;
  readonly text: string;
  readonly wanted: "passed" | "held" | null;
  readonly passes: boolean;
  readonly level: RiskLevel;
  /** Why it is held, by kind: what it does beside reading, or the first reason why it is opaque; null when it passes. */
  readonly cause: string | null;
  readonly us: number;
};

/** A row before it is read: how to classify it. */
type Row = Pick<Judged, "corpus" | "label" | "text" | "wanted"> & { readonly read: () => Classification };

/** Times that each row is read, after it was read once. */
const ROUNDS = 3;

/** The environment that every row is scored in. */
const ENVIRONMENT = "production";

const WANTED: ReadonlyMap<string, Judged["wanted"]> = new Map([
  ["write", "held"],
  ["read", "passed"],
  ["risky", "held"],
  ["attack", "held"],
  ["benign", "passed"],
  ["tool: destructive", "held"],
  ["tool: no hint", "held"],
  ["tool: read-only by its own word", "held"],
  ["uses what it needs", "held"],
  ["Read", "passed"],
  ["List", "passed"],
  ["Write", "held"],
  ["Tagging", "held"],
  ["Permissions management", "held"],
]);

/** Reads all corpora that `load` finds; names are those of the files. */
export async function readCorpora(load: (name: string) => string | null): Promise<readonly Judged[]> {
  const reader = await openReader({ resources: [], requests: [] });
  const rows = [
    ...lines(load("sql.jsonl")).map((row) => textRow(reader, "sql", row, "sql")),
    ...lines(load("shell.jsonl")).map((row) => textRow(reader, "shell", row, "command")),
    ...lines(load("aws-escalation.jsonl")).map((row) => escalationRow(reader, row)),
    ...levels(load("aws-access-levels.csv")).map(([action, level]) => levelRow(reader, action, level)),
    ...lines(load("mcp-tools.jsonl")).map(toolRow),
  ];
  // A warm reader is what a server is; cold, the first rows of each corpus would be those of the compiler.
  for (const { read } of rows) read();
  return rows.map(judge);
}

function judge({ read, ...row }: Row): Judged {
  const times: number[] = [];
  let found = read();
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = performance.now();
    found = read();
    times.push((performance.now() - start) * 1_000);
  }
  // The fastest is what the text costs; the others have what else the machine did in them.
  const us = Math.min(...times);
  const isPassing = passes(found);
  const cause = isPassing ? null : causeOf(found);
  return { ...row, us, passes: isPassing, cause, level: scoreRisk(found, ENVIRONMENT).level };
}

/** What is quoted differs from row to row; the kind is what stays. */
function causeOf({ effects, opaque, traits = [] }: Classification): string {
  const more = new Set(
    effects.map(({ effect }) => effect).filter((effect) => effect !== "read" && effect !== "opaque"),
  );
  if (more.size > 0) return `it does more than read: ${[...more].toSorted().join(", ")}`;
  const [reason] = opaque;
  if (reason !== undefined) return reason.replaceAll(/`[^`]*`/g, "…");
  const ids = traits.map(({ id }) => id).filter((id) => id !== "multiple");
  return ids.length > 0 ? `it reads, but: ${ids.toSorted().join(", ")}` : "nothing is known of it";
}

function passes({ effects, opaque, traits = [] }: Classification): boolean {
  return (
    opaque.length === 0 &&
    effects.length > 0 &&
    effects.every(({ effect }) => effect === "read") &&
    traits.every(({ id }) => id === "multiple")
  );
}

function lines(text: string | null): readonly JsonObject[] {
  return (text ?? "").split("\n").flatMap((line) => {
    if (line.trim() === "") return [];
    const row: Json = JSON.parse(line);
    return isJsonObject(row) ? [row] : [];
  });
}

function textRow(reader: Reader, kind: "sql" | "shell", row: JsonObject, member: string): Row {
  const label = jsonText(row["label"] ?? "");
  const text = jsonText(row[member] ?? "");
  const read = (): Classification => reader.read(textOf(kind, text));
  return { corpus: kind, label, text, wanted: WANTED.get(label) ?? null, read };
}

function textOf(kind: Text["kind"], value: Json): Text {
  return { kind, value, pointer: "", pinned: true, tool: null };
}

/** A step of a path that uses a permission which the path needs has to be held; the others only prepare it. */
function escalationRow(reader: Reader, row: JsonObject): Row {
  const text = jsonText(row["command"] ?? "");
  const found = reader.read(textOf("shell", text));
  const actions = found.facts.find(({ name }) => name === "aws_actions")?.value;
  const required = Array.isArray(row["required"]) ? row["required"] : [];
  const uses = typeof actions === "object" && required.some((action) => actions.includes(jsonText(action)));
  const label = uses ? "uses what it needs" : "only prepares";
  const read = (): Classification => reader.read(textOf("shell", text));
  return { corpus: "aws-escalation", label, text, wanted: WANTED.get(label) ?? null, read };
}

function levels(text: string | null): readonly (readonly [action: string, level: string])[] {
  return (text ?? "")
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const [action = "", level = ""] = line.trim().replaceAll('"', "").split(",", 2);
      return action.includes(":") ? [[action, level] as const] : [];
    });
}

/** `rds:DescribeDBInstances` as a call of the CLI. */
function levelRow(reader: Reader, action: string, level: string): Row {
  const [service = "", name = ""] = action.split(":");
  const operation = name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1-$2")
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, "$1-$2")
    .toLowerCase();
  const read = (): Classification => reader.read(textOf("aws", [service, operation]));
  return { corpus: "aws-access-levels", label: level, text: action, wanted: WANTED.get(level) ?? null, read };
}

/** No tool passes by itself, whatever it says of itself: only the operator's word lets one pass. */
function toolRow(row: JsonObject): Row {
  const { server = "", tool = "", readOnly, destructive } = row;
  const annotations: ToolAnnotations = {
    ...(typeof readOnly === "boolean" ? { readOnlyHint: readOnly } : {}),
    ...(typeof destructive === "boolean" ? { destructiveHint: destructive } : {}),
  };
  const label =
    destructive === true
      ? "tool: destructive"
      : readOnly === true
        ? "tool: read-only by its own word"
        : typeof readOnly === "boolean" || typeof destructive === "boolean"
          ? "tool: changes"
          : "tool: no hint";
  const call = { server: jsonText(server), tool: jsonText(tool), annotations };
  return {
    corpus: "mcp-tools",
    label,
    text: `${call.server}/${call.tool}`,
    wanted: WANTED.get(label) ?? "held",
    read: () => classifyTool(call),
  };
}
