import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instant } from "../../src/core/brand.ts";
import { decideAction } from "../../src/core/policy/index.ts";
import { scoreRisk } from "../../src/core/risk/index.ts";
import type { JsonObject, Question } from "../../src/core/action/index.ts";
import { declaredClassifier, loadCatalogue } from "../../src/classifiers/declared/index.ts";
import { activeMembers, loadDirectory } from "../../src/identity/directory/index.ts";
import { loadPolicies } from "../../src/policies/cedar/index.ts";

const house = (name: string): string => new URL(`../../src/cli/demo/house/${name}`, import.meta.url).pathname;
const now = Date.UTC(2026, 10, 21, 12) as Instant;
const { directory, warnings } = loadDirectory(house("directory.yaml"), null, now);
const catalogue = loadCatalogue(house("catalogue.yaml"));
const classifier = declaredClassifier(catalogue);
const policies = loadPolicies({
  dir: house("policies"),
  groups: activeMembers(directory),
  factTypes: catalogue.factTypes,
});

// What the demo shows: action, parameters, resource → outcome, terms or code, level, score.
const demo: readonly [string, JsonObject, readonly [string, string], string][] = [
  ["customers.read", { limit: 100 }, ["table", "customers"], "allow low 24"],
  ["customers.read", { limit: 101 }, ["table", "customers"], "deny no_policy low 24"],
  ["customers.read", {}, ["table", "customers"], "deny no_policy medium 46"],
  ["customers.export", { limit: 1_000 }, ["table", "customers"], "allow high 60"],
  ["customers.export", { limit: 12_000 }, ["table", "customers"], "require_approval data-owners 1 high 60"],
  ["user.grant_role", { role: "admin" }, ["user", "report-bot"], "require_approval security 2 high 60"],
  ["table.drop", {}, ["table", "customers_2019"], "require_approval security 1 high 61"],
  ["audit.delete", {}, ["table", "audit_log"], "deny forbidden critical 85"],
  ["disk.format", {}, ["disk", "sda"], "require_approval security 1 medium 38"],
];

for (const [name, properties, [type, id], expected] of demo) {
  test(`the demo house: ${name} ${JSON.stringify(properties)} is ${expected}`, () => {
    const question: Question = {
      subject: { type: "agent", id: "report-bot" },
      action: { name, properties },
      resource: { type, id },
      context: { environment: "production" },
    };
    const classification = classifier.classify(question);
    const risk = scoreRisk(classification, "production");
    const decision = decideAction(classification, (effect) =>
      policies.verdict(effect, { question, classification, risk, now }),
    );
    const detail =
      decision.outcome === "deny"
        ? ` ${decision.code}`
        : decision.outcome !== "require_approval"
          ? ""
          : decision.terms.map(({ group, quorum }) => ` ${group} ${quorum}`).join(",");
    assert.equal(`${decision.outcome}${detail} ${risk.level} ${risk.score}`, expected);
  });
}

test("the demo house: nothing to warn of, and the agent's owner is in both groups", () => {
  assert.deepEqual(warnings, []);
  const groups = [...directory.groups].map(([group, members]) => [
    group,
    members.map(({ person }) => person).join(" "),
  ]);
  assert.deepEqual(groups, [
    ["data-owners", "ann dan eve"],
    ["security", "bob cy eve"],
  ]);
  assert.deepEqual(
    [...directory.agents.values()].map(({ id, owners }) => [id, owners.join(" ")]),
    [["report-bot", "eve"]],
  );
});
