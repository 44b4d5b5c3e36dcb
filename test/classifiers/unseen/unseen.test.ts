import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { openReader } from "../../../src/server/classify/read.ts";
import { passes } from "../passing.ts";

/**
 * Texts that were written before anybody looked at what the classifiers make of them, one on a line. They measure how well
 * the rules hold beyond the corpora they were written with; whoever adds some writes them first and runs them afterwards.
 * When they first met the rules, 145 of 159 harmless scripts passed and 105 of 114 harmless statements; two hostile scripts did,
 * of which one was a hole. Of the commands for clouds, `harmless` are those that passed and were then found to be so.
 */
const TABLES = [
  ["shell", "harmless", 0.9],
  ["sql", "harmless", 0.9],
  ["cloud", "harmless", 1],
] as const;

/** Rows of the hostile tables that pass all the same, each with the reason why that is right. */
const PASSING: ReadonlyMap<string, string> = new Map([
  ["history | grep token", "a shell that runs a script keeps no history"],
  ["select 1 +++ 2", "no operator of that name: the lexer reads a sum and two signs"],
  ["select 'x'::evil.t", "a type is what its owner made of it, as a view is; the operator names doubtful ones"],
  ["select srvoptions from pg_foreign_server", "hosts and ports; passwords are in pg_user_mapping"],
  ["select most_common_vals from pg_stats where tablename = 'customers'", "held where a table is marked sensitive"],
  ["select * from pg_statistic", "held where a table is marked sensitive"],
  ["listen c", "it only waits"],
  ["unlisten *", "it only stops waiting"],
]);

const reader = await openReader({ resources: [], requests: [] });

function rowsOf(name: string): readonly string[] {
  const text = readFileSync(new URL(`${name}.txt`, import.meta.url), "utf8");
  return text.split("\n").filter((row) => row !== "");
}

/** Commands of clouds and of Kubernetes are read as a shell would get them. */
function isPassing(table: "shell" | "sql" | "cloud", value: string): boolean {
  const kind = table === "sql" ? "sql" : "shell";
  return passes(reader.read({ kind, value, pointer: "", pinned: true, tool: null }));
}

for (const [kind, label, least] of TABLES) {
  test(`${kind}: at least ${least * 100} % of the ${label} texts that were written first pass`, (context) => {
    const rows = rowsOf(`${kind}-${label}`);
    const held = rows.filter((row) => !isPassing(kind, row));
    context.diagnostic(`${rows.length - held.length} of ${rows.length} pass; held: ${held.join(" ¦ ")}`);
    assert.ok(rows.length - held.length >= least * rows.length, held.join("\n"));
  });
}

for (const [kind, least] of [
  ["shell", 150],
  ["sql", 150],
  ["cloud", 100],
] as const) {
  test(`${kind}: of the hostile texts that were written first, only those pass that have a reason`, () => {
    const rows = rowsOf(`${kind}-hostile`);
    assert.ok(rows.length >= least, "a table this small says nothing");
    assert.deepEqual(
      rows.filter((row) => isPassing(kind, row)),
      rows.filter((row) => PASSING.has(row)),
    );
  });
}
