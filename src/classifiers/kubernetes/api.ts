import type { Json } from "../../core/action/index.ts";
import { openFindings, quoted } from "../../core/risk/index.ts";
import type { Classification, Findings } from "../../core/risk/index.ts";
import { judgeManifest } from "./manifest.ts";
import { kindOf } from "./resources.ts";
import type { Kind } from "./resources.ts";

/** A request as the Kubernetes API server authorizes it. `resource` is the plural, or the kind in any name of kubectl. */
export type KubernetesRequest = {
  readonly verb: string;
  readonly group?: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** The object that is written, as canonical JSON. */
  readonly object?: Json;
};

const READING: ReadonlySet<string> = new Set(["get", "list", "watch"]);

/** Kinds that are created only to ask a question. */
const QUESTIONS: ReadonlySet<string> = new Set([
  "selfsubjectaccessreviews",
  "selfsubjectrulesreviews",
  "selfsubjectreviews",
]);

/** What a request to the Kubernetes API does. */
export function classifyKubernetesApi(request: KubernetesRequest): Classification {
  const found = openFindings();
  judgeRequest(request, found);
  return found.done();
}

/** Adds what a request does. A write without its object is opaque where the object decides. */
export function judgeRequest(request: KubernetesRequest, found: Findings): void {
  const { verb, resource, subresource = "", namespace, object } = request;
  const kind = kindOf(resource);
  found.name("kubernetes_kinds", kind.plural);
  found.name("kubernetes_verbs", verb);
  if (namespace !== undefined) found.name("kubernetes_namespaces", namespace);
  if (resource.includes("*") || verb.includes("*")) {
    found.opaque("A wildcard stands for every kind or verb.");
    escalate("A wildcard stands for every kind or verb.", found);
  }
  if (subresource !== "") judgeSubresource(verb, kind, subresource, found);
  else if (READING.has(verb)) judgeRead(verb, kind, found);
  else judgeWrite(request, kind, found);
  if (object !== undefined) judgeManifest(object, found);
}

function judgeRead(verb: string, kind: Kind, found: Findings): void {
  if (!kind.secret) return found.effect("read", `\`${verb}\` reads ${quoted(kind.plural)}.`);
  const because = `\`${verb}\` reads ${quoted(kind.plural)}.`;
  found.effect("secret.read", because);
  found.trait("secret_access", because);
  if (verb !== "get") found.trait("unbounded", `\`${verb}\` reads all of them.`);
  return undefined;
}

function judgeWrite({ verb, object, name }: KubernetesRequest, kind: Kind, found: Findings): void {
  const what = `\`${verb}\` of ${quoted(kind.plural)}`;
  if (verb === "create" && QUESTIONS.has(kind.plural)) return found.effect("read", `${what} only asks.`);
  if (kind.rights) escalate(`${what} decides who may do what.`, found);
  switch (verb) {
    case "create":
    case "update":
    case "patch":
    case "apply":
      if (kind.workload) found.effect("deploy", `${what} makes containers run.`);
      else found.effect("write", `${what} changes the cluster.`);
      if (kind.definition) found.effect("ddl", `${what} changes what the cluster knows.`);
      if (kind.network) found.effect("network", `${what} changes who can reach something.`);
      if (kind.plural === "nodes") escalate(`${what} changes where pods run.`, found);
      if (object === undefined) found.opaque(`${what} comes without the object.`);
      return undefined;
    case "delete":
    case "deletecollection":
      return judgeDelete(what, kind, verb === "deletecollection" || name === undefined, found);
    case "impersonate":
    case "escalate":
    case "bind":
    case "approve":
    case "sign":
    case "attest":
    case "use":
      return escalate(`${what} takes rights.`, found);
    default:
      return found.opaque(`${quoted(verb)} is not a verb that is known.`);
  }
}

/** What a deletion takes away: data, protections, running work. */
export function judgeDelete(what: string, kind: Kind, all: boolean, found: Findings): void {
  found.effect("delete", `${what} deletes.`);
  if (all) found.trait("unbounded", `${what} is not of one object.`);
  if (kind.store || !kind.known) {
    found.trait("irreversible", `${what} loses what they hold.`);
    found.fact("irreversible", true);
  }
  if (kind.workload || kind.plural === "nodes" || kind.plural === "services") {
    found.trait("availability", `${what} stops what runs.`);
  }
  if (kind.network) found.trait("privilege_change", `${what} changes who can reach something.`);
  if (kind.plural === "networkpolicies" || kind.plural === "events" || kind.plural.endsWith("webhookconfigurations")) {
    found.trait("defence_evasion", `${what} takes a protection or a record away.`);
  }
  if (kind.definition) found.effect("ddl", `${what} changes what the cluster knows.`);
}

function judgeSubresource(verb: string, kind: Kind, subresource: string, found: Findings): void {
  const what = `${quoted(`${kind.plural}/${subresource}`)}`;
  switch (subresource) {
    case "exec":
    case "attach":
      found.effect("execute", `${what} runs a command in a container.`);
      found.trait("remote_target", `${what} acts in a container.`);
      return undefined;
    case "portforward":
    case "proxy":
      found.effect("network", `${what} opens a tunnel.`);
      found.trait("remote_target", `${what} reaches into the cluster.`);
      if (kind.plural === "nodes") escalate(`${what} reaches every container of the node.`, found);
      if (kind.plural !== "pods") found.opaque(`Nobody sees what goes through ${what}.`);
      return undefined;
    case "ephemeralcontainers":
      found.effect("execute", `${what} adds a container to a pod.`);
      return escalate(`${what} runs as the pod.`, found);
    case "token":
    case "tokenrequest":
      found.effect("secret.read", `${what} makes a token.`);
      found.trait("secret_access", `${what} makes a token.`);
      return escalate(`${what} acts as the service account.`, found);
    case "eviction":
      found.effect("delete", `${what} removes a pod.`);
      found.trait("availability", `${what} removes a pod.`);
      return undefined;
    case "approval":
    case "binding":
    case "finalize":
      return escalate(`${what} decides for others.`, found);
    case "log":
    case "status":
    case "scale":
      if (READING.has(verb)) return judgeRead(verb, kind, found);
      if (subresource === "scale") found.trait("availability", `${what} changes how many run.`);
      if (kind.rights) escalate(`${what} decides who may do what.`, found);
      return found.effect("write", `${what} is written.`);
    default:
      return found.opaque(`${what} is not a subresource that is known.`);
  }
}

function escalate(because: string, found: Findings): void {
  found.effect("escalate", because);
  found.trait("privilege_change", because);
}
