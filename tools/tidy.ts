/** The house rules that neither compiler nor linter can state. `node tools/tidy.ts [ROOT]` prints every violation. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, extname, join, relative, sep } from "node:path";
import { edgeProblems, roomsIn, tableProblems } from "./rooms.ts";
import type { RoomFile } from "./rooms.ts";
import { lineAt, scan } from "./source.ts";
import type { Scanned } from "./source.ts";

/** Lines of a source file; functions are the linter's (`max-lines-per-function`). */
export const FILE_LINES_MAX = 400;

const SIZED = ["src/", "console/src/", "tools/", "examples/"];
const ROOMS = ["src/", "console/src/", "examples/"];
const SOURCES = new Set([".ts", ".tsx", ".mts", ".js", ".mjs"]);
const TEXTS = new Set([
  ...SOURCES,
  ".md",
  ".json",
  ".yaml",
  ".yml",
  ".cedar",
  ".css",
  ".html",
  ".txt",
  ".sh",
  "",
  ".svg",
]);
const SKIPPED = new Set(["node_modules", ".git", "dist", ".keyturn", "data"]);
const FORBIDDEN_NAMES = new Set([
  "util",
  "utils",
  "helper",
  "helpers",
  "common",
  "misc",
  "service",
  "services",
  "manager",
  "managers",
  "types",
]);

// A constant that ends the discussion belongs to nobody's machine. Written so that these lines do not find themselves.
const MACHINE_PATHS = /(?:^|[^\w.$}])\/(?:work|root|home\/(?!you\b)\w+|Users\/(?!you\b)\w+)\//;
const REGISTRIES =
  /\bregistry\.(?!npmjs\.org\b)[a-z0-9-]+\.[a-z.]+|\b(?:[\w-]+\.)?(?:jf[r]og|art[i]factory|ver[d]accio)\b|^registry *=/im;

const ESCAPES: readonly (readonly [RegExp, string])[] = [
  [/\bas\s+any\b|[:<|&,(]\s*any\b(?!\s*[:(,.=?])|\bany\[\]/g, "`any` switches the compiler off"],
  [/\bas\s+unknown\s+as\b/g, "`as unknown as` switches the compiler off; parse instead"],
  [/\bas\s+never\b/g, "`as never` switches the compiler off; parse instead"],
];
const EXPORTS: readonly (readonly [RegExp, string])[] = [
  [/\bexport\s+default\b|\bas\s+default\b/g, "name what is exported: no default exports"],
  [/\bexport\s*(?:type\s*)?\*/g, "name what is exported: no `export *`"],
];

/** All violations under a root, one sentence each, with file and line. Empty means tidy. */
export function violations(root: string): string[] {
  const paths = filesUnder(root);
  const files: RoomFile[] = [];
  const found: string[] = [];
  for (const path of paths) {
    const text = readFileSync(join(root, path), "utf8");
    found.push(...nameProblems(path), ...textProblems(path, text));
    if (!SOURCES.has(extname(path))) continue;
    const source = scan(text);
    if (startsIn(path, SIZED)) found.push(...sizeProblems(path, text));
    found.push(...sourceProblems(path, source));
    if (startsIn(path, ROOMS) && !path.endsWith(".d.ts")) files.push({ path, source });
  }
  const page = join(root, "ARCHITECTURE.md");
  if (!existsSync(page)) return [...found, "ARCHITECTURE.md: missing; it holds the table of rooms"];
  const rooms = roomsIn(readFileSync(page, "utf8"));
  found.push(...tableProblems(rooms, files));
  for (const file of files) found.push(...edgeProblems(file, rooms));
  return found;
}

function filesUnder(root: string): string[] {
  const paths: string[] = [];
  const visit = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      if (SKIPPED.has(entry.name)) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) visit(path);
      else if (entry.isFile() && TEXTS.has(extname(entry.name))) paths.push(relative(root, path).split(sep).join("/"));
    }
  };
  visit(root);
  return paths;
}

function startsIn(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path.startsWith(folder));
}

function nameProblems(path: string): string[] {
  if (!startsIn(path, [...SIZED, "test/", "bench/"])) return [];
  const parts = path.split("/").map((part) => basename(part, extname(part)).replace(/\.(?:test|contract)$/, ""));
  const bad = parts.find((part) => FORBIDDEN_NAMES.has(part));
  return bad === undefined ? [] : [`${path}: \`${bad}\` says nothing about what is inside; name the thing`];
}

function sizeProblems(path: string, text: string): string[] {
  const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  return lines <= FILE_LINES_MAX ? [] : [`${path}: ${lines} lines, at most ${FILE_LINES_MAX}; split it by its nouns`];
}

function textProblems(path: string, text: string): string[] {
  const found: string[] = [];
  for (const [at, line] of text.split("\n").entries()) {
    if (MACHINE_PATHS.test(line)) found.push(`${path}:${at + 1}: a path of one machine`);
    if (REGISTRIES.test(line)) found.push(`${path}:${at + 1}: the host of a package registry`);
  }
  return found;
}

function sourceProblems(path: string, source: Scanned): string[] {
  if (!startsIn(path, SIZED)) return [];
  const rules = startsIn(path, ["src/", "tools/"]) ? [...ESCAPES, ...EXPORTS] : ESCAPES;
  const found = rules.flatMap(([pattern, sentence]) =>
    [...source.code.matchAll(pattern)].map((hit) => `${path}:${lineAt(source.code, hit.index)}: ${sentence}`),
  );
  for (const { line, text } of source.comments) {
    if (/@ts-(?:ignore|nocheck|expect-error)/.test(text))
      found.push(`${path}:${line}: the compiler is not to be silenced`);
    if (/(?:oxlint|eslint)-disable/.test(text) && !/ -- \S/.test(text)) {
      found.push(`${path}:${line}: a suppressed rule needs its reason after \` -- \``);
    }
  }
  return found;
}

if (import.meta.main) {
  const found = violations(process.argv[2] ?? ".");
  for (const line of found) console.log(line);
  if (found.length > 0) console.log(`${found.length} violation${found.length === 1 ? "" : "s"} of the house rules`);
  process.exitCode = found.length === 0 ? 0 : 1;
}
