import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import { decideAction } from "../../src/core/policy/index.ts";
import type { Decision } from "../../src/core/policy/index.ts";
import { EFFECTS } from "../../src/core/risk/index.ts";
import type { FactValue } from "../../src/core/risk/index.ts";
import { loadCatalogue } from "../../src/classifiers/declared/index.ts";
import { generateSchema } from "../../src/policies/cedar/index.ts";
import { ConfigError } from "../../src/ports/config.ts";
import { ask, load } from "./fixture.ts";

const page = readFileSync(new URL("../../docs/policies.md", import.meta.url), "utf8");
const blocks = [...page.matchAll(/^```(\w+)( refused)?\n([^]*?)^```\n/gm)].map(([, language, refused, text = ""]) => ({
  language: `${language}${refused ?? ""}`,
  text,
}));
const ofLanguage = (language: string): readonly string[] =>
  blocks.filter((block) => block.language === language).map(({ text }) => text);

test("docs/policies.md: every example loads", () => {
  const examples = ofLanguage("cedar");
  assert.equal(examples.length, 5);
  for (const example of examples) assert.ok(load(example).policies.length > 0);
});

test("docs/sessions.md: every example loads", () => {
  const sessions = readFileSync(new URL("../../docs/sessions.md", import.meta.url), "utf8");
  const examples = [...sessions.matchAll(/^```cedar\n([^]*?)^```\n/gm)];
  assert.equal(examples.length, 1);
  for (const [, example = ""] of examples) assert.equal(load(example).policies.length, 2);
});

test("docs/policies.md: the table is what the first example answers", () => {
  const [first = ""] = ofLanguage("cedar");
  const set = load(first);
  const rows = [...page.matchAll(/^\| (.*?) ?\| (.*?) ?\| ((?:allow|deny|require_approval).*) \|$/gm)];
  assert.equal(rows.length, 13);
  for (const [line, named = "", facts = "", expected] of rows) {
    const effects = EFFECTS.filter((effect) => named.split(", ").includes(effect));
    assert.equal(effects.length, named === "" ? 0 : named.split(", ").length, line);
    const input = ask({ effects, facts: parse(`{${facts}}`) as Record<string, FactValue> });
    assert.equal(say(decideAction(input.classification, (effect) => set.verdict(effect, input))), expected, line);
  }
});

test("docs/policies.md: the schema is the generated one", () => {
  const { factTypes } = loadCatalogue(new URL("../../src/cli/demo/house/catalogue.yaml", import.meta.url).pathname);
  assert.deepEqual(ofLanguage("cedarschema"), [generateSchema(factTypes)]);
});

test("docs/policies.md: what is refused is refused with those words", () => {
  const examples = ofLanguage("cedar refused");
  const told = ofLanguage("text");
  assert.equal(examples.length, 5);
  assert.equal(told.length, examples.length);
  for (const [index, example] of examples.entries()) {
    assert.throws(
      () => load(example),
      (error) =>
        error instanceof ConfigError &&
        assert.equal(`${error.message.replaceAll(/^\/.*\//gm, "")}\n`, told[index]) === undefined,
    );
  }
});

function say(decision: Decision): string {
  if (decision.outcome === "allow") return "allow";
  if (decision.outcome === "deny") return `deny ${decision.code}`;
  if (decision.outcome !== "require_approval") return decision.outcome;
  return `require_approval ${decision.terms.map(({ group, quorum }) => `${group} ${quorum}`).join(", ")}`;
}
