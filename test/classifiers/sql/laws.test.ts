import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { loadSql } from "../../../src/classifiers/sql/index.ts";
import { covers, passes, summary } from "../passing.ts";
import { PINNED, SHOP } from "./fixture.ts";
import { generator } from "./generate.ts";

const sql = await loadSql();

const WRAPPERS: readonly (readonly [string, (inner: string) => string])[] = [
  ["a statement before", (inner) => `SELECT 1;\n${inner}`],
  ["a statement after", (inner) => `${inner}\n; SELECT 1`],
  ["a comment", (inner) => `/* harmless /* nested */ */ ${inner}\n-- SELECT 1`],
  ["EXECUTE in a block", (inner) => `DO $kt0$ BEGIN EXECUTE $kt1$ ${inner}\n$kt1$; END $kt0$`],
  ["a function's body", (inner) => `CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $kt2$ ${inner}\n$kt2$`],
  ["SQL in an argument", (inner) => `SELECT query_to_xml($kt3$ ${inner}\n$kt3$, true, true, '')`],
];

/** Only statements that are planned can stand behind these. */
const PLANNED = /^(SELECT|WITH|VALUES|INSERT|UPDATE|DELETE)\b/;
const PLANNED_WRAPPERS: readonly (readonly [string, (inner: string) => string])[] = [
  ["EXPLAIN ANALYZE", (inner) => `EXPLAIN (COSTS off, ANALYZE) ${inner}`],
  ["PREPARE", (inner) => `PREPARE x AS ${inner}`],
];

/** No empty ones: what says nothing is opaque by itself, and nothing at all beside another statement. */
const statement = fc
  .integer({ min: 0, max: 0xffffffff })
  .map((seed) => generator(seed).statement())
  .filter((text) => text.trim() !== "");

test("law: no wrapper takes an effect, a trait or a doubt away", () => {
  fc.assert(
    fc.property(statement, fc.nat(), (inner, pick) => {
      const wrappers = PLANNED.test(inner) ? [...WRAPPERS, ...PLANNED_WRAPPERS] : WRAPPERS;
      const [name, wrap] = wrappers[pick % wrappers.length] ?? ["", (text: string) => text];
      const bare = sql.classify(inner, SHOP);
      const wrapped = sql.classify(wrap(inner), SHOP);
      assert.ok(covers(wrapped, bare), `${name}: ${inner}\n${summary(bare)}\n${summary(wrapped)}`);
    }),
    { numRuns: 3_000 },
  );
});

/** Whether the lexer gives up on a text, so that nobody can say where its statements end. */
function isTorn(text: string): boolean {
  const [only, ...more] = sql.classify(`${text};SELECT 1`, PINNED).effects;
  return only?.effect === "opaque" && more.length === 0;
}

test("law: two texts together do what both do, in either order", () => {
  fc.assert(
    fc.property(statement, statement, (one, other) => {
      fc.pre(!isTorn(one) && !isTorn(other));
      for (const joined of [`${one};${other}`, `${other};${one}`]) {
        const together = sql.classify(joined, SHOP);
        assert.ok(covers(together, sql.classify(one, SHOP)), joined);
        assert.ok(covers(together, sql.classify(other, SHOP)), joined);
      }
    }),
    { numRuns: 1_000 },
  );
});

test("law: knowing less of the session never lets more pass", () => {
  fc.assert(
    fc.property(statement, fc.boolean(), fc.boolean(), (text, standardConformingStrings, searchPathPinned) => {
      const known = sql.classify(text, PINNED);
      const less = sql.classify(text, { session: { standardConformingStrings, searchPathPinned } });
      assert.ok(!passes(less) || passes(known), text);
      assert.ok(!passes(sql.classify(text)) || passes(less), text);
    }),
    { numRuns: 1_000 },
  );
});

test("law: whatever the text, there is an answer of the right shape and no exception", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), statement, fc.nat(), (noise, text, cut) => {
      const at = cut % (text.length + 1);
      for (const hostile of [noise, text.slice(0, at) + noise + text.slice(at), text.slice(at)]) {
        const found = sql.classify(hostile, SHOP);
        assert.equal(
          found.opaque.length > 0,
          found.effects.some(({ effect }) => effect === "opaque"),
        );
        assert.ok(found.effects.length > 0, hostile);
        for (const { span } of [...found.effects, ...(found.traits ?? [])]) {
          assert.ok(span === undefined || (span.start >= 0 && span.start <= span.end && span.end <= hostile.length));
        }
      }
    }),
    { numRuns: 2_000 },
  );
  assert.equal(sql.broken(), false);
});
