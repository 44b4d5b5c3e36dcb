/** Holds SECURITY.md to its word: a threat that is called proven has a test that carries its id. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { tableOf } from "./markdown.ts";
import { scan } from "./source.ts";

export type Threat = { readonly id: string; readonly status: "proven" | "planned"; readonly line: number };

const THREAT_COLUMNS: readonly string[] = ["id", "attack", "answer", "status"];

const ID = /^[a-z]+\.[A-Za-z0-9]+(?:-[a-z0-9]+)*$/;
// Called plainly: `test.skip`, `test.todo` and `test.only` prove nothing.
const TEST_NAMES =
  /(?<![\w.])(?:test|it|t\.test|context\.test|suite|describe)\(\s*"(\d+)"\s*(,\s*\{[^}]*\b(?:skip|todo)\b)?/g;

/** The threats of SECURITY.md's table; one problem per row that cannot be read. */
export function threatsIn(security: string): { threats: readonly Threat[]; problems: readonly string[] } {
  const threats: Threat[] = [];
  const problems: string[] = [];
  for (const { line, cells } of tableOf(security, THREAT_COLUMNS)) {
    const [id = "", attack = "", answer = "", status = ""] = cells;
    const where = `SECURITY.md:${line}`;
    if (!ID.test(id)) problems.push(`${where}: \`${id}\` is no threat id; it looks like \`family.what-happens\``);
    if (threats.some((threat) => threat.id === id)) problems.push(`${where}: \`${id}\` stands twice`);
    if (attack === "") problems.push(`${where}: \`${id}\` needs its attack in words`);
    if (answer === "" && status === "proven")
      problems.push(`${where}: \`${id}\` is proven, and needs its answer in words`);
    if (status === "proven") threats.push({ id, status, line });
    else if (/^planned: \S/.test(status)) threats.push({ id, status: "planned", line });
    else problems.push(`${where}: \`${status}\` is no status; write \`proven\` or \`planned: AREA\``);
  }
  return { threats, problems };
}

/** The names of all tests in a source text that really run. */
export function testNames(text: string): string[] {
  const source = scan(text);
  const found: string[] = [];
  for (const match of source.code.matchAll(TEST_NAMES)) {
    if (match[2] === undefined) found.push(source.strings[Number(match[1])] ?? "");
  }
  return found;
}

/** The threat id that a test's name begins with, or null. */
export function idOf(name: string): string | null {
  return /^([a-z]+\.[A-Za-z0-9]+(?:-[a-z0-9]+)*)(?![\w.(-])/.exec(name)?.[1] ?? null;
}

export type Findings = {
  readonly problems: readonly string[];
  readonly notes: readonly string[];
  readonly proven: number;
};

/** Compares the page with the tests: unproven claims and unknown ids are problems, proofs of planned ids are notes. */
export function compare(security: string, names: readonly string[]): Findings {
  const { threats, problems: unreadable } = threatsIn(security);
  const problems = [...unreadable];
  const notes: string[] = [];
  const carried = new Set(names.map(idOf).filter((id) => id !== null));
  for (const { id, status, line } of threats) {
    if (status === "proven" && !carried.has(id)) {
      problems.push(`SECURITY.md:${line}: \`${id}\` is called proven, but no test's name begins with it`);
    }
    if (status === "planned" && carried.has(id))
      notes.push(`SECURITY.md:${line}: \`${id}\` is planned, and has a test`);
  }
  const known = new Set(threats.map((threat) => threat.id));
  const families = new Set(threats.map((threat) => threat.id.split(".")[0]));
  for (const id of [...carried].toSorted()) {
    if (families.has(id.split(".")[0]) && !known.has(id)) {
      problems.push(`a test is named \`${id}\`, which SECURITY.md does not list`);
    }
  }
  return { problems, notes, proven: threats.filter((threat) => threat.status === "proven").length };
}

function namesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .flatMap((entry) => testNames(readFileSync(join(entry.parentPath, entry.name), "utf8")));
}

if (import.meta.main) {
  const root = process.argv[2] ?? ".";
  const found = compare(readFileSync(join(root, "SECURITY.md"), "utf8"), namesUnder(join(root, "test")));
  for (const line of [...found.problems, ...found.notes]) console.log(line);
  console.log(`${found.proven} threats are called proven; ${found.problems.length} problems`);
  process.exitCode = found.problems.length === 0 ? 0 : 1;
}
