/** The same threats, through the classifier of the product: parts within parts, each by the classifier of its kind. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../../src/core/action/index.ts";
import type { Classification } from "../../src/core/risk/index.ts";
import { openReader } from "../../src/server/classify/read.ts";
import type { Text } from "../../src/server/classify/text.ts";
import { covers, passes } from "../classifiers/passing.ts";

const reader = await openReader({ resources: [], requests: [] });
const read = (kind: Text["kind"], value: Json): Classification =>
  reader.read({ kind, value, pointer: "/p", pinned: true, tool: { name: "read_it", effects: ["read"] } });
const effectsOf = ({ effects }: Classification): readonly string[] => effects.map(({ effect }) => effect);

test("classify.wrapper: SQL in a command in a tool's argument is read as SQL", () => {
  const nested: readonly [Text["kind"], Json][] = [
    ["shell", "psql -c 'drop table public.orders'"],
    ["argv", ["psql", "-c", "drop table public.orders"]],
    ["argv", ["sudo", "env", "A=1", "psql", "-c", "drop table public.orders"]],
    ["shell", "bash -c \"psql -c 'drop table public.orders'\""],
    ["mcp", { command: "psql -c 'drop table public.orders'" }],
    ["mcp", { steps: [{ run: "ls" }, { run: "psql -c 'drop table public.orders'" }] }],
  ];
  for (const [kind, value] of nested) {
    const found = read(kind, value);
    assert.ok(!passes(found), JSON.stringify(value));
    assert.ok(effectsOf(found).includes("ddl"), `${JSON.stringify(value)}: ${effectsOf(found).join(" ")}`);
  }
});

test("classify.wrapper: a cloud tool behind wrappers is read as what it is", () => {
  const escalation = ["aws", "iam", "attach-user-policy", "--user-name", "u", "--policy-arn", "p"];
  const bare = read("argv", escalation);
  assert.ok(effectsOf(bare).includes("escalate"));
  for (const wrapper of [["sudo"], ["timeout", "5"], ["nohup"], ["env", "X=1"], ["nice", "-n", "5"]]) {
    const wrapped = read("argv", [...wrapper, ...escalation]);
    assert.ok(covers(wrapped, bare), wrapper.join(" "));
  }
});

test("classify.encoding: scripts within scripts end somewhere, and then are opaque", () => {
  let script = "ls";
  for (let level = 0; level < 8; level += 1) script = `bash -c ${JSON.stringify(script)}`;
  const found = read("shell", script);
  assert.ok(!passes(found) && found.opaque.length > 0);
});

test("classify.nul: no kind of text passes with a NUL in it", () => {
  const texts: readonly [Text["kind"], Json][] = [
    ["sql", "select 1\0; drop table a"],
    ["shell", "ls\0; rm -rf /"],
    ["argv", ["ls", "a\0b"]],
    ["aws", ["sts", "get-caller-identity\0"]],
    ["kubectl", ["get", "pods\0"]],
    ["terraform", ["version\0"]],
    ["http", "https://example.com/\0"],
    ["mcp", { sql: "select 1\0" }],
  ];
  for (const [kind, value] of texts) assert.ok(!passes(read(kind, value)), kind);
});

test("classify.function: what is of the wrong shape is opaque in every kind, and nothing throws", () => {
  const shapes: readonly Json[] = [
    null,
    true,
    7,
    "",
    [],
    [7],
    [""],
    {},
    { a: 1 },
    [[]],
    "\ud800",
    { verb: 1 },
    { url: 1 },
  ];
  const kinds: readonly Text["kind"][] = [
    "sql",
    "shell",
    "argv",
    "aws",
    "gcloud",
    "az",
    "kubectl",
    "kubernetes",
    "terraform",
    "terraform-plan",
    "http",
  ];
  for (const kind of kinds) {
    for (const value of shapes) {
      if (kind === "shell" && value === "") continue; // an empty script does nothing
      const found = read(kind, value);
      assert.ok(!passes(found), `${kind} ${JSON.stringify(value)}: ${JSON.stringify(found)}`);
    }
  }
});
