import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { classifyPlan } from "../../../src/classifiers/terraform/index.ts";
import type { Json } from "../../../src/core/action/index.ts";
import { covers, passes, summary } from "../passing.ts";

type Change = {
  readonly type: string;
  readonly actions: readonly string[];
  readonly after?: Json;
  readonly more?: object;
};

function plan(changes: readonly Change[], rest: Record<string, Json> = {}): Json {
  return {
    format_version: "1.2",
    terraform_version: "1.11.4",
    planned_values: {},
    resource_changes: changes.map(({ type, actions, after = {}, more = {} }, at) => ({
      address: `${type}.r${at}`,
      type,
      change: { actions: [...actions], after, ...more },
    })),
    ...rest,
  };
}
const one = (type: string, ...actions: string[]): Json => plan([{ type, actions }]);

const PLANS: readonly (readonly [string, Json, string])[] = [
  ["no changes", plan([]), "read"],
  ["no-ops", one("aws_db_instance", "no-op"), "read"],
  ["a data source", one("aws_ami", "read"), "read"],
  ["a function's data", one("aws_lambda_function", "read"), "read"],
  ["a secret's data", one("aws_secretsmanager_secret_version", "read"), "read secret.read | secret_access"],
  ["an external program", one("external", "read"), "read execute | program_execution"],
  ["a fetched URL", one("http", "read"), "read execute | program_execution"],
  ["a created thing", one("random_pet", "create"), "read write"],
  ["an updated thing", one("random_pet", "update"), "read write"],
  ["a deleted thing", one("random_pet", "delete"), "read delete | irreversible"],
  ["a replaced thing", one("random_pet", "delete", "create"), "read write delete | availability"],
  [
    "a replaced store",
    one("aws_db_instance", "create", "delete"),
    "read write execute delete | availability irreversible",
  ],
  ["a forgotten thing", one("random_pet", "forget"), "read write | defence_evasion"],
  ["a role", one("aws_iam_role", "create"), "read write escalate | privilege_change"],
  [
    "a google binding",
    one("google_project_iam_member", "create"),
    "read write escalate | availability privilege_change",
  ],
  ["an azure role", one("azurerm_role_assignment", "delete"), "read delete escalate | irreversible privilege_change"],
  ["a security group", one("aws_security_group", "update"), "read write network escalate | privilege_change"],
  ["a trail", one("aws_cloudtrail", "delete"), "read delete | defence_evasion irreversible"],
  ["a null resource", one("null_resource", "create"), "read write execute"],
  [
    "an open rule",
    plan([{ type: "aws_x", actions: ["create"], after: { cidr_blocks: ["0.0.0.0/0"] } }]),
    "read write network | unbounded",
  ],
  [
    "a public bucket",
    plan([{ type: "aws_x", actions: ["create"], after: { acl: "public-read" } }]),
    "read write escalate | privilege_change",
  ],
  [
    "no protection",
    plan([{ type: "aws_x", actions: ["update"], after: { deletion_protection: false } }]),
    "read write | defence_evasion",
  ],
  [
    "a policy of everything",
    plan([{ type: "aws_x", actions: ["create"], after: { policy: '{"Action":"*"}' } }]),
    "read write | unbounded",
  ],
  ["an import", plan([{ type: "random_pet", actions: ["no-op"], more: { importing: { id: "x" } } }]), "read write"],
  ["an unknown action", one("random_pet", "frob"), "read opaque"],
  ["no actions", one("random_pet"), "read opaque"],
  ["a changed output", plan([], { output_changes: { a: { actions: ["update"] } } }), "read write"],
  [
    "a shown secret",
    plan([], { output_changes: { db_password: { actions: ["create"], after_sensitive: false } } }),
    "read write secret.read",
  ],
  ["errors", plan([], { errored: true }), "read opaque"],
  ["not complete", plan([], { complete: false }), "read opaque"],
  ["deferred changes", plan([], { deferred_changes: [] }), "read opaque"],
  ["changes of another form", plan([], { resource_changes: { a: 1 } }), "read opaque"],
  ["outputs of another form", plan([], { output_changes: ["x"] }), "read opaque"],
  ["another format", plan([], { format_version: "2.0" }), "read opaque"],
  ["a state", { format_version: "1.0", values: {} }, "read opaque"],
  ["nothing", {}, "read opaque"],
  ["a text", "plan", "opaque"],
];

test("plans are told by what applying them does", () => {
  for (const [name, text, expected] of PLANS) {
    assert.equal(summary(classifyPlan(text)), expected, name);
    assert.equal(passes(classifyPlan(text)), expected === "read", name);
  }
});

test("provisioners of changed resources run, in modules too; those of unchanged ones do not", () => {
  const configuration = {
    root_module: {
      module_calls: {
        a: { source: "git::https://example.com/m", module: { resources: [resource("null_resource.x", "local-exec")] } },
      },
      resources: [resource("aws_x.y", "remote-exec")],
    },
  };
  const changed = (address: string, ...actions: string[]): Json => ({
    format_version: "1.2",
    planned_values: {},
    configuration,
    resource_changes: [{ address, type: "random_pet", change: { actions } }],
  });
  assert.equal(
    summary(classifyPlan(changed('module.a.null_resource.x["k"]', "create"))),
    "read write execute | dynamic_code program_execution",
  );
  assert.match(summary(classifyPlan(changed("aws_x.y", "update"))), /program_execution remote_target/);
  assert.ok(passes(classifyPlan(changed("aws_x.y", "no-op"))));
});

function resource(address: string, provisioner: string): Json {
  return { address, provisioners: [{ type: provisioner }] };
}

test("counts are facts", () => {
  const { facts } = classifyPlan(
    plan([
      { type: "a", actions: ["create"] },
      { type: "b", actions: ["delete"] },
      { type: "b", actions: ["delete"] },
      { type: "c", actions: ["delete", "create"] },
    ]),
  );
  const counts = Object.fromEntries(facts.map(({ name, value }) => [name, value]));
  assert.equal(counts["terraform_creates"], 1);
  assert.equal(counts["terraform_deletes"], 2);
  assert.equal(counts["terraform_replaces"], 1);
});

test("a plan with one more change is at least as grave", () => {
  const change = fc.record({
    type: fc.constantFrom("random_pet", "aws_iam_role", "aws_db_instance", "external", "aws_cloudtrail"),
    actions: fc.constantFrom(["create"], ["no-op"], ["read"], ["delete"], ["update"], ["create", "delete"], ["frob"]),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 8 }), change, fc.nat(8), (changes, more, at) => {
      const longer = changes.toSpliced(at, 0, more);
      assert.ok(covers(classifyPlan(plan(longer)), classifyPlan(plan(changes))));
    }),
  );
});

test("any JSON at all is classified without a fault, and passes only with the form of a plan", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.ok(!passes(classifyPlan(value as Json)));
    }),
  );
});
