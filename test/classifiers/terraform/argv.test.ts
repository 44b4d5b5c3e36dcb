import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { classifyTerraformArgv } from "../../../src/classifiers/terraform/index.ts";
import { covers, passes, summary, words } from "../passing.ts";

const PASSING = `validate
validate -json
-chdir=infra validate
fmt -check
fmt -check=true -diff -recursive
fmt -write=false
show
show plan.bin
output
state list
state list module.a
state show aws_instance.a
state mv -dry-run
state rm -dry-run aws_instance.a
workspace list
workspace show
providers
version
-version
graph`.split("\n");

const HELD: readonly (readonly [string, string])[] = [
  ["apply", "execute deploy opaque"],
  ["apply -auto-approve", "execute deploy opaque"],
  ["apply plan.bin", "execute deploy opaque"],
  ["apply -destroy", "execute delete deploy opaque | irreversible"],
  ["destroy", "execute delete opaque | irreversible unbounded"],
  ["destroy -target=a.b", "execute delete opaque | irreversible"],
  ["plan", "read network execute"],
  ["plan -out=p.bin", "read write network execute"],
  ["plan -refresh=false", "read execute"],
  ["init", "write network execute"],
  ["init -migrate-state", "write network execute delete | defence_evasion"],
  ["init -from-module=x", "write network execute | code_injection"],
  ["get", "write network execute"],
  ["refresh", "write execute"],
  ["show -json plan.bin", "read secret.read | secret_access"],
  ["output -json", "read secret.read | secret_access"],
  ["output db_password", "read secret.read | secret_access"],
  ["fmt", "write"],
  ["fmt -check=false", "write"],
  ["fmt -check=0", "write"],
  ["fmt -check -check=f", "write"],
  ["fmt infra -check", "read opaque"],
  ["state pull", "export secret.read | secret_access"],
  ["state push x", "write delete | irreversible unbounded"],
  ["state rm a.b", "write delete | irreversible"],
  ["state rm -dry-run=0 a.b", "write delete | irreversible"],
  ["state rm -state -dry-run a.b", "write delete | irreversible"],
  ["state mv a b", "write delete | irreversible"],
  ["import a.b id", "write execute"],
  ["taint a.b", "write | availability"],
  ["untaint a.b", "write"],
  ["force-unlock id", "delete | availability"],
  ["workspace delete x", "delete | irreversible"],
  ["workspace select x", "write"],
  ["console", "execute secret.read | secret_access"],
  ["test", "execute delete deploy"],
  ["login", "secret.read | secret_access"],
  ["providers lock", "write network"],
  ["providers schema -json", "execute"],
  ["frobnicate", "opaque"],
  ["state frobnicate", "opaque"],
  ["", "opaque"],
  ["?", "opaque"],
  ["validate ?", "read opaque"],
  ["validate -unknown", "read opaque"],
];

test("reading commands of terraform pass", () => {
  for (const line of PASSING) assert.ok(passes(classifyTerraformArgv(words(line))), line);
});

test("every other command of terraform is told as what it is", () => {
  for (const [line, expected] of HELD) {
    const found = classifyTerraformArgv(words(line));
    assert.ok(!passes(found), line);
    assert.equal(summary(found), expected, line);
  }
});

test("only an apply of one saved plan names a plan file", () => {
  const planFile = (line: string): unknown =>
    classifyTerraformArgv(words(line)).facts.find(({ name }) => name === "plan_file")?.value;
  assert.equal(planFile("apply plan.bin"), "plan.bin");
  assert.equal(planFile("apply -input=false plan.bin"), "plan.bin");
  for (const line of ["apply", "apply -auto-approve", "apply a.bin b.bin", "destroy plan.bin", "plan plan.bin"]) {
    assert.equal(planFile(line), undefined, line);
  }
});

test("words added to a command of terraform never make it pass", () => {
  const extra = fc.constantFrom("-auto-approve", "-help", "x", "-json", "?", "-check", "-dry-run", "-lock=false");
  fc.assert(
    fc.property(fc.constantFrom(...HELD.map(([line]) => line)), fc.array(extra, { maxLength: 4 }), (line, more) => {
      const narrow = classifyTerraformArgv(words(line));
      const wide = classifyTerraformArgv(words([line, ...more].join(" ").trim()));
      if (/^(?:fmt|state (?:rm|mv))/.test(line) && more.some((word) => /check|dry-run/.test(word))) return;
      if (line === "" || line === "frobnicate" || line === "state frobnicate") return;
      assert.ok(!passes(wide), line);
      assert.ok(covers(wide, narrow) || line.startsWith("get"), `${line} + ${more.join(" ")}`);
    }),
  );
});

test("any words at all are classified without a fault", () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom("state", "rm", "apply", "-json", "fmt", "-check"),
    fc.constant(null),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 10 }), (line) => assert.ok(classifyTerraformArgv(line).effects.length > 0)),
  );
});
