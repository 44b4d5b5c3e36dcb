import { isJsonWithin, jsonAt, jsonItems, jsonMembers, jsonText, jsonTexts } from "../../core/action/index.ts";
import type { Json } from "../../core/action/index.ts";
import { openFindings, quoted } from "../../core/risk/index.ts";
import type { Classification, Findings } from "../../core/risk/index.ts";
import { judgePod } from "./pod.ts";
import { kindOf } from "./resources.ts";

/** Values in one manifest, and how deep they may lie. */
const MANIFEST_NODES_MAX = 100_000;
const MANIFEST_DEPTH_MAX = 64;

/** Objects in one list. */
const LIST_OBJECTS_MAX = 1_000;

/** What writing an object to a cluster does, of its canonical JSON. */
export function classifyManifest(object: Json): Classification {
  const found = openFindings();
  judgeManifest(object, found);
  return found.done();
}

/** What an object would do once it stands in the cluster. Written as canonical JSON; YAML is never read here. */
export function judgeManifest(object: Json, found: Findings): void {
  if (!isJsonWithin(object, MANIFEST_NODES_MAX, MANIFEST_DEPTH_MAX)) {
    return found.opaque(
      `A manifest has more than ${MANIFEST_NODES_MAX} values, or more than ${MANIFEST_DEPTH_MAX} levels.`,
    );
  }
  const kind = jsonText(jsonAt(object, "kind"));
  if (kind === "" || jsonText(jsonAt(object, "apiVersion")) === "") {
    return found.opaque("A manifest has no `kind` or no `apiVersion`.");
  }
  if (!kind.endsWith("List")) return judgeObject(kind, object, found);
  const objects = jsonItems(jsonAt(object, "items"));
  if (objects.length === 0 || objects.length > LIST_OBJECTS_MAX) {
    return found.opaque(`A list of objects is empty or has more than ${LIST_OBJECTS_MAX}.`);
  }
  found.trait("multiple", `${objects.length} objects in one list.`);
  for (const item of objects) {
    const inner = jsonText(jsonAt(item, "kind")) || kind.slice(0, -"List".length);
    if (inner.endsWith("List")) found.opaque("A list of objects holds another list.");
    else judgeObject(inner, item, found);
  }
  return undefined;
}

function judgeObject(name: string, object: Json, found: Findings): void {
  const kind = kindOf(name);
  const label = quoted(name);
  found.name("kubernetes_kinds", kind.plural);
  const namespace = jsonText(jsonAt(object, "metadata", "namespace"));
  if (namespace !== "") found.name("kubernetes_namespaces", namespace);
  found.effect("write", `It writes an object of the kind ${label}.`);
  if (!kind.known) found.opaque(`${label} is a kind that only its own cluster knows.`);
  if (kind.rights) escalate(`An object of the kind ${label} decides who may do what.`, found);
  if (kind.secret) found.trait("secret_access", `An object of the kind ${label} holds secrets.`);
  if (kind.definition) found.effect("ddl", `${label} changes what the cluster knows.`);
  judgeMetadata(object, found);
  if (kind.workload) {
    found.effect("deploy", `${label} makes containers run.`);
    judgePod(kind.plural, object, found);
  } else JUDGES.get(kind.plural)?.(object, found);
}

const JUDGES: ReadonlyMap<string, (object: Json, found: Findings) => void> = new Map([
  ["roles", judgeRole],
  ["clusterroles", judgeRole],
  ["rolebindings", judgeBinding],
  ["clusterrolebindings", judgeBinding],
  ["secrets", judgeSecret],
  ["services", judgeService],
  ["networkpolicies", judgeNetworkPolicy],
  ["persistentvolumes", judgeVolume],
  ["nodes", judgeNode],
  ["mutatingwebhookconfigurations", judgeWebhook],
  ["validatingwebhookconfigurations", judgeWebhook],
  ["ingresses", judgeIngress],
]);

function judgeRole(object: Json, found: Findings): void {
  const rules = jsonItems(jsonAt(object, "rules"));
  if (jsonAt(object, "aggregationRule") !== undefined) {
    found.trait("dynamic_code", "The role takes its rules from other roles.");
  }
  for (const rule of rules) {
    const verbs = jsonTexts(jsonAt(rule, "verbs"));
    const resources = jsonTexts(jsonAt(rule, "resources"));
    const all = verbs.includes("*") || resources.includes("*") || jsonTexts(jsonAt(rule, "apiGroups")).includes("*");
    if (all) found.trait("unbounded", "A rule of the role has a wildcard.");
    const grave = verbs.filter((verb) => /^(?:escalate|bind|impersonate|approve|sign|\*)$/.test(verb));
    if (grave.length > 0) found.name("rbac_grave", grave.join(","));
    if (resources.some((resource) => /^(?:secrets|\*)$/.test(resource))) {
      found.trait("secret_access", "The role may read secrets.");
    }
    if (
      resources.some((resource) =>
        /^(?:pods\/(?:exec|attach|portforward)|nodes\/proxy|serviceaccounts\/token)$/.test(resource),
      )
    ) {
      found.trait("remote_target", "The role may run commands in containers or take their tokens.");
    }
  }
}

function judgeBinding(object: Json, found: Findings): void {
  const role = jsonText(jsonAt(object, "roleRef", "name"));
  found.name("rbac_roles", role);
  if (/^(?:cluster-admin|admin|edit|system:masters)$/.test(role)) found.trait("unbounded", `It binds ${quoted(role)}.`);
  for (const subject of jsonItems(jsonAt(object, "subjects"))) {
    const name = jsonText(jsonAt(subject, "name"));
    if (/^system:(?:unauthenticated|authenticated|anonymous|masters|serviceaccounts)$/.test(name)) {
      found.trait("unbounded", `It binds ${quoted(name)}, which is nearly everybody.`);
    }
  }
}

function judgeSecret(object: Json, found: Findings): void {
  if (jsonText(jsonAt(object, "type")) === "kubernetes.io/service-account-token") {
    escalate("It makes a lasting token of a service account.", found);
    found.effect("secret.read", "It makes a token that can be read.");
    found.trait("persistence", "The token does not expire.");
  }
}

function judgeService(object: Json, found: Findings): void {
  const type = jsonText(jsonAt(object, "spec", "type"));
  const outside = jsonItems(jsonAt(object, "spec", "externalIPs")).length > 0 || type === "ExternalName";
  if (type === "LoadBalancer" || type === "NodePort" || outside) {
    found.effect("network", "The service can be reached from, or leads, outside.");
    found.trait("privilege_change", "The service changes who can reach something.");
  }
}

function judgeIngress(_object: Json, found: Findings): void {
  found.effect("network", "An ingress can be reached from outside.");
}

function judgeNetworkPolicy(_object: Json, found: Findings): void {
  found.effect("network", "A network policy decides who can reach what.");
  found.trait("privilege_change", "A network policy decides who can reach what.");
}

function judgeVolume(object: Json, found: Findings): void {
  if (jsonAt(object, "spec", "hostPath") === undefined) return;
  escalate("The volume is a folder of the machine.", found);
  found.trait("file_access", "The volume is a folder of the machine.");
}

function judgeNode(_object: Json, found: Findings): void {
  escalate("A node decides where pods run and which tokens it gets.", found);
  found.trait("availability", "Changing a node moves what runs there.");
}

function judgeWebhook(object: Json, found: Findings): void {
  found.trait("code_injection", "A webhook sees and may change what others send to the cluster.");
  found.trait("persistence", "A webhook stays.");
  for (const hook of jsonItems(jsonAt(object, "webhooks"))) {
    if (jsonText(jsonAt(hook, "clientConfig", "url")) !== "") {
      found.effect("network", "The webhook sends what it sees to a URL.");
      found.trait("network_egress", "The webhook sends what it sees to a URL.");
    }
  }
}

/** Labels and annotations that switch protections off or hand identities over. */
function judgeMetadata(object: Json, found: Findings): void {
  const marks = [
    ...jsonMembers(jsonAt(object, "metadata", "labels")),
    ...jsonMembers(jsonAt(object, "metadata", "annotations")),
  ];
  for (const [key, value] of marks) {
    if (key.startsWith("pod-security.kubernetes.io/") && value !== "restricted") {
      found.trait("defence_evasion", `${quoted(key)} is not \`restricted\`.`);
    }
    if (
      /^(?:eks\.amazonaws\.com\/role-arn|iam\.gke\.io\/gcp-service-account|azure\.workload\.identity\/client-id)$/.test(
        key,
      )
    ) {
      escalate(`${quoted(key)} gives it an identity of the cloud.`, found);
    }
    if (/apparmor|seccomp/.test(key) && value === "unconfined") {
      found.trait("defence_evasion", `${quoted(key)} is \`unconfined\`.`);
    }
    if (key.startsWith("rbac.authorization.k8s.io/aggregate-to-"))
      escalate(`${quoted(key)} adds to a built-in role.`, found);
  }
  if (jsonItems(jsonAt(object, "metadata", "ownerReferences")).length > 0) {
    found.trait("persistence", "Its owner may bring it back.");
  }
}

function escalate(because: string, found: Findings): void {
  found.effect("escalate", because);
  found.trait("privilege_change", because);
}
