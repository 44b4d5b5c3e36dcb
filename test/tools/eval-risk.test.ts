import assert from "node:assert/strict";
import { test } from "node:test";
import { readCorpora } from "../../tools/eval-corpora.ts";
import { results, table, upperBound } from "../../tools/eval-risk.ts";

const FILES: Readonly<Record<string, string>> = {
  "sql.jsonl": [
    { sql: "select 1", label: "read" },
    { sql: "delete from a", label: "write" },
    { sql: "drop table a", label: "read" },
    { sql: "select 2", label: "write" },
  ]
    .map((row) => JSON.stringify(row))
    .join("\n"),
  "aws-escalation.jsonl": JSON.stringify({
    required: ["iam:CreateAccessKey"],
    command: "aws iam create-access-key --user-name a",
  }),
  "aws-access-levels.csv": 'action,access_level\n"ec2:DescribeInstances",List\nec2:RunInstances,Write\n',
  "mcp-tools.jsonl": JSON.stringify({ server: "a", tool: "get_it", readOnly: true, destructive: null }),
};

test("eval:risk counts what passes, is held and missed, by corpus and label", async () => {
  const rows = results(await readCorpora((name) => FILES[name] ?? null));
  assert.deepEqual(
    rows.map(({ corpus, label, rows: all, passed, held, misses }) => [corpus, label, all, passed, held, misses]),
    [
      ["sql", "read", 2, 1, 1, ["drop table a"]],
      ["sql", "write", 2, 1, 1, ["select 2"]],
      ["aws-escalation", "uses what it needs", 1, 0, 1, []],
      ["aws-access-levels", "List", 1, 1, 0, []],
      ["aws-access-levels", "Write", 1, 0, 1, []],
      ["mcp-tools", "tool: read-only by its own word", 1, 0, 1, []],
    ],
  );
  assert.ok(rows.every(({ p50Us, p99Us }) => p50Us > 0 && p99Us >= p50Us));
  assert.equal(table(rows).split("\n").length, 2 + rows.length);
});

// The rule of three, and the tables of Clopper and Pearson.
const bounds: readonly [number, number, number][] = [
  [0, 3_000, 0.000998],
  [0, 10, 0.2589],
  [1, 10, 0.3942],
  [5, 100, 0.1023],
  [10, 10, 1],
  [0, 0, 1],
];
for (const [passed, rows, expected] of bounds) {
  test(`eval:risk: ${passed} of ${rows} may be ${expected}`, () => {
    assert.ok(Math.abs(upperBound(passed, rows) - expected) < 0.0005, String(upperBound(passed, rows)));
  });
}
