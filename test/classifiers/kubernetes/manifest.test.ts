import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { classifyKubernetesApi, classifyManifest } from "../../../src/classifiers/kubernetes/index.ts";
import type { KubernetesRequest } from "../../../src/classifiers/kubernetes/index.ts";
import type { Json } from "../../../src/core/action/index.ts";
import { covers, passes, summary } from "../passing.ts";

function object(kind: string, rest: Record<string, Json> = {}, apiVersion = "v1"): Json {
  return { apiVersion, kind, metadata: { name: "x", namespace: "n" }, ...rest };
}
function pod(spec: Record<string, Json>): Json {
  return object("Pod", { spec: { containers: [{ name: "c", image: "i" }], ...spec } });
}
function container(rest: Record<string, Json>): Json {
  return pod({ containers: [{ name: "c", image: "i", ...rest }] });
}

const MANIFESTS: readonly (readonly [string, Json, string])[] = [
  ["a config map", object("ConfigMap", { data: { a: "b" } }), "write"],
  ["a namespace", object("Namespace"), "write"],
  ["a plain pod", pod({}), "write deploy"],
  ["a pod with a command", container({ command: ["sh"] }), "write execute deploy"],
  ["a privileged pod", container({ securityContext: { privileged: true } }), "write deploy escalate | privilege_use"],
  ["root in a container", container({ securityContext: { runAsUser: 0 } }), "write deploy | privilege_use"],
  [
    "a grave capability",
    container({ securityContext: { capabilities: { add: ["SYS_ADMIN"] } } }),
    "write deploy escalate | privilege_use",
  ],
  [
    "a small capability",
    container({ securityContext: { capabilities: { add: ["CHOWN"] } } }),
    "write deploy | privilege_use",
  ],
  [
    "an unconfined profile",
    container({ securityContext: { seccompProfile: { type: "Unconfined" } } }),
    "write deploy | defence_evasion",
  ],
  ["secrets as environment", container({ envFrom: [{ secretRef: { name: "s" } }] }), "write deploy | secret_access"],
  ["a hook that runs", container({ lifecycle: { postStart: { exec: { command: ["x"] } } } }), "write execute deploy"],
  ["a machine's port", container({ ports: [{ hostPort: 80 }] }), "write network deploy"],
  [
    "a machine's folder",
    pod({ volumes: [{ hostPath: { path: "/" } }] }),
    "write deploy escalate | file_access privilege_use",
  ],
  ["a secret's volume", pod({ volumes: [{ secret: { secretName: "s" } }] }), "write deploy | secret_access"],
  [
    "a projected token",
    pod({ volumes: [{ projected: { sources: [{ serviceAccountToken: {} }] } }] }),
    "write deploy | secret_access",
  ],
  ["the machine's network", pod({ hostNetwork: true }), "write deploy escalate | privilege_use"],
  ["another account", pod({ serviceAccountName: "admin" }), "write deploy | privilege_use"],
  [
    "a deployment",
    object("Deployment", { spec: { template: { spec: { hostPID: true } } } }, "apps/v1"),
    "write deploy escalate | privilege_use",
  ],
  ["a daemon set", object("DaemonSet", { spec: { template: { spec: {} } } }, "apps/v1"), "write deploy | unbounded"],
  [
    "a cron job",
    object("CronJob", { spec: { jobTemplate: { spec: { template: { spec: {} } } } } }, "batch/v1"),
    "write deploy | persistence",
  ],
  ["a workload without a pod", object("Deployment", {}, "apps/v1"), "write deploy opaque"],
  [
    "a role",
    object("Role", { rules: [{ verbs: ["get"], resources: ["pods"], apiGroups: [""] }] }),
    "write escalate | privilege_change",
  ],
  [
    "a role of everything",
    object("ClusterRole", { rules: [{ verbs: ["*"], resources: ["*"], apiGroups: ["*"] }] }),
    "write escalate | privilege_change secret_access unbounded",
  ],
  [
    "a role that runs commands",
    object("Role", { rules: [{ verbs: ["create"], resources: ["pods/exec"] }] }),
    "write escalate | privilege_change remote_target",
  ],
  [
    "an aggregated role",
    object("ClusterRole", { aggregationRule: {} }),
    "write escalate | dynamic_code privilege_change",
  ],
  [
    "a binding",
    object("RoleBinding", { roleRef: { name: "view" }, subjects: [] }),
    "write escalate | privilege_change",
  ],
  [
    "a binding for everybody",
    object("ClusterRoleBinding", { roleRef: { name: "view" }, subjects: [{ name: "system:authenticated" }] }),
    "write escalate | privilege_change unbounded",
  ],
  ["a service account", object("ServiceAccount"), "write escalate | privilege_change"],
  ["a secret", object("Secret", { data: {} }), "write | secret_access"],
  [
    "a lasting token",
    object("Secret", { type: "kubernetes.io/service-account-token" }),
    "write secret.read escalate | persistence privilege_change secret_access",
  ],
  [
    "a webhook",
    object("MutatingWebhookConfiguration", { webhooks: [{ clientConfig: { url: "https://x" } }] }),
    "write network escalate | code_injection network_egress persistence privilege_change",
  ],
  ["an inner service", object("Service", { spec: { type: "ClusterIP" } }), "write"],
  ["an outer service", object("Service", { spec: { type: "LoadBalancer" } }), "write network | privilege_change"],
  ["a network policy", object("NetworkPolicy"), "write network | privilege_change"],
  [
    "a volume of the machine",
    object("PersistentVolume", { spec: { hostPath: {} } }),
    "write escalate | file_access privilege_change",
  ],
  ["a node", object("Node"), "write escalate | availability privilege_change"],
  ["a definition", object("CustomResourceDefinition"), "write ddl"],
  ["an own kind", object("Widget", {}, "example.com/v1"), "write opaque"],
  [
    "a cloud identity",
    { apiVersion: "v1", kind: "ConfigMap", metadata: { annotations: { "eks.amazonaws.com/role-arn": "r" } } },
    "write escalate | privilege_change",
  ],
  ["no kind", { apiVersion: "v1" }, "opaque"],
  ["a text", "kind: Pod", "opaque"],
  ["an empty list", { apiVersion: "v1", kind: "List", items: [] }, "opaque"],
];

test("manifests are told by what they would do", () => {
  for (const [name, manifest, expected] of MANIFESTS) {
    assert.equal(summary(classifyManifest(manifest)), expected, name);
    assert.ok(!passes(classifyManifest(manifest)), name);
  }
});

test("a list is at least as grave as each of its objects", () => {
  const objects = MANIFESTS.map(([, manifest]) => manifest).filter((one) => typeof one === "object");
  fc.assert(
    fc.property(fc.subarray(objects, { minLength: 1 }), (items) => {
      const whole = classifyManifest({ apiVersion: "v1", kind: "List", items });
      for (const item of items) assert.ok(covers(whole, classifyManifest(item)) || !("kind" in (item as object)));
    }),
  );
});

const REQUESTS: readonly (readonly [KubernetesRequest, string])[] = [
  [{ verb: "get", resource: "pods", name: "a" }, "read"],
  [{ verb: "watch", resource: "deployments", group: "apps" }, "read"],
  [{ verb: "get", resource: "pods", subresource: "log" }, "read"],
  [{ verb: "create", resource: "selfsubjectaccessreviews" }, "read"],
  [{ verb: "list", resource: "secrets" }, "secret.read | secret_access unbounded"],
  [{ verb: "get", resource: "secrets", name: "s" }, "secret.read | secret_access"],
  [{ verb: "create", resource: "pods" }, "deploy opaque"],
  [{ verb: "create", resource: "pods", object: pod({}) }, "write deploy"],
  [{ verb: "patch", resource: "clusterroles", name: "x" }, "write escalate opaque | privilege_change"],
  [{ verb: "delete", resource: "namespaces", name: "x" }, "delete | irreversible"],
  [{ verb: "deletecollection", resource: "pods" }, "delete | availability unbounded"],
  [{ verb: "create", resource: "pods", subresource: "exec" }, "execute | remote_target"],
  [{ verb: "get", resource: "pods", subresource: "exec" }, "execute | remote_target"],
  [
    { verb: "get", resource: "nodes", subresource: "proxy" },
    "network escalate opaque | privilege_change remote_target",
  ],
  [
    { verb: "create", resource: "serviceaccounts", subresource: "token" },
    "secret.read escalate | privilege_change secret_access",
  ],
  [{ verb: "update", resource: "certificatesigningrequests", subresource: "approval" }, "escalate | privilege_change"],
  [{ verb: "create", resource: "pods", subresource: "eviction" }, "delete | availability"],
  [{ verb: "update", resource: "deployments", subresource: "scale" }, "write | availability"],
  [{ verb: "impersonate", resource: "users" }, "escalate | privilege_change"],
  [{ verb: "bind", resource: "clusterroles" }, "escalate | privilege_change"],
  [{ verb: "*", resource: "pods" }, "escalate opaque | privilege_change"],
  [{ verb: "get", resource: "*" }, "read escalate opaque | privilege_change"],
  [{ verb: "frob", resource: "pods" }, "opaque"],
  [{ verb: "get", resource: "pods", subresource: "unheard" }, "opaque"],
];

test("requests to the API are told by verb, kind and subresource", () => {
  for (const [request, expected] of REQUESTS) {
    assert.equal(summary(classifyKubernetesApi(request)), expected, JSON.stringify(request));
  }
});

test("any JSON at all is classified without a fault, and never passes as a manifest", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.ok(!passes(classifyManifest(value as Json)));
    }),
  );
});
