import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Digest } from "../../core/brand.ts";
import { canonicalBytes, digest } from "../../core/action/index.ts";
import type { ConfigProblem } from "../../ports/config.ts";
import { fileProblem, fromByteOffset, problemAt } from "./source.ts";
import type { SourceFile } from "./source.ts";
import { schemaToJson } from "./wasm.ts";

/** Files of one set, and bytes of one file. */
const POLICY_FILES_MAX = 200;
const POLICY_FILE_BYTES_MAX = 262_144;

/** Reads every `*.cedar` file of a folder, in the order of names; whatever cannot be read is a problem. */
export function readFolder(dir: string, problems: ConfigProblem[]): readonly SourceFile[] {
  const entries = attempt(dir, problems, () => readdirSync(dir, { withFileTypes: true }));
  if (entries === null) return [];
  const visible = entries.filter(({ name }) => !name.startsWith(".")); // mounted volumes keep their versions in dot folders
  for (const folder of visible.filter((entry) => entry.isDirectory())) {
    // A forbid in a subfolder that nobody reads is a hole.
    const hint = "move its files up, or out of the policies";
    problems.push(fileProblem(join(dir, folder.name), "is a folder, and policies are read from one folder only", hint));
  }
  const names = visible
    .filter((entry) => entry.name.endsWith(".cedar") && !entry.isDirectory())
    .map(({ name }) => name)
    .sort();
  if (names.length === 0) {
    problems.push(
      fileProblem(dir, "holds no policies", "add a file that ends in .cedar; without a permit everything is denied"),
    );
  }
  if (names.length > POLICY_FILES_MAX) {
    problems.push(fileProblem(dir, `holds more than ${POLICY_FILES_MAX} files of policies`, "join some"));
  }
  return names.slice(0, POLICY_FILES_MAX).flatMap((name) => readSource(join(dir, name), problems) ?? []);
}

/** Reads a Cedar schema and checks that it is one. */
export function readSchemaFile(path: string, problems: ConfigProblem[]): SourceFile | null {
  const source = readSource(path, problems);
  if (source === null) return null;
  const answer = schemaToJson(source.text);
  if (answer.type === "success") return source;
  const whole = { file: source, start: 0, text: source.text, annotations: new Map<string, number>() };
  for (const { message, help, sourceLocations } of answer.errors) {
    const offset = fromByteOffset(source.text, sourceLocations?.[0]?.start ?? 0);
    problems.push(problemAt(whole, offset, message, help));
  }
  return null;
}

/** One file as a policy set's digest names it: its name without the folder, and its bytes. */
export function digestOf(files: readonly SourceFile[]): Digest {
  return digest(canonicalBytes(files.map((file) => ({ name: basename(file.name), digest: file.digest }))));
}

function readSource(path: string, problems: ConfigProblem[]): SourceFile | null {
  const bytes = attempt(path, problems, () => readFileSync(path));
  if (bytes === null) return null;
  if (bytes.length > POLICY_FILE_BYTES_MAX) {
    problems.push(fileProblem(path, `has more than ${POLICY_FILE_BYTES_MAX} bytes`, "divide it"));
    return null;
  }
  const text = attempt(path, problems, () => new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  return text === null ? null : { name: path, text, digest: digest(bytes) };
}

function attempt<T>(path: string, problems: ConfigProblem[], read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    problems.push(fileProblem(path, `cannot be read: ${why}`, null));
    return null;
  }
}
