import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import type { Instant } from "../../src/core/brand.ts";
import type { JsonObject, Question } from "../../src/core/action/index.ts";
import { decideAction } from "../../src/core/policy/index.ts";
import { scoreRisk } from "../../src/core/risk/index.ts";
import { loadCatalogue } from "../../src/classifiers/declared/index.ts";
import { SCAFFOLD } from "../../src/cli/scaffold.ts";
import { activeMembers, loadDirectory } from "../../src/identity/directory/index.ts";
import { loadPolicies } from "../../src/policies/cedar/index.ts";
import { composedClassifier } from "../../src/server/classify/composed.ts";
import { openPool } from "../../src/server/classify/pool.ts";

const folder = mkdtempSync(join(tmpdir(), "keyturn-scaffold-policies-"));
for (const [path, text] of SCAFFOLD) {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}
const now = Date.UTC(2026, 10, 20, 12) as Instant;
const { directory } = loadDirectory(join(folder, "directory.yaml"), null, now);
const catalogue = loadCatalogue(join(folder, "catalogue.yaml"));
const texts = openPool(catalogue);
const classifier = composedClassifier(catalogue, texts);
const groups = activeMembers(directory);
const policies = loadPolicies({ dir: join(folder, "policies"), groups, factTypes: catalogue.factTypes });
after(() => rmSync(folder, { recursive: true }));

/** Without `session: pinned` no name of a statement is certain, so that it is opaque as well. */
const ALL = "security 1: hold-change hold-not-understood hold-other-read";

const sql = (text: string): [string, JsonObject] => ["sql.execute", { sql: text }];
const run = (...argv: string[]): [string, JsonObject] => ["process.exec", { argv }];

// What somebody does on the first day, and what comes of it: action, parameters → outcome, who is asked.
const firstDay: readonly (readonly [...asked: [string, JsonObject], expected: string])[] = [
  ["customers.read", { limit: 100 }, "allow"],
  ["customers.read", { limit: 101 }, "security 1: hold-other-read"],
  ["customers.read", {}, "security 1: hold-not-understood hold-other-read"],
  ["customers.export", { limit: 5 }, "data-owners 1: hold-export"],
  ["user.grant_role", { role: "admin" }, "security 2: hold-escalation"],
  [...run("ls"), "security 1: hold-change"],
  [...sql("select id from orders limit 10"), "security 1: hold-not-understood hold-other-read"],
  [...sql("delete from orders using customers c where c.id = customer and c.gone"), ALL],
  [...sql("update orders set open = false from customers c where c.id = customer"), ALL],
  [...sql("insert into archive select * from orders"), ALL],
  [
    ...sql("with gone as (delete from orders returning *) select * from gone"),
    "security 1: hold-change hold-other-read",
  ],
  [...sql("delete from orders where id = 7"), ALL],
  [...sql("delete from audit_log using orders where true"), "deny forbidden"],
  [...sql("selec nothing"), "security 1: hold-not-understood"],
  ["disk.format", {}, "security 1: hold-not-understood"],
];

for (const [name, properties, expected] of firstDay) {
  test(`what init writes: ${name} ${JSON.stringify(properties)} is ${expected}`, async () => {
    const question: Question = {
      subject: { type: "agent", id: "my-agent" },
      action: { name, properties },
      resource: { type: "table", id: "orders" },
      context: { environment: "production" },
    };
    const classification = await classifier.classify(question);
    const risk = scoreRisk(classification, "production");
    const decision = decideAction(classification, (effect) =>
      policies.verdict(effect, { question, classification, risk, now }),
    );
    let answer: string = decision.outcome;
    if (decision.outcome === "deny") answer = `deny ${decision.code}`;
    if (decision.outcome === "require_approval") {
      const terms = decision.terms.map(({ group, quorum }) => `${group} ${quorum}`).join(", ");
      answer = `${terms}: ${decision.holds.map(({ policy }) => policy).join(" ")}`;
    }
    assert.equal(answer, expected);
  });
}
