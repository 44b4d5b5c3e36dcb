import { readFileSync } from "node:fs";
import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, visit } from "yaml";
import type { Document } from "yaml";
import type { z } from "zod";
import { ConfigError } from "../ports/config.ts";
import type { ConfigErrorCode, ConfigProblem } from "../ports/config.ts";

/** Bytes of one YAML file of the operator. */
const YAML_BYTES_MAX = 4_194_304;

type Path = readonly PropertyKey[];
/** A YAML file whose shape is right, and where each of its members stands. */
export type Read<T> = { readonly value: T; readonly problem: Problem };
type Problem = (path: Path, message: string, hint: string | null, of?: "value" | "key") => ConfigProblem;

/**
 * Reads a YAML 1.2 file without anchors, tags and duplicate keys, and checks its shape; throws every problem at once, as
 * a `ConfigError` of the given code.
 */
export function readYaml<T>(file: string, schema: z.ZodType<T>, code: ConfigErrorCode): Read<T> {
  const refused: Refused = (problems, cause) => new ConfigError({ code, problems, cause });
  const text = readText(file, refused);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const at = (offset: number, message: string, hint: string | null): ConfigProblem => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col, message, hint };
  };
  const faults = [...document.errors, ...document.warnings].map((fault) => at(fault.pos[0], fault.message, null));
  visit(document, {
    Node: (_, node) => {
      if (isAlias(node) || node.anchor !== undefined) {
        faults.push(at(node.range?.[0] ?? 0, "anchors and aliases are not read here", "write the value out"));
      }
    },
  });
  if (faults.length > 0) throw refused(faults);

  const problem: Problem = (path, message, hint, of = "value") => at(offsetOf(document, path, of), message, hint);
  const checked = schema.safeParse(document.toJS());
  if (!checked.success) throw refused(checked.error.issues.flatMap((issue) => explain(issue, problem)));
  return { value: checked.data, problem };
}

type Refused = (problems: readonly ConfigProblem[], cause?: unknown) => ConfigError;

function readText(file: string, refused: Refused): string {
  try {
    const bytes = readFileSync(file);
    if (bytes.length > YAML_BYTES_MAX) throw new RangeError(`it has ${bytes.length} bytes; ${YAML_BYTES_MAX} are read`);
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw refused([{ file, line: 0, column: 0, message: `cannot be read: ${why}`, hint: null }], cause);
  }
}

function explain(issue: z.core.$ZodIssue, problem: Problem): readonly ConfigProblem[] {
  const where = issue.path.length === 0 ? "the file" : `\`${issue.path.join(".")}\``;
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) =>
      problem([...issue.path, key], `${where} has no member \`${key}\``, "correct its name or leave it out", "key"),
    );
  }
  if (issue.code === "invalid_key") {
    const inner = issue.issues.map((one) => one.message).join("; ");
    return [problem(issue.path, `the name ${where} cannot be used: ${inner}`, null, "key")];
  }
  return [problem(issue.path, `${where}: ${issue.message}`, null)];
}

/** Where the member stands: its value, or its key where that is what is wrong; what is not there is looked for one step up. */
function offsetOf(document: Document.Parsed, path: Path, wanted: "value" | "key"): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range?.[0] ?? 0;
  for (const [index, step] of path.entries()) {
    if (isMap(node)) {
      const found = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (found === undefined) break;
      if (isScalar(found.key)) offset = found.key.range?.[0] ?? offset;
      node = found.value;
      if (isMap(node) || (wanted === "key" && index === path.length - 1)) continue; // a map is found under its name
    } else if (isSeq(node)) node = node.items[Number(step)];
    if (isNode(node)) offset = node.range?.[0] ?? offset;
  }
  return offset;
}
