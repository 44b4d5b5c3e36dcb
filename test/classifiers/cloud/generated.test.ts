import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openActions } from "../../../src/classifiers/cloud/actions.ts";
import { ACCESS_LEVELS } from "../../../src/classifiers/cloud/access-levels.ts";
import { accessLines, moduleText } from "../../../tools/aws-access-levels.ts";

test("the generator writes every action once, with the gravest of its levels", () => {
  const folder = mkdtempSync(join(tmpdir(), "levels-"));
  try {
    mkdirSync(join(folder, "data", "actions"), { recursive: true });
    const actions = {
      a: { name: "GetThing", accessLevel: "Read" },
      b: { name: "GetThings", accessLevel: "List" },
      c: { name: "GetThingPolicy", accessLevel: "Read" },
      d: { name: "PutThingPolicy", accessLevel: "Permissions management, Write" },
      e: { name: "TagThing", accessLevel: "Tagging, Write" },
    };
    writeFileSync(join(folder, "data", "actions", "toy.json"), JSON.stringify(actions));
    const lines = accessLines(folder);
    assert.deepEqual(lines, ["toy L=GetThings P=PutThingPolicy R=GetThing{,Policy} T=TagThing"]);
    assert.match(moduleText(lines, "1.0.0"), /^ {2}"toy L=GetThings .*",$/m);
    writeFileSync(
      join(folder, "data", "actions", "bad.json"),
      JSON.stringify({ a: { name: "X", accessLevel: "Odd" } }),
    );
    assert.throws(() => accessLines(folder), /unknown access level/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the committed table has the services and actions that everybody knows", () => {
  const actions = openActions();
  const known = [
    ["s3", "get-object", "R"],
    ["s3", "ListBucket", "L"],
    ["iam", "attach-role-policy", "P"],
    ["ec2", "CreateTags", "T"],
    ["ec2", "run-instances", "W"],
    ["rds", "describe-db-instances", "L"],
  ] as const;
  for (const [service, operation, level] of known)
    assert.equal(actions.find(service, operation)?.level, level, operation);
  assert.equal(actions.find("s3", "get-"), undefined);
  assert.equal(actions.find("toString", "x"), undefined);
  assert.ok(ACCESS_LEVELS.length > 200);
  assert.ok(ACCESS_LEVELS.join("\n").length < 400_000);
});
