import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { loadSql, SQL_BYTES_MAX } from "../../../src/classifiers/sql/index.ts";
import { measureShape } from "../../../src/classifiers/sql/shape.ts";
import { millisecondsOf, passes, summary } from "../passing.ts";
import { PINNED } from "./fixture.ts";

const sql = await loadSql();

/** Generous: other work shares the machine. Quadratic work on these sizes takes minutes. */
const SLOW_MS = 2_000;

type Family = (n: number) => string;
const nested =
  (open: string, core: string, close: string): Family =>
  (n) =>
    open.repeat(n) + core + close.repeat(n);
const chained =
  (start: string, link: string): Family =>
  (n) =>
    start + link.repeat(n);

/** Texts that grow, and each of which has brought a parser to its knees, or would. */
const FAMILIES: Readonly<Record<string, Family>> = {
  brackets: nested("(", "SELECT 1", ")"),
  subqueries: nested("(SELECT ", "1", ")"),
  "subqueries behind commas": nested("(SELECT 1, ", "1", ")"),
  "subqueries in FROM": nested("SELECT * FROM (", "SELECT 1", ") x"),
  "calls in calls": nested("SELECT 1 + abs((", "1", "))"),
  "CASE in CASE": nested("SELECT 1 WHERE a AND CASE WHEN a AND b THEN ", "1", " END"),
  "CASE of CASE": (n) => `SELECT ${"CASE ".repeat(n)}1${" WHEN 1 THEN 1 END".repeat(n)}`,
  "NOT NOT": (n) => `SELECT ${"NOT ".repeat(n)}true`,
  "BETWEEN NOT BETWEEN": (n) => `SELECT 1${" BETWEEN 1 AND NOT 1".repeat(n)} BETWEEN 1 AND 2`,
  sums: chained("SELECT 1", "+1"),
  casts: chained("SELECT 1", "::int"),
  collations: chained("SELECT a", ' COLLATE "C"'),
  unions: chained("SELECT 1, 2", " UNION ALL SELECT 1, 2"),
  joins: chained("SELECT * FROM a", " JOIN b ON true AND true"),
  "joins to the right": (n) => `SELECT * FROM a${" JOIN b".repeat(n)}${" ON true AND true".repeat(n)}`,
  conditions: chained("SELECT 1 FROM t WHERE a = 1", " AND b = 2 OR c"),
  lists: chained("SELECT 1", ", 1"),
  statements: chained("SELECT 1", "; SELECT 1"),
  semicolons: chained("", ";"),
  "bodies in bodies": nested("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; ", "SELECT 1;", " END;"),
  "rows assigned in rows": nested("WITH x AS (UPDATE t SET (a, b, c) = (", "SELECT 1, 2, 3", ")) SELECT 1"),
  "rows assigned side by side": chained("UPDATE t SET a = 1", ", (b, c)/**/ = (SELECT 1, 2)"),
  "plus signs": (n) => `SELECT ${"+".repeat(n)}1`,
  "open comments": chained("", "/*"),
  "open comments with gaps": chained("", "/*/* "),
  dollars: chained("SELECT ", "$a"),
  blocks: nested("BEGIN ", "NULL;", "END; "),
  "literals of nothing": chained("SELECT ''", ",''"),
  "a long literal": (n) => `SELECT '${"x".repeat(n)}'`,
  "a long name": (n) => `SELECT "${"x".repeat(n)}"`,
  "a long number": (n) => `SELECT ${"9".repeat(n)}`,
  "literals across lines": chained("SELECT 'a'", "\n--x\n'b'"),
  "parts of names": chained("SELECT a", ".b"),
  indexes: chained("SELECT a", "[1]"),
  escapes: (n) => `SELECT E'${String.raw`\u0061`.repeat(n)}'`,
};

test(
  "classify.encoding: texts that grow are answered in time, and the parser survives them",
  { timeout: 120_000 },
  () => {
    for (const [name, family] of Object.entries(FAMILIES)) {
      for (const n of [100, 370, 800, 1_500, 6_000, 60_000, 2_000_000]) {
        const text = family(n);
        for (const hostile of name === "blocks" ? [`DO $b$ ${text} $b$`] : [text]) {
          const took = millisecondsOf(() => sql.classify(hostile, PINNED));
          assert.ok(took < SLOW_MS, `${name} × ${n}: ${took} ms`);
          assert.equal(sql.broken(), false, `${name} × ${n}`);
        }
      }
    }
    assert.equal(summary(sql.classify("SELECT a FROM t", PINNED)), "read");
  },
);

test("input.regex-dos: ten million bytes of anything are opaque at once", () => {
  for (const piece of ["SELECT 1;", "(", "'", '"', "/*", "--\n", "$$", "\\", " ", "é", "\u0000", "a ", "+-", ")="]) {
    const text = piece.repeat(Math.ceil(10_000_000 / piece.length));
    let found = sql.classify("SELECT 1");
    const took = millisecondsOf(() => {
      found = sql.classify(text, PINNED);
    });
    assert.ok(took < 200, `${JSON.stringify(piece)}: ${took} ms`);
    assert.match(found.opaque.join(), /longer than 1048576 bytes/);
  }
});

test("the limit is bytes of UTF-8, and a long literal below it is no trouble", () => {
  const fits = `SELECT '${"é".repeat((SQL_BYTES_MAX - 9) / 2)}'`;
  assert.ok(passes(sql.classify(fits, PINNED)));
  assert.match(sql.classify(`${fits}  `, PINNED).opaque.join(), /longer/);
});

test("law: no tree is deeper than the measure of its tokens", () => {
  // The measure is checked against brackets counted plainly, which are the deepest thing a token can open.
  const token = fc.constantFrom(..."( ) [ ] , ; and or case end join between union = + a not set".split(" "));
  fc.assert(
    fc.property(fc.array(token, { maxLength: 300 }), (words) => {
      const { chain, columns } = measureShape(words.map((text) => ({ text, tokenName: "X" })));
      let depth = 0;
      let deepest = 0;
      for (const word of words) {
        if (word === "(" || word === "[") depth += 1;
        if (word === ")" || word === "]") depth = Math.max(0, depth - 1);
        deepest = Math.max(deepest, depth);
      }
      assert.ok(columns >= 1);
      assert.ok(chain >= 0 && chain <= 4 * words.length);
      // A comma, AND or OR forgets what stands before it, but never an open bracket inside which it does not stand.
      const forgetful = words.some((word) => [",", ";", "and", "or"].includes(word));
      assert.ok(forgetful || chain >= deepest, words.join(" "));
    }),
  );
});

test("everything has a limit, and over it the text is opaque", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["SELECT 1;".repeat(1_001), /more than 1000 statements/],
    [`SELECT 1${", 1".repeat(30_000)}`, /more than 50000 words/],
    [`SELECT 1${"+1".repeat(800)}`, /hang on one another/],
    [`SELECT ${"~@".repeat(65)} 1`, /128 operator characters/],
    [`UPDATE t SET ${"(a, b) = (SELECT 1, 2), ".repeat(10)} c = 1`, /too many columns/],
    [`DO $$ ${"BEGIN ".repeat(501)} $$`, /more than 500 blocks/],
    [`DO $$ BEGIN ${"EXECUTE 'SELECT 1'; ".repeat(501)} END $$`, /more than 500 scripts/],
    [
      Array.from({ length: 7 }).reduce<string>(
        (inner, _, at) => `DO $b${at}$ BEGIN EXECUTE $e${at}$ ${inner} $e${at}$; END $b${at}$`,
        "SELECT 1",
      ),
      /5 levels deep/,
    ],
  ];
  for (const [text, reason] of cases) assert.match(sql.classify(text, PINNED).opaque.join(), reason, text.slice(0, 60));
});
