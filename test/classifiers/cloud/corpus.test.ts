import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { loadCloud } from "../../../src/classifiers/cloud/index.ts";
import { isJsonObject, jsonAt, jsonText, jsonTexts } from "../../../src/core/action/index.ts";
import type { Json } from "../../../src/core/action/index.ts";
import { passes } from "../passing.ts";

const CORPUS = new URL("../../../../shared/corpus/", import.meta.url);
const LEVELS = new URL("aws-access-levels.csv", CORPUS);
const PATHS = new URL("aws-escalation.jsonl", CORPUS);

const { classifyAws } = loadCloud();

/** `DescribeDBInstances` as the CLI writes it. */
function operation(action: string): string {
  return action
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1-$2")
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, "$1-$2")
    .toLowerCase();
}

test("corpus of access levels: no changing action passes, nine in ten reads that are no secret do", (context) => {
  if (!existsSync(LEVELS)) return context.skip("the corpus is not beside the repository");
  const counts = { changing: 0, changingPassed: 0, reads: 0, secrets: 0, readsPassed: 0 };
  for (const line of readFileSync(LEVELS, "utf8").trim().split("\n").slice(1)) {
    const [action = "", level = ""] = line.replaceAll('"', "").split(",", 2);
    const [service = "", name = ""] = action.split(":");
    const found = classifyAws([service, operation(name)]);
    if (level !== "Read" && level !== "List") {
      counts.changing += 1;
      counts.changingPassed += passes(found) ? 1 : 0;
    } else if (found.effects.some(({ effect }) => effect === "secret.read")) counts.secrets += 1;
    else {
      counts.reads += 1;
      counts.readsPassed += passes(found) ? 1 : 0;
    }
  }
  context.diagnostic(JSON.stringify(counts));
  assert.equal(counts.changingPassed, 0);
  assert.ok(counts.changing > 10_000);
  // A classifier that calls everything a secret would pass the next line.
  assert.ok(counts.secrets < counts.reads / 30);
  assert.ok(counts.readsPassed >= counts.reads * 0.9);
  return undefined;
});

test("corpus of escalation paths: every step that uses a needed permission is high by its floor", (context) => {
  if (!existsSync(PATHS)) return context.skip("the corpus is not beside the repository");
  const counts = { steps: 0, calls: 0, using: 0, high: 0, others: 0, othersPassed: 0 };
  for (const line of readFileSync(PATHS, "utf8").trim().split("\n")) {
    const row: unknown = JSON.parse(line);
    assert.ok(isStep(row));
    counts.steps += 1;
    for (const call of callsIn(jsonText(jsonAt(row, "command")))) {
      counts.calls += 1;
      const found = classifyAws(call);
      const actions = found.facts.find(({ name }) => name === "aws_actions")?.value;
      const used = jsonTexts(jsonAt(row, "required")).filter(
        (action) => typeof actions === "object" && actions.includes(action),
      );
      if (used.length === 0) {
        counts.others += 1;
        counts.othersPassed += passes(found) ? 1 : 0;
        continue;
      }
      counts.using += 1;
      const high = found.effects.some(({ effect }) => effect === "escalate" || effect === "secret.read");
      assert.ok(high, `${used.join(", ")}: ${call.join(" ").slice(0, 100)}`);
      counts.high += 1;
    }
  }
  context.diagnostic(JSON.stringify(counts));
  assert.ok(counts.using > 40);
  assert.ok(counts.othersPassed > counts.others / 2);
  return undefined;
});

function isStep(row: unknown): row is Json {
  return isJsonObject(row as Json) && typeof row === "object" && row !== null && "required" in row && "command" in row;
}

/** The calls of `aws` in a step, parted as far as this test needs: quotes hold words together, a `$` makes one unknown. */
function callsIn(command: string): (string | null)[][] {
  return [...command.replaceAll("\\\n", " ").matchAll(/(?:^|\n|\$\()aws ([^\n]*)/g)].map((match) =>
    [...(match[1] ?? "").matchAll(/'[^']*'|"[^"]*"|\S+/g)].map(([word]) =>
      word.includes("$") ? null : word.replaceAll(/^['"]|['"]$/g, ""),
    ),
  );
}

test("a call is classified in microseconds", (context) => {
  const calls = ["ec2 describe-instances --instance-ids i-1", "iam create-access-key", "s3 cp s3://a/b -"].map((line) =>
    line.split(" "),
  );
  const times: number[] = [];
  for (let round = 0; round < 2_000; round += 1) {
    const start = performance.now();
    for (const call of calls) classifyAws(call);
    times.push(((performance.now() - start) * 1_000) / calls.length);
  }
  const sorted = times.toSorted((a, b) => a - b);
  context.diagnostic(`p50 ${sorted[1_000]?.toFixed(1)} µs, p99 ${sorted[1_980]?.toFixed(1)} µs`);
  assert.ok((sorted[1_000] ?? Infinity) < 200);
});
