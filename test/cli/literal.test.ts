import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { literal, literalLines, visible } from "../../src/core/card/index.ts";
import { timeLeft, table } from "../../src/cli/table.ts";

test("unseen characters are written out", () => {
  const cases: readonly (readonly [text: string, shown: string])[] = [
    ["plain text, Grüße, 日本語", "plain text, Grüße, 日本語"],
    ["two\nlines\tand\r", "two\\nlines\\tand\\r"],
    ["\u001b[2J", "\\u{1b}[2J"],
    ["\u009b2J", "\\u{9b}2J"],
    ["a\u202eb", "a\\u{202e}b"],
    ["a\u200bb\u2060", "a\\u{200b}b\\u{2060}"],
    ["\ufeffa", "\\u{feff}a"],
    ["a\u00a0b", "a\\u{a0}b"],
    ["\u2028", "\\u{2028}"],
    ["\u{e0061}", "\\u{e0061}"],
    ["\u3164", "\\u{3164}"],
    ["a\ufe0f", "a\\u{fe0f}"],
    ["\ud800", "\\u{d800}"],
    ["\\u{202e}", "\\\\u{202e}"],
  ];
  for (const [text, shown] of cases) assert.equal(visible(text), shown);
});

test("whatever is shown can be told apart, and none of it controls the terminal", () => {
  const anything = fc.string({ unit: "binary" });
  fc.assert(fc.property(anything, (text) => /^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*$/u.test(visible(text))));
  fc.assert(fc.property(anything, anything, (left, right) => left === right || visible(left) !== visible(right)));
});

test("values are shown as they are, all of them", () => {
  const cases: readonly (readonly [value: Parameters<typeof literalLines>[0], lines: readonly string[]])[] = [
    [{ limit: 12000, ok: true, none: null }, ["limit: 12000", "ok: true", "none: null"]],
    [{ text: 'a "quote" \u202e' }, ['text: "a \\"quote\\" \\u{202e}"']],
    [{ list: ["a", 1, { b: 2 }], empty: {}, no: [] }, ['list: ["a", 1, {b: 2}]', "empty: {}", "no: []"]],
    [{ deep: { er: { x: 1 } } }, ["deep:", "  er:", "    x: 1"]],
    [{ "a: 1\nb": 2 }, ['"a: 1\\nb": 2']],
    [{ password: { $secret: "sha256:ab" } }, ["password: (secret, committed to as sha256:ab)"]],
  ];
  for (const [value, lines] of cases) assert.deepEqual(literalLines(value), lines);
  assert.equal(literal("x".repeat(100_000)).length, 100_002);
});

test("tables line up and time is told in words", () => {
  const plain = (_style: string, text: string): string => text;
  assert.equal(
    table(
      ["id", "what"],
      [
        ["arq_1", { text: "high", style: "red" }],
        ["x", "y"],
      ],
      plain,
    ),
    "id     what\narq_1  high\nx      y\n",
  );
  const now = Date.parse("2026-11-21T12:00:00Z");
  const cases = [
    ["2026-11-21T12:00:00Z", "over"],
    ["2026-11-21T11:00:00Z", "over"],
    ["2026-11-21T12:00:00.001Z", "1 s"],
    ["2026-11-21T12:12:30Z", "12 min"],
    ["2026-11-21T14:05:00Z", "2 h 05 min"],
    ["2026-11-24T12:00:00Z", "3 days"],
    ["soon", "?"],
  ] as const;
  for (const [until, words] of cases) assert.equal(timeLeft(until, now), words);
});
