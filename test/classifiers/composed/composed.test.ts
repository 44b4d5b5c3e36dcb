import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { loadCatalogue } from "../../../src/classifiers/declared/index.ts";
import type { Catalogue } from "../../../src/classifiers/declared/index.ts";
import type { JsonObject, Question } from "../../../src/core/action/index.ts";
import type { Classification } from "../../../src/core/risk/index.ts";
import { ConfigError } from "../../../src/ports/config.ts";
import { composedClassifier } from "../../../src/server/classify/composed.ts";
import { openPool, POOL_LIMITS } from "../../../src/server/classify/pool.ts";
import { openReader } from "../../../src/server/classify/read.ts";
import { passes, summary } from "../passing.ts";

const CATALOGUE = `actions:
  sql.run:
    texts: [{ from: action.properties.sql, as: sql, session: pinned }]
  sql.loose:
    texts: [{ from: action.properties.sql, as: sql }]
  shell.run:
    texts: [{ from: action.properties.command, as: shell }]
  process.exec:
    texts: [{ from: action.properties.argv, as: argv }]
  report.make:
    effects: [write]
    facts:
      rows: { from: action.properties.limit, type: integer, optional: true }
    texts: [{ from: action.properties.sql, as: sql, session: pinned }]
  two:
    texts:
      - { from: action.properties.sql, as: sql, session: pinned }
      - { from: action.properties.argv, as: argv }
  plan.apply:
    texts: [{ from: action.properties.plan, as: terraform-plan }]
  kube:
    texts: [{ from: action.properties.request, as: kubernetes }]
  kubectl:
    texts: [{ from: action.properties.words, as: kubectl }]
  fetch:
    texts: [{ from: action.properties.request, as: http }]
  tool.read_rows:
    effects: [read]
    texts: [{ from: action.properties.arguments, as: mcp }]
  plain:
    effects: [read]
resources:
  - { type: table, id: customers, sensitivity: [personal] }
requests:
  - { host: api.example.com, methods: [GET], path: "/v1/users/{id}", effects: [read] }
environments: [production]
`;

function load(text: string): Catalogue {
  const dir = mkdtempSync(join(tmpdir(), "keyturn-composed-"));
  try {
    writeFileSync(join(dir, "catalogue.yaml"), text);
    return loadCatalogue(join(dir, "catalogue.yaml"));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const catalogue = load(CATALOGUE);
const reader = await openReader(catalogue);
const here = composedClassifier(catalogue, reader);

function ask(name: string, properties: JsonObject): Question {
  return {
    subject: { type: "agent", id: "bot" },
    action: { name, properties },
    resource: { type: "table", id: "t" },
    context: { environment: "production" },
  };
}

function classify(name: string, properties: JsonObject): Classification {
  const found = here.classify(ask(name, properties));
  assert.ok(!(found instanceof Promise), "a reader in this thread answers at once");
  return found;
}

const cases: readonly [string, JsonObject, string][] = [
  ["sql.run", { sql: "select id from orders limit 5" }, "read"],
  ["sql.run", { sql: "delete from orders" }, "delete | irreversible unbounded"],
  ["sql.run", { sql: "select * from customers" }, "read export | unbounded"],
  ["sql.run", {}, "opaque"],
  ["sql.run", { sql: 5 }, "opaque"],
  ["sql.run", { sql: ["select 1"] }, "opaque"],
  ["sql.loose", { sql: "select id from orders" }, "read opaque"],
  ["shell.run", { command: "ls -l" }, "read"],
  ["process.exec", { argv: ["ls", "-l"] }, "read"],
  ["process.exec", { argv: ["ls", 5] }, "opaque"],
  ["process.exec", { argv: "ls" }, "opaque"],
  ["process.exec", { argv: ["kubectl", "get", "pods"] }, "read"],
  [
    "process.exec",
    { argv: ["bash", "-c", "kubectl get secrets -o yaml"] },
    "secret.read | multiple secret_access unbounded",
  ],
  ["report.make", { sql: "select id from orders limit 5", limit: 5 }, "read write"],
  ["plain", {}, "read"],
  ["kubectl", { words: ["get", "pods"] }, "read"],
  ["kube", { request: { verb: "list", resource: "pods", namespace: "a" } }, "read"],
  ["kube", { request: { verb: "list", resource: "pods", extra: "x" } }, "opaque"],
  ["kube", { request: "get pods" }, "opaque"],
  ["plan.apply", { plan: "{" }, "opaque"],
  ["plan.apply", { plan: [] }, "opaque"],
  ["fetch", { request: "https://api.example.com/v1/users/7" }, "read"],
  ["fetch", { request: { method: "GET", url: "https://api.example.com/v1/users/7" } }, "read"],
  ["fetch", { request: { method: "GET", url: "https://api.example.com/v1/users/7", proxy: "x" } }, "opaque"],
  ["fetch", { request: "https://other.example.com/" }, "network opaque"],
  ["tool.read_rows", { arguments: { sql: "select public.orders.id from public.orders" } }, "read"],
  ["tool.read_rows", { arguments: { sql: "drop table public.orders" } }, "read delete ddl | irreversible"],
  ["tool.read_rows", { arguments: { path: "/etc/shadow" } }, "read secret.read | secret_access"],
];

for (const [name, properties, expected] of cases) {
  test(`composed: ${name} ${JSON.stringify(properties)} is ${expected}`, () => {
    const found = classify(name, properties);
    assert.equal(summary(found), expected, JSON.stringify(found, null, 1));
    assert.equal(found.opaque.length > 0, expected.includes("opaque"));
  });
}

test("composed: two texts add up, and a fact that both know is one fact", () => {
  const found = classify("two", { sql: "select id from orders limit 5", argv: ["rm", "-rf", "/srv/x"] });
  assert.ok(found.effects.some(({ effect }) => effect === "read"));
  assert.ok(found.effects.some(({ effect }) => effect === "delete"));
  assert.equal(new Set(found.facts.map(({ name }) => name)).size, found.facts.length);
  const spans = (found.traits ?? []).map(({ span }) => span?.pointer);
  assert.ok(spans.includes("/action/properties/argv"));
});

test("composed: what the gate declares adds to a text, and takes nothing from it", () => {
  const question = ask("sql.run", { sql: "select id from orders limit 5" });
  const found = here.classify({ ...question, context: { ...question.context, declared: { effects: ["network"] } } });
  assert.ok(!(found instanceof Promise));
  assert.equal(summary(found), "read network");
  const contradicted = here.classify({
    ...question,
    context: { ...question.context, declared: { facts: { has_where: "no" } } },
  });
  assert.ok(!(contradicted instanceof Promise) && !passes(contradicted));
});

test("composed: an answer from the worker is that of this thread; nothing is started without a text", async () => {
  const classifier = composedClassifier(catalogue);
  assert.ok(!(classifier.classify(ask("plain", {})) instanceof Promise));
  for (const [name, properties] of cases) {
    const found = await classifier.classify(ask(name, properties));
    // Timing is the machine's: only an answer in time has to be the same.
    if (found.opaque.some((reason) => reason.includes("longer than 50 ms"))) continue;
    assert.deepEqual(found, classify(name, properties));
  }
  const again = classifier.classify(ask("plain", {}));
  assert.ok(!(again instanceof Promise));
});

test("pool: a text that was read lately is answered at once; one beyond the limits is opaque unread", async () => {
  const pool = openPool(catalogue, { ...POOL_LIMITS, textMs: 5_000 });
  const text = { kind: "shell", value: "ls", pointer: "", pinned: false, tool: null } as const;
  const first = await pool.read(text);
  assert.ok(passes(first));
  assert.deepEqual(pool.read(text), first);
  const long = pool.read({ ...text, value: "x".repeat(65_537) });
  assert.ok(!(long instanceof Promise) && long.opaque.length === 1);
});

test("pool: a text that takes too long is opaque, and the next one is read by another worker", async () => {
  const pool = openPool(catalogue, { ...POOL_LIMITS, textMs: 0 });
  const text = {
    kind: "sql",
    value: `select ${"1 + ".repeat(50_000)} 1`,
    pointer: "",
    pinned: true,
    tool: null,
  } as const;
  const found = await pool.read(text);
  assert.ok(!passes(found));
  assert.match(found.opaque[0] ?? "", /longer than 0 ms/);
  const next = await pool.read({ ...text, value: `select ${"2 + ".repeat(50_000)} 1` });
  assert.match(next.opaque[0] ?? "", /longer than 0 ms/);
});

test("pool: too many that wait are opaque at once", async () => {
  const pool = openPool(catalogue, { ...POOL_LIMITS, textMs: 5_000, waitingMax: 2 });
  const asked = [1, 2, 3, 4, 5].map((n) =>
    pool.read({ kind: "argv", value: ["ls", String(n)], pointer: "", pinned: false, tool: null }),
  );
  const now = asked.filter((one) => !(one instanceof Promise));
  assert.equal(now.length, 2);
  const answers = await Promise.all(asked.map(async (one) => one));
  assert.equal(answers.filter(passes).length, 3);
});

const refused: readonly [string, string, RegExp][] = [
  [
    "neither effects nor texts",
    CATALOGUE.replace("    effects: [read]\nresources", "    title: x\nresources"),
    /neither `effects` nor `texts`/,
  ],
  ["an unknown kind", CATALOGUE.replace("as: shell", "as: zsh"), /write one of sql, shell/],
  [
    "a text from the reason",
    CATALOGUE.replace("action.properties.command", "context.reason"),
    /write where to read it/,
  ],
  ["a pinned shell", CATALOGUE.replace("as: shell", "as: shell, session: pinned"), /for `as: sql` alone/],
  [
    "arguments without effects",
    CATALOGUE.replace(
      "    effects: [read]\n    texts: [{ from: action.properties.arguments",
      "    texts: [{ from: action.properties.arguments",
    ),
    /arguments alone/,
  ],
  [
    "a fact of another type",
    CATALOGUE.replace("rows: { from: action.properties.limit", "has_where: { from: action.properties.limit"),
    /`has_where`, which is boolean and not integer/,
  ],
  [
    "no texts in the list",
    CATALOGUE.replace("[{ from: action.properties.command, as: shell }]", "[]"),
    /at least one text/,
  ],
];
for (const [name, text, expected] of refused) {
  test(`catalogue refuses: ${name}`, () => {
    assert.throws(
      () => load(text),
      (error) => error instanceof ConfigError && expected.test(error.message),
    );
  });
}

test("pool: a text that never ends is stopped, and those behind it are read", async () => {
  const pool = openPool(catalogue, { ...POOL_LIMITS, textMs: 20 });
  const slow = `select ${"(".repeat(900)}1${")".repeat(900)};`.repeat(400);
  const text = { kind: "sql", value: slow, pointer: "", pinned: true, tool: null } as const;
  const start = performance.now();
  const [first, second] = await Promise.all([
    Promise.resolve(pool.read(text)),
    Promise.resolve(pool.read({ ...text, kind: "argv", value: ["ls", "behind"] })),
  ]);
  assert.ok(!passes(first));
  assert.ok(passes(second) || second.opaque.some((reason) => reason.includes("longer than 20 ms")));
  assert.ok(performance.now() - start < 30_000);
});

test("composed: a function that the catalogue calls a reader passes, and no other", async () => {
  const folder = mkdtempSync(join(tmpdir(), "keyturn-functions-"));
  try {
    const path = join(folder, "catalogue.yaml");
    const written = "actions: {}\nfunctions: [app.price]\nenvironments: [production]\n";
    writeFileSync(path, written);
    const texts = openPool(loadCatalogue(path), POOL_LIMITS);
    const read = async (value: string): Promise<boolean> =>
      passes(await texts.read({ kind: "sql", value, pointer: "", pinned: true, tool: null }));
    assert.equal(await read("select app.price(id) from items"), true);
    assert.equal(await read("select price(id) from items"), false);
    assert.equal(await read("select app.price(nextval('s'))"), false);
    writeFileSync(path, written.replace("app.price", "drop table x"));
    assert.throws(() => loadCatalogue(path), ConfigError);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
