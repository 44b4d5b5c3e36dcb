import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { preview } from "../../src/cli/preview.ts";
import type { JsonObject } from "../../src/core/action/index.ts";

const shown = (properties: JsonObject, charsMax = 160): string => preview({ name: "any", properties }, charsMax);

test("a line says what runs: a command or a statement first, all else in canonical order", () => {
  const rows: readonly (readonly [JsonObject, string])[] = [
    [{}, ""],
    [{ cwd: "/srv", argv: ["psql", "-f", "close.sql"], env: { A: "1" } }, "psql -f close.sql"],
    [{ argv: ["sh", "-c", 'rm -rf "/a"'] }, 'sh -c "rm -rf \\"/a\\""'],
    [{ argv: [] }, "argv: []"],
    [{ database: "crm", sql: "DROP\nTABLE t" }, 'DROP\\nTABLE t, database: "crm"'],
    [{ changes: ["dee joins security", "eve joins security"], nonce: "ab" }, "dee joins security; eve joins security"],
    [{ z: 1, a: { c: true, b: null } }, "a: {c: true, b: null}, z: 1"],
    [{ key: { $secret: "sha256:ab" }, list: [1, "x"] }, 'key: (secret), list: [1, "x"]'],
    [{ sql: "" }, 'sql: ""'],
    [{ sql: 7 }, "sql: 7"],
  ];
  for (const [properties, expected] of rows) assert.equal(shown(properties), expected);
  assert.equal(preview({ name: "any" }, 160), "");
});

test("shown.agent-narrates: whatever an agent sends is one line, cut, with everything unseen written out", () => {
  assert.equal(shown({ sql: "a\u202eb\u001b[2J" }), "a\\u{202e}b\\u{1b}[2J");
  assert.equal(shown({ "x\u200b\n": 1 }), "x\\u{200b}\\n: 1");
  assert.equal(shown({ sql: "x".repeat(1_000_000) }, 20), `${"x".repeat(19)}…`);
  assert.equal(shown({ text: "😀".repeat(5_000) }, 20), `text: "${"😀".repeat(12)}…`);
  assert.match(shown(Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`p${at}`, 1])), 500), /, p22: 1…$/);
  const text = fc.string({ unit: "binary", maxLength: 200 });
  const anything = fc.dictionary(text, fc.oneof(text, fc.array(text), fc.integer(), fc.dictionary(text, text)));
  const named = fc.record({ argv: fc.array(text), sql: text, changes: fc.array(text) }, { requiredKeys: [] });
  fc.assert(
    fc.property(fc.oneof(anything, named), fc.integer({ min: 1, max: 200 }), (properties, charsMax) => {
      const line = shown(properties as JsonObject, charsMax);
      return /^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*$/u.test(line) && [...line].length <= charsMax;
    }),
  );
});
