import assert from "node:assert/strict";
import { test } from "node:test";
import { classifyKubectl, classifyManifest } from "../../src/classifiers/kubernetes/index.ts";
import type { Json } from "../../src/core/action/index.ts";
import { millisecondsOf, passes, words } from "../classifiers/passing.ts";

test("classify.wrapper: a secret is found behind options, short names, groups, lists and paths", () => {
  const lines = [
    "-n x get secret",
    "--context=prod get -o yaml secrets",
    "get SECRETS",
    "get secrets.v1.core",
    "get po,secret",
    "get pod/a secret/b",
    "get pods,secret/b",
    "describe secret/x",
    "get --raw=/api/v1/secrets",
    "get -Aoyaml secret",
  ];
  for (const line of lines) {
    const found = classifyKubectl(words(line));
    assert.ok(!passes(found), line);
    assert.ok(
      found.effects.some(({ effect }) => effect === "secret.read"),
      line,
    );
  }
});

test("classify.wrapper: a privileged pod is found in every kind that makes pods, and in lists of them", () => {
  const spec = { containers: [], initContainers: [{ securityContext: { privileged: true } }] };
  const template = { spec };
  const kinds: readonly (readonly [string, Json])[] = [
    ["Pod", spec],
    ["Deployment", { template }],
    ["DaemonSet", { template }],
    ["StatefulSet", { template }],
    ["ReplicaSet", { template }],
    ["Job", { template }],
    ["CronJob", { jobTemplate: { spec: { template } } }],
  ];
  for (const [kind, inside] of kinds) {
    const object = { apiVersion: "v1", kind, spec: inside };
    const list = { apiVersion: "v1", kind: "List", items: [{ apiVersion: "v1", kind: "ConfigMap" }, object] };
    for (const manifest of [object, list]) {
      assert.ok(
        classifyManifest(manifest).effects.some(({ effect }) => effect === "escalate"),
        kind,
      );
    }
  }
});

test("input.regex-dos: ten million bytes of hostile words and manifests end quickly", () => {
  const lines = [
    ["get", "a".repeat(10_000_000)],
    ["get", ",".repeat(1_000_000)],
    Array.from({ length: 1_000_000 }, () => "-A"),
  ];
  for (const line of lines) {
    const took = millisecondsOf(() => assert.ok(classifyKubectl(line).effects.length > 0));
    assert.ok(took < 5_000, `${took} ms`);
  }
  let deep: Json = {};
  for (let depth = 0; depth < 100_000; depth += 1) deep = { a: deep };
  const manifests: readonly Json[] = [
    { apiVersion: "v1", kind: "Pod", spec: deep },
    { apiVersion: "v1", kind: "List", items: Array.from({ length: 1_000_000 }, () => ({ kind: "Pod" })) },
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      data: Object.fromEntries(Array.from({ length: 90_000 }, (_, at) => [at, "x".repeat(100)])),
    },
    { apiVersion: "v1", kind: "a".repeat(10_000_000) },
  ];
  for (const manifest of manifests) {
    const took = millisecondsOf(() => assert.ok(!passes(classifyManifest(manifest))));
    assert.ok(took < 5_000, `${took} ms`);
  }
});
