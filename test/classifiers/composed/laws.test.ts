// What is laid around a text, or beside it, never lowers its score. fast-check prints the seed of whatever it finds.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { scoreRisk } from "../../../src/core/risk/index.ts";
import type { Classification } from "../../../src/core/risk/index.ts";
import type { Json } from "../../../src/core/action/index.ts";
import { openReader } from "../../../src/server/classify/read.ts";
import type { Text } from "../../../src/server/classify/text.ts";
import { HELD } from "../shell/held.ts";
import { PASSING } from "../shell/passing.ts";

const reader = await openReader({
  resources: [],
  requests: [
    { host: "api.example.com", methods: ["GET"], path: "/v1/users/{id}", query: ["page"], effects: ["read"] },
    { host: "api.example.com", methods: ["DELETE"], path: "/v1/users/{id}", effects: ["delete"] },
  ],
});

function rowsOf(name: string): readonly string[] {
  const text = readFileSync(new URL(`../unseen/${name}.txt`, import.meta.url), "utf8");
  return text.split("\n").filter((row) => row !== "");
}

const SCRIPTS = [...PASSING, ...Object.values(HELD).flat(), ...rowsOf("shell-harmless"), ...rowsOf("shell-hostile")];
const STATEMENTS = [...rowsOf("sql-harmless"), ...rowsOf("sql-hostile")];
const whole = SCRIPTS.filter((text) => /^[\x20-\x7e]+$/.test(text) && !/<<|#|\\$|^[a-z]+\(\)|\{\}/.test(text));

function read(kind: Text["kind"], value: Json, pinned = false): Classification {
  const tool = kind === "mcp" ? { name: "tool", effects: ["read" as const] } : null;
  return reader.read({ kind, value, pointer: "", pinned, tool });
}

function score(found: Classification, environment = "production"): number {
  return scoreRisk(found, environment).score;
}

/** One word for a shell. */
function one(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

type Dress = (text: string) => readonly [Text["kind"], Json];

const AROUND_SCRIPTS: readonly Dress[] = [
  (text) => ["shell", `sh -c ${one(text)}`],
  (text) => ["shell", `env A=b timeout 9 bash -c ${one(text)} | cat`],
  (text) => ["shell", `sh -c ${one(`sh -c ${one(text)}`)}`],
  (text) => ["shell", `ls; { sh -c ${one(text)}; } && date`],
  (text) => ["shell", `for i in 1 2; do sh -c ${one(text)}; done`],
  (text) => ["argv", ["sh", "-c", text]],
  (text) => ["argv", ["sudo", "-u", "x", "sh", "-c", text]],
  (text) => ["argv", ["kubectl", "exec", "web", "--", "sh", "-c", text]],
  (text) => ["mcp", { command: text }],
  (text) => ["mcp", { a: [{ command: text }], b: "plain" }],
];

test("a script around a script, or a tool's argument, never lowers the score", () => {
  fc.assert(
    fc.property(fc.constantFrom(...whole), fc.constantFrom(...AROUND_SCRIPTS), (text, dress) => {
      const [kind, value] = dress(text);
      const [inner, outer] = [score(read("shell", text)), score(read(kind, value))];
      assert.ok(outer >= inner, `${JSON.stringify(value)}: ${outer} < ${inner}`);
    }),
    { numRuns: 2_000 },
  );
});

const AROUND_STATEMENTS: readonly Dress[] = [
  (sql) => ["sql", `${sql}; select 1`],
  (sql) => ["sql", `select 1; ${sql}`],
  (sql) => ["sql", `/* a */ ${sql} -- b`],
  (sql) => ["sql", `${sql};;${sql}`],
  (sql) => ["shell", `psql -c ${one(sql)}`],
  (sql) => ["argv", ["psql", "-At", "-c", "select 1", "-c", sql]],
  (sql) => ["shell", `sh -c ${one(`psql -c ${one(sql)} | wc -l`)}`],
];

test("a statement beside a statement, or a command around it, never lowers the score", () => {
  fc.assert(
    fc.property(fc.constantFrom(...STATEMENTS), fc.constantFrom(...AROUND_STATEMENTS), (sql, dress) => {
      const [kind, value] = dress(sql);
      const [inner, outer] = [score(read("sql", sql)), score(read(kind, value))];
      assert.ok(outer >= inner, `${JSON.stringify(value)}: ${outer} < ${inner}`);
    }),
    { numRuns: 2_000 },
  );
});

test("an argument, a query, a header or a body more never lowers the score", () => {
  const text = fc.constantFrom(...whole, ...STATEMENTS, "https://api.example.com/v1/users/7", "../x", "plain");
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom("sql", "command", "a"), text), text, (some, more) => {
      assert.ok(score(read("mcp", { ...some, last: more })) >= score(read("mcp", some)), more);
    }),
  );
  const url = fc.constantFrom("https://api.example.com/v1/users/7", "https://api.example.com/v1/x", "http://10.0.0.1/");
  const dress = fc.constantFrom(
    (request: { method: string; url: string }) => ({ ...request, url: `${request.url}?page=2` }),
    (request: { method: string; url: string }) => ({ ...request, url: `${request.url}?token=x&page=%00` }),
    (request: { method: string; url: string }) => ({ ...request, url: `${request.url}/../7` }),
    (request: { method: string; url: string }) => ({ ...request, headers: ["x-http-method-override"] }),
    (request: { method: string; url: string }) => ({ ...request, body: "a=b" }),
  );
  fc.assert(
    fc.property(url, fc.constantFrom("GET", "DELETE", "POST", "HEAD"), dress, (target, method, wrap) => {
      const request = { method, url: target };
      assert.ok(score(read("http", wrap(request))) >= score(read("http", request)), JSON.stringify(wrap(request)));
    }),
  );
});

test("an object more in a list of Kubernetes, or a flag more of a cloud tool, never lowers the score", () => {
  const object = fc.constantFrom<Json>(
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", namespace: "shop" }, data: { a: "b" } },
    { apiVersion: "v1", kind: "Secret", metadata: { name: "a", namespace: "shop" } },
    { apiVersion: "v1", kind: "Pod", metadata: { name: "a" }, spec: { containers: [{ name: "a", image: "b" }] } },
    { apiVersion: "v1", kind: "Pod", metadata: { name: "a" }, spec: { hostPID: true, containers: [] } },
    { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRoleBinding", metadata: { name: "a" }, roleRef: { kind: "ClusterRole", name: "cluster-admin" } },
    { kind: "Unknown" },
  ); // prettier-ignore
  const created = (items: readonly Json[]): Classification =>
    read("kubernetes", { verb: "create", resource: "pods", object: { apiVersion: "v1", kind: "List", items: [...items] } });
  fc.assert(
    fc.property(fc.array(object, { minLength: 1, maxLength: 4 }), object, (items, more) => {
      assert.ok(score(created([...items, more])) >= score(created(items)), JSON.stringify([items, more]));
    }),
  );
  const calls = fc.constantFrom<readonly [Text["kind"], readonly string[]]>(
    ["aws", ["ec2", "describe-instances"]],
    ["aws", ["iam", "attach-user-policy", "--user-name", "u", "--policy-arn", "arn:aws:iam::aws:policy/a"]],
    ["gcloud", ["compute", "instances", "list"]],
    ["gcloud", ["secrets", "versions", "access", "latest"]],
    ["az", ["vm", "list"]],
    ["az", ["keyvault", "secret", "show", "--name", "n"]],
    ["kubectl", ["get", "pods"]],
    ["kubectl", ["delete", "namespace", "shop"]],
    ["terraform", ["show", "-json"]],
    ["terraform", ["destroy"]],
  );
  const word = fc.constantFrom("--force", "--all", "-A", "--debug", "--query", "a", "--output=json", "-n", "--x", "-", "--");
  fc.assert(
    fc.property(calls, fc.array(word, { minLength: 1, maxLength: 3 }), ([kind, argv], more) => {
      assert.ok(score(read(kind, [...argv, ...more])) >= score(read(kind, [...argv])), `${argv.join(" ")} ${more.join(" ")}`);
    }),
    { numRuns: 500 },
  );
}); // prettier-ignore
