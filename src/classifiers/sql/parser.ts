import { hasSqlDetails, loadModule, parsePlPgSQLSync, parseSync, scanSync } from "libpg-query";
import type { ScanToken } from "libpg-query";
import { isTree, list, text, tree } from "./tree.ts";
import type { Tree } from "./tree.ts";

/** One statement of a script: its tree and where it stands, in bytes of UTF-8. */
export type Statement = {
  readonly root: Tree;
  readonly start: number;
  /** Undefined for the last one. */
  readonly end: number | undefined;
  /** Where the text began that the parser was given: the places of its nodes count from there. */
  readonly base: number;
};

/** What the parser says: the value, or the sentence with which it refused. */
export type Parsed<T> = { readonly value: T } | { readonly problem: string };

/** PostgreSQL's own parser. Texts must have passed `refuseText`: it trusts their depth and their operators. */
export type Parser = {
  readonly parse: (sql: string) => Parsed<readonly Statement[]>;
  readonly functionBody: (createFunctionOrDo: string) => Parsed<Tree>;
  readonly scan: (sql: string) => Parsed<readonly ScanToken[]>;
  /** Set for ever by a fault inside the parser: its memory may be damaged, so that no later answer can be believed. */
  readonly broken: () => boolean;
};

const BROKEN = "The SQL parser failed and has to be loaded anew.";

/** Loads the parser's WebAssembly once per process. */
export async function loadParser(): Promise<Parser> {
  await loadModule();
  let broken = false;
  const guard = <T>(run: () => T): Parsed<T> => {
    if (broken) return { problem: BROKEN };
    try {
      return { value: run() };
    } catch (error) {
      // A trap or an exhausted stack leaves the module's own stack pointer where it was: only a new module is sound.
      if (!isRefusal(error)) broken = true;
      return { problem: broken ? BROKEN : sentence(error) };
    }
  };
  return {
    parse: (sql) => guard(() => statementsOf(parseSync(sql))),
    functionBody: (sql) =>
      guard(() => {
        const found: unknown = parsePlPgSQLSync(sql);
        if (!isTree(found)) throw new Error("no tree");
        return found;
      }),
    scan: (sql) => guard(() => scanSync(sql).tokens),
    broken: () => broken,
  };
}

function statementsOf(result: unknown): readonly Statement[] {
  if (!isTree(result)) return [];
  return list(result, "stmts").flatMap((raw) => {
    const root = isTree(raw) ? tree(raw, "stmt") : undefined;
    if (!isTree(raw) || root === undefined) return [];
    const start = numberOr(raw["stmt_location"], 0);
    const length = numberOr(raw["stmt_len"], 0);
    return [{ root, start, end: length === 0 ? undefined : start + length, base: 0 }];
  });
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}

/** What the parser says of a text, and of nothing else: a trap is a `RuntimeError`, an exhausted stack a `RangeError`. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && ["SqlError", "Error", "SyntaxError"].includes(error.name);
}

function sentence(error: unknown): string {
  if (hasSqlDetails(error)) return error.message;
  return isTree(error) ? text(error, "message") : error instanceof Error ? error.message : "unknown error";
}
