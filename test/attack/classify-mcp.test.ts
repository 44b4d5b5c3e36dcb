import assert from "node:assert/strict";
import { test } from "node:test";
import { classifyTool } from "../../src/classifiers/mcp/index.ts";
import type { Json, JsonObject } from "../../src/core/action/index.ts";
import { millisecondsOf, passes } from "../classifiers/passing.ts";

test("classify.wrapper: a command deep inside the arguments is found at its place", () => {
  let inside: Json = "rm -rf /";
  for (let depth = 0; depth < 20; depth += 1) inside = { a: [inside] };
  const { embedded } = classifyTool({ server: "s", tool: "t", declaredEffects: ["read"], arguments: { inside } });
  assert.deepEqual(
    embedded.map(({ kind, text }) => [kind, text]),
    [["shell", "rm -rf /"]],
  );
  for (let depth = 0; depth < 40; depth += 1) inside = { a: [inside] };
  const deeper = classifyTool({ server: "s", tool: "t", declaredEffects: ["read"], arguments: { inside } });
  assert.ok(!passes(deeper), "deeper than anybody looks");
});

test("classify.encoding: a name that hides its letters does not become ours", () => {
  const { opaque } = classifyTool({ server: "s", tool: "li\u202est`\u200b_issues" });
  assert.match(opaque.join(" "), /\\u\{202e\}/);
  assert.doesNotMatch(opaque.join(" "), /[\u202e\u200b]/);
});

test("input.regex-dos: ten million bytes of hostile arguments end quickly", () => {
  const hostile: readonly JsonObject[] = [
    { a: `${" ".repeat(5_000_000)}select${"(".repeat(5_000_000)}` },
    { a: "/**/".repeat(2_500_000) },
    { a: "--\n".repeat(3_000_000) },
    { ["a".repeat(10_000_000)]: "select 1" },
    { a: Array.from({ length: 1_000_000 }, () => "rm -rf /") },
    Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`${at}`, [[[`${at}`]]]])),
  ];
  for (const args of hostile) {
    const took = millisecondsOf(() => classifyTool({ server: "s", tool: "t", arguments: args }));
    assert.ok(took < 5_000, `${took} ms`);
  }
});
