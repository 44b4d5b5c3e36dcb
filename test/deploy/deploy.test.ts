// What is under deploy/, as far as it can be held to something without a container engine or a cluster.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parse, parseAllDocuments } from "yaml";
import { loadConfig } from "../../src/server/config.ts";
import { ROOT } from "../support/process.ts";

const at = (path: string): string => readFileSync(join(ROOT, "deploy", path), "utf8");

test("the image runs as nobody special, keeps state in one volume, and starts what the binary knows", () => {
  const lines = at("Dockerfile").replaceAll(/\\\n/g, " ").split("\n");
  const of = (word: string): readonly string[] => lines.filter((line) => line.startsWith(`${word} `));
  assert.deepEqual(of("USER"), ["USER node"]);
  assert.ok(lines.lastIndexOf("USER node") < lines.findIndex((line) => line.startsWith("ENTRYPOINT")));
  for (const from of of("FROM"))
    assert.match(from, /^FROM node:24-\w+-slim/, "a named release of the Node that the server needs");
  const command = JSON.parse(of("CMD")[0]?.slice(4) ?? "[]") as readonly string[];
  assert.equal(command[0], "serve");
  assert.ok(of("VOLUME")[0]?.includes(command[command.indexOf("--data") + 1] ?? "-"));
  assert.ok(!lines.some((line) => /\b(?:sudo|curl|ADD http|:latest)\b/.test(line)));
  assert.match(at("Dockerfile.dockerignore"), /^\*\*\/data$/m);
});

type Service = {
  readonly image: string;
  readonly command?: readonly string[];
  readonly secrets?: readonly string[];
  readonly depends_on?: object;
  readonly environment?: Readonly<Record<string, string>>;
};

test("the compose file names no secret's content, and every secret and service that it uses", () => {
  const file = parse(at("compose.yaml"), { merge: true }) as {
    services: Record<string, Service>;
    secrets: Record<string, { file: string }>;
  };
  for (const [name, { image, secrets = [], depends_on: needs = {} }] of Object.entries(file.services)) {
    assert.match(image, /^keyturn$|:[\w.-]+$/, name);
    assert.doesNotMatch(image, /:latest$/);
    for (const secret of secrets) assert.ok(file.secrets[secret] !== undefined, `${name}: ${secret}`);
    for (const other of Array.isArray(needs) ? needs : Object.keys(needs))
      assert.ok(file.services[String(other)] !== undefined);
  }
  for (const { file: path } of Object.values(file.secrets)) assert.match(path, /^\.\/secrets\//);
  assert.deepEqual(file.services["migrate"]?.command?.slice(0, 2), ["store", "migrate"]);
});

/** The part of Helm's template language that the chart uses. */
function render(text: string, values: object, labels: string): string {
  const lookup = (path: string): unknown =>
    path.split(".").reduce<unknown>((from, name) => (from as Record<string, unknown> | undefined)?.[name], values);
  return text
    .replaceAll(/\{\{- if [^}]*\}\}\n|\{\{- end \}\}\n?/g, "")
    .replaceAll(
      /\{\{- include "keyturn\.(?:labels|selector)" \. \| nindent (\d+) \}\}/g,
      (_, n: string) => `\n${indent(labels, Number(n))}`,
    )
    .replaceAll(
      /\{\{- toYaml \.(\S+) \| nindent (\d+) \}\}/g,
      (_, path: string, n: string) => `\n${indent(JSON.stringify(lookup(path)), Number(n))}`,
    )
    .replaceAll(/\{\{ include "keyturn\.image" \. \| quote \}\}/g, '"keyturn:0.1.0"')
    .replaceAll(/\{\{ include \(print [^}]*\}\}/g, "0".repeat(64))
    .replaceAll(/\{\{ add \.(\S+) (\d+) \}\}/g, (_, path: string, more: string) =>
      String(Number(lookup(path)) + Number(more)),
    )
    .replaceAll(/\{\{ \.([\w.]+)( \| quote)? \}\}/g, (_, path: string, quote: string | undefined) => {
      const value = lookup(path);
      assert.notEqual(value, undefined, `values.yaml has no ${path}`);
      return quote === undefined ? String(value) : JSON.stringify(String(value));
    });
}

function indent(text: string, columns: number): string {
  return text.replaceAll(/^/gm, " ".repeat(columns));
}

test("the chart renders into objects of Kubernetes, and into settings that the server takes", () => {
  const chart = "helm/keyturn";
  const values = {
    Values: parse(at(`${chart}/values.yaml`)) as object,
    Release: { Name: "prod", Service: "Helm" },
    Chart: { AppVersion: "0.1.0" },
  };
  const labels = "app.kubernetes.io/name: keyturn\napp.kubernetes.io/instance: prod";
  const objects = new Map<
    string,
    { readonly kind: string; readonly data?: Record<string, string>; readonly spec?: unknown }
  >();
  for (const name of readdirSync(join(ROOT, "deploy", chart, "templates")).filter((file) => file.endsWith(".yaml"))) {
    const rendered = render(at(`${chart}/templates/${name}`), values, labels);
    assert.doesNotMatch(rendered, /\{\{/, `${name}: something was not rendered`);
    for (const document of parseAllDocuments(rendered)) {
      assert.deepEqual(document.errors, [], name);
      const object = document.toJS() as { kind: string; apiVersion: string; metadata: { name: string } };
      assert.ok(object.apiVersion !== undefined && object.metadata.name.startsWith("prod-keyturn"), name);
      objects.set(object.kind, object);
    }
  }
  assert.deepEqual([...objects.keys()].toSorted(), [
    "ConfigMap",
    "Deployment",
    "Job",
    "PodDisruptionBudget",
    "Service",
  ]);
  for (const kind of ["Deployment", "Job"]) {
    const text = JSON.stringify(objects.get(kind));
    assert.match(text, /"runAsNonRoot":true/);
    assert.match(text, /"readOnlyRootFilesystem":true/);
  }
  const dir = mkdtempSync(join(tmpdir(), "keyturn-chart-"));
  writeFileSync(join(dir, "keyturn.yaml"), objects.get("ConfigMap")?.data?.["keyturn.yaml"] ?? "");
  const config = loadConfig(join(dir, "keyturn.yaml"));
  rmSync(dir, { recursive: true });
  assert.deepEqual(config.store, { url: { file: "/run/keyturn/database.url" }, ledger: "main", wake: "notify" });
  const mounts = JSON.stringify(objects.get("Deployment"));
  for (const folder of ["/run/keyturn", "/etc/keyturn/rules", "/etc/keyturn/policies", config.data])
    assert.ok(mounts.includes(folder), folder);
});

test(
  "the unit is one that systemd takes",
  { skip: existsSync("/usr/bin/systemd-analyze") ? false : "systemd is not installed" },
  () => {
    const out = execFileSync("/usr/bin/systemd-analyze", ["verify", join(ROOT, "deploy/keyturn.service")], {
      encoding: "utf8",
    });
    assert.equal(out, "");
  },
);
