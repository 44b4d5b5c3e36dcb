import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { writeDocs } from "../../bench/docs.ts";
import { questions } from "../../bench/questions.ts";
import { atLeast, atMost, median, percentile, row, table } from "../../bench/row.ts";
import type { Row } from "../../bench/row.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

function bench(...args: readonly string[]): ReturnType<typeof spawnSync> & { stdout: string } {
  return spawnSync(process.execPath, ["bench/main.ts", ...args], { cwd: root, encoding: "utf8" });
}

test("percentiles are values that were measured", () => {
  const hundred = Array.from({ length: 100 }, (_, at) => 100 - at);
  assert.deepEqual([percentile(hundred, 0.5), percentile(hundred, 0.99), percentile(hundred, 1)], [50, 99, 100]);
  assert.deepEqual([percentile([7], 0.5), percentile([10, 9], 0.5), median([3, 1, 2])], [7, 9, 2]);
  assert.ok(Number.isNaN(percentile([], 0.5)));
});

test("a row knows its ratio and whether its goal is met", () => {
  const anchored = row("a", "ms", 3, { anchor: { name: "disk", value: 2 }, goal: atMost(3) });
  assert.deepEqual(anchored, {
    name: "a",
    unit: "ms",
    value: 3,
    anchor: "disk",
    anchorValue: 2,
    ratio: 1.5,
    goal: "≤ 3",
    met: true,
  });
  assert.equal(row("a", "ms", 3.001, { goal: atMost(3) }).met, false, "judged before it is rounded");
  assert.deepEqual(
    [row("b", "1/s", 9, { goal: atLeast(10) }).met, row("b", "1/s", 10, { goal: atLeast(10) }).met],
    [false, true],
  );
  assert.deepEqual([row("c", "MB", 1).goal, row("c", "MB", 1).met, row("c", "MB", 1).ratio], [null, null, null]);
  assert.match(table([row("b", "1/s", 12_345, { goal: atLeast(20_000) })]), /b +12,345 +1\/s +≥ 20000 +MISSED/);
});

test("the page keeps what other benchmarks wrote", () => {
  const folder = mkdtempSync(join(tmpdir(), "keyturn-"));
  const page = join(folder, "benchmarks.md");
  try {
    writeDocs(page, "one", "The first.", [row("x", "ms", 1)]);
    writeDocs(page, "two", "The second.", [row("y", "ms", 2)]);
    writeDocs(page, "one", "The first again.", [row("z", "ms", 3)]);
    const text = readFileSync(page, "utf8");
    assert.deepEqual(
      [...text.matchAll(/^## (.*)$/gm)].map((heading) => heading[1]),
      ["one", "two"],
    );
    assert.ok(text.includes("| y | 2 | ms |") && text.includes("| z | 3 | ms |") && !text.includes("| x |"));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the questions differ from each other and are the same on every run", () => {
  const asked = questions(512).map(({ body }) => body);
  assert.equal(new Set(asked).size, 512);
  assert.deepEqual(
    asked,
    questions(512).map(({ body }) => body),
  );
  assert.ok(
    asked.every((body) => /_\d{8}"\}\}$/.test(body)),
    "the load generator counts these digits up",
  );
});

test("without a name it lists the benchmarks, and an unknown name is wrong usage", () => {
  assert.match(bench().stdout, /^ {2}evaluate {2,}\S/m);
  assert.equal(bench("nonsense").status, 2);
});

test("bench evaluate measures everything that it promises", () => {
  const { stdout, stderr, status } = bench("evaluate", "--quick", "--json", "--dist", "src");
  assert.ok(status === 0 || status === 1, String(stderr)); // 1: a goal was missed, which a quick run may
  const rows = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Row);
  for (const each of rows) assert.ok(Number.isFinite(each.value) && each.value >= 0, JSON.stringify(each));
  const goals = rows.filter(({ goal }) => goal !== null).map(({ name, goal }) => `${name} ${goal}`);
  assert.deepEqual(goals, [
    "start to ready line ≤ 500",
    "start to /readyz ≤ 500",
    "memory idle ≤ 120",
    "evaluate, 1 caller: p50 ≤ 1",
    "evaluate, 1 caller: p99 ≤ 10",
    "evaluate, best rate ≥ 5000",
    "evaluate, best rate with p99 ≤ 20 ms ≥ 5000",
    "release by stream: p50 ≤ 2",
    "release by long poll: p50 ≤ 2",
  ]);
  for (const callers of ["1 caller", "16 callers", "128 callers"])
    assert.ok(rows.some(({ name, anchor }) => name === `append, ${callers}: rate` && anchor === "fdatasync"));
});
