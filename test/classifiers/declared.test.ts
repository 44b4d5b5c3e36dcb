import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalBytes } from "../../src/core/action/index.ts";
import type { Json, JsonObject, Question } from "../../src/core/action/index.ts";
import type { Classification } from "../../src/core/risk/index.ts";
import { declaredClassifier, loadCatalogue } from "../../src/classifiers/declared/index.ts";
import type { Catalogue } from "../../src/classifiers/declared/index.ts";
import { ConfigError } from "../../src/ports/config.ts";

const CATALOGUE = `
actions:
  customers.export:
    effects: [export]
    title: Export customers
    facts:
      rows: { from: action.properties.limit, type: integer }
      table: { from: resource.id, type: string }
      filter: { from: action.properties.query.filter, type: string, optional: true }
      columns: { from: action.properties.columns, type: strings, optional: true }
    constants: { irreversible: true, reviewers: [b, a] }
  old.thing:
    effects: [opaque]
resources:
  - { type: table, id: customers, sensitivity: [personal] }
  - { type: table, id: "cust*", sensitivity: [financial] }
  - { type: table, id: plain, sensitivity: [] }
environments: [production, staging]
`;
const classifier = declaredClassifier(load(CATALOGUE));

function load(text: string): Catalogue {
  const dir = mkdtempSync(join(tmpdir(), "keyturn-"));
  try {
    writeFileSync(join(dir, "catalogue.yaml"), text);
    return loadCatalogue(join(dir, "catalogue.yaml"));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

type Asked = {
  name?: string;
  properties?: JsonObject;
  table?: string;
  effects?: readonly string[];
  facts?: { readonly [name: string]: Json };
  environment?: string;
};
function classify({
  name = "customers.export",
  properties = { limit: 10 },
  table = "plain",
  effects,
  facts,
  environment,
}: Asked): Classification {
  const question: Question = {
    subject: { type: "agent", id: "bot" },
    action: { name, properties },
    resource: { type: "table", id: table },
    context: {
      ...(environment === undefined ? {} : { environment }),
      ...(effects === undefined && facts === undefined
        ? {}
        : { declared: { ...(effects === undefined ? {} : { effects }), ...(facts === undefined ? {} : { facts }) } }),
    },
  };
  return classifier.classify(question);
}
const effectsOf = ({ effects }: Classification): readonly string[] =>
  effects.map(({ effect, provenance }) => `${effect} ${provenance}`);
const factsOf = ({ facts }: Classification): Record<string, unknown> =>
  Object.fromEntries(facts.map(({ name, value, provenance }) => [name, [value, provenance]]));

test("a known action has the operator's effects, facts and constants", () => {
  const found = classify({ table: "customers", properties: { limit: 12_000, columns: ["name", "mail", "name"] } });
  assert.deepEqual(effectsOf(found), ["export operator"]);
  assert.deepEqual(factsOf(found), {
    columns: [["mail", "name"], "operator"],
    irreversible: [true, "operator"],
    reviewers: [["a", "b"], "operator"],
    rows: [12_000, "operator"],
    sensitivity: [["financial", "personal"], "operator"],
    table: ["customers", "operator"],
  });
  assert.deepEqual(found.opaque, []);
});

test("an unlisted resource has no sensitivity, a listed one without tags has an empty one", () => {
  assert.equal(factsOf(classify({ table: "orders" }))["sensitivity"], undefined);
  assert.deepEqual(factsOf(classify({ table: "plain" }))["sensitivity"], [[], "operator"]);
});

const understood: readonly [string, Asked, readonly string[]][] = [
  ["the gate adds an effect", { effects: ["network"] }, ["network gate", "export operator"]],
  ["the gate repeats an effect", { effects: ["export"] }, ["export operator"]],
  ["an unknown action as the gate declares it", { name: "x.y", effects: ["read"] }, ["read gate"]],
  ["an environment of the catalogue", { environment: "staging" }, ["export operator"]],
  [
    "the gate repeats the operator's facts",
    { facts: { rows: 10, reviewers: ["b", "a"], irreversible: true } },
    ["export operator"],
  ],
  ["the gate adds a fact", { facts: { ticket: "T-1" } }, ["export operator"]],
];
for (const [name, asked, expected] of understood) {
  test(`understood: ${name}`, () => {
    const found = classify(asked);
    assert.deepEqual(effectsOf(found), expected);
    assert.deepEqual(found.opaque, []);
  });
}

test("what the gate adds is marked as the gate's", () => {
  assert.deepEqual(factsOf(classify({ facts: { ticket: "T-1" } }))["ticket"], ["T-1", "gate"]);
  assert.deepEqual(factsOf(classify({ facts: { sensitivity: ["secret"] }, table: "customers" }))["sensitivity"], [
    ["financial", "personal", "secret"],
    "gate",
  ]);
  assert.deepEqual(factsOf(classify({ facts: { sensitivity: [] }, table: "customers" }))["sensitivity"], [
    ["financial", "personal"],
    "operator",
  ]);
});

const opaque: readonly [string, Asked, RegExp][] = [
  ["an action that nobody knows", { name: "x.y" }, /`x\.y` is not in the catalogue; held as opaque\. Add it/],
  ["an empty list of effects", { name: "x.y", effects: [] }, /not in the catalogue/],
  ["facts alone do not say what an action does", { name: "x.y", facts: { rows: 1 } }, /not in the catalogue/],
  ["a name from the prototype", { name: "constructor" }, /`constructor` is not in the catalogue/],
  ["an action that the catalogue calls opaque", { name: "old.thing" }, /names `opaque` as an effect/],
  ["an effect that does not exist", { effects: ["raed"] }, /the effect `raed`, which does not exist/],
  ["a gate that does not know", { effects: ["opaque"] }, /gate does not know/],
  ["no row count", { properties: {} }, /without `action\.properties\.limit`, so that `rows` is not known/],
  ["a row count from the prototype chain", { properties: { toString: 1 } }, /without `action\.properties\.limit`/],
  ["a row count as text", { properties: { limit: "10" } }, /is not a whole number/],
  ["a row count of null", { properties: { limit: null } }, /is not a whole number/],
  ["half a row", { properties: { limit: 0.5 } }, /is not a whole number/],
  ["minus one, many a tool's word for no limit", { properties: { limit: -1 } }, /is not a whole number from 0 on/],
  ["a row count beyond 2^53", { properties: { limit: 2 ** 53 } }, /is not a whole number/],
  [
    "an optional parameter of the wrong type",
    { properties: { limit: 1, query: { filter: 1 } } },
    /`filter` is not known/,
  ],
  [
    "a text that is too long",
    { properties: { limit: 1, query: { filter: "x".repeat(1_025) } } },
    /`filter` is not known/,
  ],
  ["a list with a number", { properties: { limit: 1, columns: ["a", 1] } }, /`columns` is not known/],
  ["the gate contradicts a row count", { facts: { rows: 9 } }, /another `rows` than the catalogue finds/],
  ["the gate contradicts a constant", { facts: { irreversible: false } }, /another `irreversible`/],
  [
    "the gate's fact has another type than the catalogue's",
    { facts: { rows: "9" } },
    /`rows`, which is not a whole number/,
  ],
  ["the gate's fact is no fact", { facts: { other: { a: 1 } } }, /`other`, which is not a fact/],
  ["an environment that nobody listed", { environment: "prod" }, /environment `prod` is not in the catalogue/],
  ["too many effects", { effects: Array.from({ length: 33 }, () => "read") }, /more than 32 effects/],
  [
    "too many facts",
    { facts: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`f${n}`, n])) },
    /more than 64 facts/,
  ],
];
for (const [name, asked, reason] of opaque) {
  test(`opaque: ${name}`, () => {
    const found = classify(asked);
    assert.match(found.opaque.join("\n"), reason);
    assert.ok(found.effects.some(({ effect }) => effect === "opaque"));
  });
}

test("what an agent wrote is escaped and cut in our sentences", () => {
  const [reason] = classify({ name: `a\u202eb\u200b\`${"x".repeat(200)}` }).opaque;
  assert.match(reason ?? "", /^`a\\u\{202e\}b\\u\{200b\}\\u\{60\}x+…` is not in the catalogue/);
  assert.ok((reason ?? "").length < 220);
  assert.doesNotThrow(() => canonicalBytes(classify({ name: "😀".repeat(100).slice(1) }).opaque[0] ?? ""));
});

test("law: never throws, and what the gate declares only adds effects", () => {
  const value: fc.Arbitrary<Json> = fc.letrec<{ json: Json }>((tie) => ({
    json: fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.double(),
      fc.integer(),
      fc.string({ unit: "binary" }),
      fc.array(tie("json"), { maxLength: 3 }),
      fc.dictionary(fc.string(), tie("json"), { maxKeys: 3 }),
    ),
  })).json;
  const facts = fc.dictionary(
    fc.constantFrom("rows", "table", "irreversible", "sensitivity", "other", "toString"),
    value,
  );
  const effects = fc.array(fc.oneof(fc.constantFrom("read", "escalate", "opaque"), fc.string()), { maxLength: 4 });
  const names = fc.constantFrom("customers.export", "old.thing", "x.y", "__proto__", "toString");
  const properties = fc.dictionary(fc.constantFrom("limit", "columns", "query"), value);
  fc.assert(
    fc.property(names, properties, effects, facts, (name, given, declaredEffects, declaredFacts) => {
      const alone = classify({ name, properties: given });
      const more = classify({ name, properties: given, effects: declaredEffects, facts: declaredFacts });
      const found = new Set(more.effects.map(({ effect }) => effect));
      const taken = alone.effects.filter(({ effect }) => !found.has(effect)).map(({ effect }) => effect);
      // Only one thing may go: "nobody knows this action", once the gate says what it does.
      assert.ok(
        taken.every((effect) => effect === "opaque" && (name === "x.y" || name === "__proto__" || name === "toString")),
      );
      assert.equal(more.opaque.length > 0, found.has("opaque"));
      assert.ok(more.effects.length > 0);
    }),
    { numRuns: 500 },
  );
});

const refused: readonly [string, string, string][] = [
  [
    "an effect misspelled",
    CATALOGUE.replace("[export]", "[exprot]"),
    "4:15: `actions.customers.export.effects.0`: write one of read, write",
  ],
  [
    "no effects",
    CATALOGUE.replace("[export]", "[]"),
    "4:14: `actions.customers.export.effects`: name at least one effect",
  ],
  ["an unknown member", CATALOGUE.replace("title:", "titel:"), "5:5: `actions.customers.export` has no member `titel`"],
  [
    "a fact from the reason",
    CATALOGUE.replace("resource.id", "context.reason"),
    "8:22: `actions.customers.export.facts.table.from`: write where to read it",
  ],
  [
    "a fact without type",
    CATALOGUE.replace("resource.id, type: string", "resource.id"),
    "write integer, string, boolean or strings",
  ],
  ["a fact of two types", CATALOGUE.replace("reviewers: [b, a]", "filter: 1"), "11:"],
  [
    "rows that are text",
    CATALOGUE.replace("limit, type: integer", "limit, type: string"),
    "the fact `rows` is string here and integer elsewhere",
  ],
  [
    "sensitivity as a constant",
    CATALOGUE.replace("irreversible: true", "sensitivity: [personal]"),
    "`sensitivity` comes from `resources`",
  ],
  ["a fact read and fixed", CATALOGUE.replace("irreversible: true", "table: x"), "`table` is both read and fixed"],
  [
    "a negative constant",
    CATALOGUE.replace("irreversible: true", "cost: -1"),
    "write true, false, a whole number from 0 on",
  ],
  ["a resource twice", CATALOGUE.replace("id: plain", "id: customers"), "17:5: `table` `customers` is listed twice"],
  ["a star in the middle", CATALOGUE.replace("cust*", "c*t"), "`*` may only stand at the end"],
  [
    "no environments",
    CATALOGUE.replace("[production, staging]", "[]"),
    "18:15: `environments`: list at least one environment",
  ],
  ["environments left out", CATALOGUE.replace(/environments.*/, ""), "`environments`: list the environments"],
  ["an action twice", CATALOGUE.replace("old.thing", "customers.export"), "12:3: Map keys must be unique"],
  ["an alias", CATALOGUE.replace("[production, staging]", "&a [production]"), "anchors and aliases are not read here"],
  ["no YAML", "actions: [", "1:11:"],
  ["nothing", "", "the file: "],
];
for (const [name, text, expected] of refused) {
  test(`loadCatalogue refuses: ${name}`, () => {
    assert.throws(
      () => load(text),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.equal(error.code, "catalogue_invalid");
        assert.ok(error.message.includes("catalogue.yaml:") && error.message.includes(expected), error.message);
        return true;
      },
    );
  });
}

test("loadCatalogue names all problems at once, and a file that is not there", () => {
  const text = CATALOGUE.replace("[export]", "[exprot]").replace("title:", "titel:");
  assert.throws(
    () => load(text),
    (error) => error instanceof ConfigError && error.problems.length === 2,
  );
  assert.throws(
    () => loadCatalogue("/nowhere/catalogue.yaml"),
    /^ConfigError: \/nowhere\/catalogue\.yaml: cannot be read: ENOENT/,
  );
});

test("loadCatalogue: the types of facts are those that policies may read", () => {
  const { factTypes, actions, digest } = load(CATALOGUE);
  assert.deepEqual(Object.fromEntries(factTypes), {
    rows: "integer",
    irreversible: "boolean",
    sensitivity: "strings",
    table: "string",
    filter: "string",
    columns: "strings",
    reviewers: "strings",
  });
  assert.equal(actions.get("customers.export")?.title, "Export customers");
  assert.equal(load(`# a comment\n${CATALOGUE}`).digest, digest);
  assert.notEqual(load(CATALOGUE.replace("personal", "private")).digest, digest);
});
