import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { classifyTool, joinEmbedded } from "../../../src/classifiers/mcp/index.ts";
import type { ToolAnnotations, ToolCall } from "../../../src/classifiers/mcp/index.ts";
import type { JsonObject } from "../../../src/core/action/index.ts";
import { EFFECTS } from "../../../src/core/risk/index.ts";
import type { Classification } from "../../../src/core/risk/index.ts";
import { covers, passes, summary } from "../passing.ts";

function call(tool: string, rest: Partial<ToolCall> = {}): ToolCall {
  return { server: "s", tool, ...rest };
}

const CALLS: readonly (readonly [string, ToolCall, string])[] = [
  ["declared as reading", call("list_issues", { declaredEffects: ["read"] }), "read"],
  ["nobody declared it", call("list_issues"), "opaque"],
  ["it calls itself harmless", call("list_issues", { annotations: { readOnlyHint: true } }), "opaque"],
  [
    "declared, and calls itself destructive",
    call("vm", { declaredEffects: ["read"], annotations: { destructiveHint: true } }),
    "read delete",
  ],
  ["destructive and nobody declared it", call("vm", { annotations: { destructiveHint: true } }), "delete opaque"],
  [
    "declared as reading, says it writes",
    call("vm", { declaredEffects: ["read"], annotations: { readOnlyHint: false } }),
    "read write",
  ],
  [
    "declared as reading, reaches outside",
    call("vm", { declaredEffects: ["read"], annotations: { openWorldHint: true } }),
    "read network",
  ],
  ["declared as reading, named for deleting", call("pods_delete", { declaredEffects: ["read"] }), "read delete"],
  ["in camel case", call("deletePod", { declaredEffects: ["read"] }), "read delete"],
  ["declared as opaque", call("x", { declaredEffects: ["opaque"] }), "opaque"],
  ["declared as reading and opaque", call("x", { declaredEffects: ["read", "opaque"] }), "read opaque"],
  ["declared as writing", call("x", { declaredEffects: ["write", "network"] }), "write network"],
  ["declared as nothing", call("x", { declaredEffects: [] }), "opaque"],
  ["with a credential", call("x", { declaredEffects: ["read"], arguments: { password: "p" } }), "read | secret_access"],
];

test("the operator's declaration decides, hints and names only add", () => {
  for (const [name, tool, expected] of CALLS) {
    const found = classifyTool(tool);
    assert.equal(summary(found), expected, name);
    assert.equal(passes(found), expected === "read", name);
  }
  const [effect] = classifyTool(call("x", { declaredEffects: ["read"] })).effects;
  assert.equal(effect?.provenance, "operator");
});

const ARGUMENTS: readonly (readonly [JsonObject, readonly string[]])[] = [
  [{ limit: 5, name: "web", open: true }, []],
  [{ sql: "anything" }, ["sql /sql name"]],
  [{ text: "DELETE FROM users" }, ["sql /text form"]],
  [{ text: "/* hint */ -- x\n select 1" }, ["sql /text form"]],
  [{ text: "selection of things" }, []],
  [{ note: "rm -rf /" }, ["shell /note form"]],
  [{ note: "echo $(id)" }, ["shell /note form"]],
  [{ commands: ["ls", "id"] }, ["shell /commands/0 name", "shell /commands/1 name"]],
  [{ a: { b: [{ "c/d~e": "https://x.example/y" }] } }, ["url /a/b/0/c~1d~0e form"]],
  [{ note: "../../etc/passwd" }, ["path /note form"]],
  [{ path: "notes" }, ["path /path name"]],
  [{ note: "" }, []],
];

test("texts of the arguments are handed on with their kind and their place", () => {
  for (const [args, expected] of ARGUMENTS) {
    const { embedded } = classifyTool(call("x", { declaredEffects: ["read"], arguments: args }));
    assert.deepEqual(
      embedded.map(({ kind, pointer, by }) => `${kind} ${pointer} ${by}`),
      expected,
      JSON.stringify(args),
    );
  }
});

test("a whole is as grave as its texts, and opaque where one was not classified", () => {
  const tool = classifyTool(call("x", { declaredEffects: ["read"], arguments: { sql: "delete from t", path: "/a" } }));
  assert.equal(tool.embedded.length, 2);
  const sql: Classification = {
    effects: [{ effect: "delete", because: "DELETE", provenance: "parsed" }],
    facts: [],
    opaque: [],
    traits: [{ id: "unbounded", because: "no WHERE" }],
  };
  const read: Classification = {
    effects: [{ effect: "read", because: "reads", provenance: "parsed" }],
    facts: [],
    opaque: [],
  };
  assert.equal(summary(joinEmbedded(tool, [sql, read])), "read delete | unbounded");
  assert.ok(passes(joinEmbedded(tool, [read, read])));
  assert.ok(!passes(joinEmbedded(tool, [read, null])));
  assert.ok(!passes(joinEmbedded(tool, [read])));
  const bare = classifyTool(call("x", { declaredEffects: ["read"] }));
  assert.ok(passes(joinEmbedded(bare, [])));
});

test("too many texts or values are opaque", () => {
  const many = Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`a${at}`, "select 1"]));
  assert.ok(!passes(classifyTool(call("x", { declaredEffects: ["read"], arguments: many }))));
  const wide = { a: Array.from({ length: 50_001 }, () => 1) };
  assert.ok(!passes(classifyTool(call("x", { declaredEffects: ["read"], arguments: wide }))));
});

test("corpus of MCP tools: no destructive, unhinted or other tool passes by itself", (context) => {
  const corpus = new URL("../../../../shared/corpus/mcp-tools.jsonl", import.meta.url);
  if (!existsSync(corpus)) return context.skip("the corpus is not beside the repository");
  const counts = { tools: 0, passed: 0, destructive: 0, passedDeclared: 0 };
  for (const line of readFileSync(corpus, "utf8").trim().split("\n")) {
    const row = JSON.parse(line) as {
      server: string;
      tool: string;
      readOnly: boolean | null;
      destructive: boolean | null;
    };
    const annotations: ToolAnnotations = {
      ...(row.readOnly === null ? {} : { readOnlyHint: row.readOnly }),
      ...(row.destructive === null ? {} : { destructiveHint: row.destructive }),
    };
    counts.tools += 1;
    counts.passed += passes(classifyTool({ server: row.server, tool: row.tool, annotations })) ? 1 : 0;
    const declared = classifyTool({ server: row.server, tool: row.tool, annotations, declaredEffects: ["read"] });
    counts.passedDeclared += passes(declared) ? 1 : 0;
    if (row.destructive !== true) continue;
    counts.destructive += 1;
    assert.ok(!passes(declared), row.tool);
    assert.ok(declared.effects.some(({ effect }) => effect === "delete"));
  }
  context.diagnostic(JSON.stringify(counts));
  assert.equal(counts.passed, 0);
  assert.ok(counts.passedDeclared > 20);
  return undefined;
});

test("hints, names and arguments only ever add", () => {
  const hint = fc.option(fc.boolean(), { nil: undefined });
  const effects = fc.subarray([...EFFECTS]);
  fc.assert(
    fc.property(effects, hint, hint, hint, fc.dictionary(fc.string(), fc.string()), (declared, a, b, c, args) => {
      const annotations: ToolAnnotations = {
        ...(a === undefined ? {} : { readOnlyHint: a }),
        ...(b === undefined ? {} : { destructiveHint: b }),
        ...(c === undefined ? {} : { openWorldHint: c }),
      };
      const bare = classifyTool(call("x", { declaredEffects: declared }));
      const full = classifyTool(call("x", { declaredEffects: declared, annotations, arguments: args }));
      assert.ok(covers(full, bare));
    }),
  );
});
