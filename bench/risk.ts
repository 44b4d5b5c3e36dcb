/** `bench risk`: what reading a text costs, beside the bare parsers. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { loadModule, parseSync } from "libpg-query";
import { Language, Parser } from "web-tree-sitter";
import { openReader } from "../src/server/classify/read.ts";
import type { Text } from "../src/server/classify/text.ts";
import type { Options } from "./options.ts";
import { atMost, percentile, row, type Row } from "./row.ts";

export const note = `Every row of the corpora beside the repository is read once by a warm classifier and once by its bare parser, in turns;
rows are parsed and never run. \`all\` is what a text costs with its classification, the anchor what its parser alone takes
to make the tree. The worker that a server reads texts in adds the way there and back, once for each new text.`;

const CORPUS = fileURLToPath(new URL("../../shared/corpus/", import.meta.url));
const ROUNDS = 3;

type Read = (text: string) => unknown;

/** Reads both corpora; nothing where they are not. */
export async function run({ quick, progress }: Options): Promise<readonly Row[]> {
  const reader = await openReader({ resources: [], requests: [] });
  const read =
    (kind: Text["kind"]): Read =>
    (value) =>
      reader.read({ kind, value, pointer: "", pinned: true, tool: null });
  progress("sql");
  const sql = measure(texts("sql.jsonl", "sql", quick), read("sql"), await bareSql());
  progress("shell");
  const shell = measure(texts("shell.jsonl", "command", quick), read("shell"), await bareShell());
  return [...rows("sql", sql, 30, 300), ...rows("shell", shell, 50, 1_000)];
}

type Measured = { readonly all: readonly number[]; readonly bare: readonly number[] };

/** The fastest of some rounds for each text: what the text costs, and not what else the machine did. */
function measure(samples: readonly string[], all: Read, bare: Read): Measured {
  for (const text of samples) {
    all(text);
    bare(text);
  }
  const best = (read: Read): number[] =>
    samples.map((text) => Math.min(...Array.from({ length: ROUNDS }, () => microseconds(read, text))));
  return { all: best(all), bare: best(bare) };
}

function microseconds(read: Read, text: string): number {
  const start = performance.now();
  read(text);
  return (performance.now() - start) * 1_000;
}

function rows(name: string, { all, bare }: Measured, p50: number, p99: number): Row[] {
  if (all.length === 0) return [];
  const goals = [
    [0.5, "p50", p50],
    [0.99, "p99", p99],
  ] as const;
  return goals.map(([share, called, limit]) =>
    row(`${name}: ${called}`, "µs", percentile(all, share), {
      anchor: { name: "bare parser", value: percentile(bare, share) },
      goal: atMost(limit),
    }),
  );
}

function texts(file: string, member: string, quick: boolean): readonly string[] {
  if (!existsSync(CORPUS + file)) return [];
  const lines = readFileSync(CORPUS + file, "utf8")
    .trim()
    .split("\n");
  const read = lines.map((line) => String((JSON.parse(line) as Readonly<Record<string, unknown>>)[member]));
  return quick ? read.filter((_, at) => at % 20 === 0) : read;
}

async function bareSql(): Promise<Read> {
  await loadModule();
  return (text) => {
    try {
      return parseSync(text);
    } catch {
      return null; // one corpus row in some is no SQL for this version
    }
  };
}

async function bareShell(): Promise<Read> {
  await Parser.init();
  const parser = new Parser();
  const grammar = createRequire(import.meta.url).resolve("tree-sitter-bash/tree-sitter-bash.wasm");
  parser.setLanguage(await Language.load(readFileSync(grammar)));
  return (text) => parser.parse(text)?.delete();
}
