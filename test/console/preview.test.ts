import assert from "node:assert/strict";
import { test } from "node:test";
import { previewOf } from "../../console/src/model/preview.ts";
import { clock } from "../../console/src/model/time.ts";
import type { Json, JsonObject } from "../../console/src/model/view.ts";

const shown = (properties: JsonObject): string =>
  previewOf({ name: "any", properties })
    .parts.map(({ name, text }) => (name === null ? text : `${name}=${text}`))
    .join(" | ");

test("a row says what runs: a command or a statement first, all else in canonical order", () => {
  const rows: readonly (readonly [JsonObject, string])[] = [
    [{}, ""],
    [{ cwd: "/srv", argv: ["psql", "-f", "close.sql"], env: { A: "1" } }, "psql -f close.sql"],
    [{ argv: ["sh", "-c", "rm -rf /"] }, 'sh -c "rm -rf /"'],
    [{ argv: ["a b", "", "it's"] }, '"a b" "" "it\'s"'],
    [{ database: "crm", sql: "DROP TABLE t" }, "DROP TABLE t | database=crm"],
    [{ changes: ["dee joins security", "eve joins security"], nonce: "ab" }, "dee joins security; eve joins security"],
    [{ z: 1, a: { c: true, b: null } }, "a.b=null | a.c=true | z=1"],
    [{ key: { $secret: "sha256:ab" }, list: [1, "x"], none: {} }, 'key=secret | list=[1,"x"] | none={}'],
    [{ text: "" }, 'text=""'],
  ];
  for (const [properties, expected] of rows) assert.equal(shown(properties), expected);
  assert.deepEqual(previewOf({ name: "any", properties: null }), { parts: [], hidden: 0 });
});

test("a row shows a few parameters in short, and says how many it leaves out", () => {
  const many = Object.fromEntries(Array.from({ length: 9 }, (_, at): [string, Json] => [`p${at}`, at]));
  assert.equal(previewOf({ name: "any", properties: many }).hidden, 4);
  const [part] = previewOf({ name: "any", properties: { text: "😀".repeat(500) } }).parts;
  assert.match(part?.text ?? "", /^(😀){80}…$/u, "no character is cut in two");
});

test("a time of day carries its date unless it is today's", () => {
  const now = new Date(2026, 10, 22, 14, 0).getTime();
  const at = (...when: [number, number, number, number, number]): string => clock(new Date(...when).toISOString(), now);
  assert.equal(at(2026, 10, 22, 9, 5), "09:05");
  assert.equal(at(2026, 10, 21, 23, 59), "21 Nov, 23:59");
  assert.equal(at(2025, 0, 2, 3, 4), "2 Jan 2025, 03:04");
  assert.equal(clock("never", now), "unknown");
});
