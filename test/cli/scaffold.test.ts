import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { SCAFFOLD } from "../../src/cli/scaffold.ts";
import { checkRules } from "../../src/server/check.ts";
import { loadConfig } from "../../src/server/config.ts";

const folder = mkdtempSync(join(tmpdir(), "keyturn-scaffold-"));
after(() => rmSync(folder, { recursive: true }));
for (const [path, text] of SCAFFOLD) {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

function textOf(file: string): string {
  return SCAFFOLD.find(([path]) => path === file)?.[1] ?? assert.fail(file);
}

/** The examples of a file that stand in comments: a key at the beginning, and what is indented below it. */
function examplesOf(file: string): ReadonlyMap<string, string> {
  const found = [...textOf(file).matchAll(/^# ([a-z_]+):(?: .*)?\n(?:# {3}.*\n)*/gm)];
  return new Map(found.map(([block, key = ""]) => [key, block.replaceAll(/^# /gm, "")]));
}

/** A witness has a key that only it can make, so its example is a shape and no setting. */
const SHAPES: readonly string[] = ["witnesses"];

test("every example in keyturn.yaml loads when its comment is taken away, alone and with all others", () => {
  const examples = examplesOf("keyturn.yaml");
  for (const key of ["public_url", "sign_in", "people", "workloads", "notify", "store", "privacy", "export", "limits"])
    assert.ok(examples.has(key), key);
  const file = join(folder, "keyturn.yaml");
  const plain = loadConfig(file);
  const working = [...examples].filter(([key]) => !SHAPES.includes(key));
  for (const [key, block] of working) {
    writeFileSync(file, textOf("keyturn.yaml") + block);
    // `people` and `limits` show the defaults.
    const isDefault = key === "people" || key === "limits";
    const read = loadConfig(file);
    if (isDefault) assert.deepEqual(read, plain, key);
    else assert.notDeepEqual(read, plain, key);
  }
  writeFileSync(file, textOf("keyturn.yaml") + working.map(([, block]) => block).join(""));
  const all = loadConfig(file);
  assert.deepEqual(
    [all.signIn?.length, all.workloads?.length, all.notify?.webhooks.length, all.notify?.push?.contact],
    [1, 1, 1, "mailto:ops@example.com"],
  );
  assert.equal(all.store?.ledger, "main");
});

test("the roles in directory.yaml load when their comment is taken away", () => {
  const roles = examplesOf("directory.yaml").get("roles") ?? assert.fail("no roles");
  const file = join(folder, "directory.yaml");
  writeFileSync(file, textOf("directory.yaml") + roles);
  const files = { directory: file, catalogue: join(folder, "catalogue.yaml"), policies: join(folder, "policies") };
  assert.deepEqual(checkRules(files).problems, []);
  writeFileSync(file, textOf("directory.yaml") + roles.replace("[security]", "[nobody]"));
  assert.notDeepEqual(checkRules(files).problems, [], "a group that is not there is noticed");
});
