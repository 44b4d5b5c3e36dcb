import assert from "node:assert/strict";
import { test } from "node:test";
import { classifyPlan, classifyTerraformArgv } from "../../src/classifiers/terraform/index.ts";
import type { Json } from "../../src/core/action/index.ts";
import { millisecondsOf, passes, words } from "../classifiers/passing.ts";

test("classify.wrapper: a rehearsal that is none, and an option that is a file, do not hide a change", () => {
  for (const line of [
    "fmt x -check",
    "fmt -check=F",
    "fmt -check=False",
    "state rm -state -dry-run a",
    "state mv a b -dry-run",
  ]) {
    assert.ok(!passes(classifyTerraformArgv(words(line))), line);
  }
});

test("classify.wrapper: one deletion among thousands of harmless changes is found", () => {
  const harmless = Array.from({ length: 5_000 }, (_, at) => change(`random_pet.p${at}`, "no-op"));
  const plan = {
    format_version: "1.2",
    planned_values: {},
    resource_changes: [...harmless, change("aws_db_instance.x", "delete")],
  };
  assert.ok(classifyPlan(plan).effects.some(({ effect }) => effect === "delete"));
  assert.ok(passes(classifyPlan({ ...plan, resource_changes: harmless })));
});

function change(address: string, action: string): Json {
  return { address, type: address.split(".", 1)[0] ?? "", change: { actions: [action] } };
}

test("input.regex-dos: ten million bytes of hostile words and plans end quickly", () => {
  for (const line of [
    ["a".repeat(10_000_000)],
    Array.from({ length: 1_000_000 }, () => "-x"),
    ["fmt", `-${"=".repeat(1_000_000)}`],
  ]) {
    const took = millisecondsOf(() => assert.ok(!passes(classifyTerraformArgv(line))));
    assert.ok(took < 5_000, `${took} ms`);
  }
  let deep: Json = {};
  for (let depth = 0; depth < 100_000; depth += 1) deep = [deep];
  const created = (after: Json): Json => ({
    format_version: "1.2",
    planned_values: {},
    resource_changes: [
      { address: "[".repeat(1_000_000), type: "_iam".repeat(1_000_000), change: { actions: ["create"], after } },
    ],
  });
  const plans: readonly Json[] = [
    created(deep),
    created({ a: '"Action":'.repeat(1_000_000) }),
    created({ a: `"Principal"${" ".repeat(90_000)}` }),
    created(Array.from({ length: 900_000 }, () => "0.0.0.0/0")),
    {
      format_version: "1.2",
      planned_values: {},
      resource_changes: Array.from({ length: 200_000 }, () => change("a.b", "no-op")),
    },
  ];
  for (const plan of plans) {
    const took = millisecondsOf(() => assert.ok(!passes(classifyPlan(plan))));
    assert.ok(took < 5_000, `${took} ms`);
  }
});
