import type { Json } from "../../core/action/index.ts";
import { openFindings, quoted } from "../../core/risk/index.ts";
import type { Classification, Findings } from "../../core/risk/index.ts";
import { judgeDelete, judgeRequest } from "./api.ts";
import { judgeManifest } from "./manifest.ts";
import { judgeGlobalOptions, judgeOutput } from "./kubectl-options.ts";
import { parseKubectl } from "./kubectl-words.ts";
import type { Parsed, Word } from "./kubectl-words.ts";
import { kindOf } from "./resources.ts";
import type { Kind } from "./resources.ts";

/** What the gate knows beside the words: the objects that `-f`, `-k` or standard input stand for, as canonical JSON. */
export type KubectlContext = { readonly manifests?: readonly Json[] };

/** What a command line of kubectl does, of the words after `kubectl`. */
export function classifyKubectl(line: readonly Word[], context: KubectlContext = {}): Classification {
  const found = openFindings();
  const parsed = parseKubectl(line, found);
  if (parsed === null) return found.done();
  judgeGlobalOptions(parsed, found);
  const [verb = ""] = parsed.bare;
  const judge = VERBS.get(verb);
  if (judge !== undefined) judge(parsed, found, context);
  else if (parsed.bare.length === 0 && parsed.options.has("help")) found.effect("read", "It shows help.");
  else found.opaque(`${quoted(verb)} is not a command of kubectl that is known; it may be a plugin.`);
  return found.done();
}

type Judge = (parsed: Parsed, found: Findings, context: KubectlContext) => void;

const VERBS: ReadonlyMap<string, Judge> = new Map<string, Judge>([
  ["get", judgeGet],
  ["describe", judgeGet],
  ...[
    "api-resources",
    "api-versions",
    "version",
    "explain",
    "top",
    "events",
    "wait",
    "logs",
    "log",
    "help",
    "options",
  ].map((verb): [string, Judge] => [verb, harmless(verb)]),
  ["cluster-info", judgeClusterInfo],
  ["config", judgeConfig],
  ["auth", judgeAuth],
  ["rollout", judgeRollout],
  ["delete", judgeDeletion],
  ["create", judgeCreate],
  ["apply", manifestWrite("apply")],
  ["replace", manifestWrite("replace")],
  ["patch", judgeChange("patch")],
  ["edit", judgeChange("edit")],
  ["label", judgeMark],
  ["annotate", judgeMark],
  ["scale", judgeScale],
  ["autoscale", judgeChange("autoscale")],
  ["set", judgeSet],
  ["expose", judgeExpose],
  ["run", judgeRun],
  ["exec", judgeInside("exec")],
  ["attach", judgeInside("attach")],
  ["debug", judgeDebug],
  ["cp", judgeCopy],
  ["port-forward", judgeTunnel],
  ["proxy", judgeTunnel],
  ["drain", judgeNodes],
  ["cordon", judgeNodes],
  ["uncordon", judgeNodes],
  ["taint", judgeNodes],
  ["certificate", judgeCertificate],
]);

function harmless(verb: string): Judge {
  return (parsed, found) => {
    if (parsed.options.has("filename") || parsed.options.has("kustomize"))
      found.opaque("It reads a file that nobody showed.");
    found.effect("read", `\`kubectl ${verb}\` only reads.`);
    judgeOutput(parsed, found);
  };
}

function judgeGet(parsed: Parsed, found: Findings): void {
  const verb = parsed.bare[0] ?? "";
  judgeOutput(parsed, found);
  const raw = parsed.options.get("raw");
  if (raw !== undefined) return judgeRaw(raw, found);
  if (parsed.options.has("filename") || parsed.options.has("kustomize"))
    found.opaque("It reads a file that nobody showed.");
  const targets = targetsOf(parsed.bare.slice(1));
  if (targets.length === 0) return found.opaque(`\`kubectl ${verb}\` names no kind.`);
  for (const { kind, named } of targets) judgeRequest({ verb: named ? "get" : "list", resource: kind.plural }, found);
  return undefined;
}

/** `--raw` reads a path of the API: only paths of lists and objects that are no secrets are known. */
function judgeRaw(paths: readonly string[], found: Findings): void {
  for (const path of paths) {
    found.effect("read", "`kubectl get --raw` reads a path of the API.");
    const plain = /^\/(?:healthz|readyz|livez|version|openapi\/v[23]|apis?(?:\/[a-z0-9.]+){0,2})\/?$/.test(path);
    if (!plain) found.opaque(`The API path ${quoted(path)} may be anything, such as a proxy.`);
    if (/secret|token/i.test(path)) found.effect("secret.read", `The API path ${quoted(path)} speaks of secrets.`);
  }
}

type Target = { readonly kind: Kind; readonly named: boolean };

/** `pods,secrets`, `pod/a secret/b`, `pod a b`. */
function targetsOf(words: readonly string[]): readonly Target[] {
  const [first, ...rest] = words;
  if (first === undefined) return [];
  if (words.some((word) => word.includes("/"))) {
    return words.map((word) => {
      const [kind = "", name = ""] = word.split("/", 2);
      return { kind: kindOf(kind), named: name !== "" };
    });
  }
  return first.split(",").map((name) => ({ kind: kindOf(name), named: rest.length > 0 }));
}

function judgeClusterInfo(parsed: Parsed, found: Findings): void {
  if (parsed.bare[1] === undefined) return found.effect("read", "`kubectl cluster-info` only reads.");
  found.effect("export", "`kubectl cluster-info dump` takes out logs and objects of the cluster.");
  found.effect("write", "`kubectl cluster-info dump` can write files.");
  return undefined;
}

function judgeConfig(parsed: Parsed, found: Findings): void {
  const what = parsed.bare[1] ?? "";
  if (/^(?:get-contexts|current-context|get-clusters|get-users)$/.test(what)) {
    return found.effect("read", `\`kubectl config ${what}\` only reads.`);
  }
  if (what === "view") {
    found.effect("read", "`kubectl config view` only reads.");
    if (parsed.options.has("raw") || parsed.options.has("flatten"))
      secret("It prints the keys of the kubeconfig.", found);
    return judgeOutput(parsed, found);
  }
  found.effect("write", "It changes the kubeconfig.");
  found.trait("privilege_use", "It changes where kubectl acts and as whom.");
  if (what.startsWith("set")) found.trait("code_injection", "A kubeconfig can name programs that kubectl runs.");
  if (/^(?:delete|unset)/.test(what)) found.effect("delete", "It removes from the kubeconfig.");
  if (!/^(?:use-context|use|set|set-context|set-cluster|set-credentials|delete-\w+|unset|rename-context)$/.test(what)) {
    found.opaque(`${quoted(`config ${what}`)} is not known.`);
  }
  return undefined;
}

function judgeAuth(parsed: Parsed, found: Findings): void {
  const what = parsed.bare[1] ?? "";
  if (what === "can-i" || what === "whoami") found.effect("read", `\`kubectl auth ${what}\` only asks.`);
  else {
    escalate("`kubectl auth reconcile` writes roles.", found);
    found.opaque("The roles stand in a file that nobody showed.");
  }
}

function judgeRollout(parsed: Parsed, found: Findings): void {
  const what = parsed.bare[1] ?? "";
  if (what === "status" || what === "history") return found.effect("read", `\`kubectl rollout ${what}\` only reads.`);
  found.effect("deploy", `\`kubectl rollout ${what}\` changes what runs.`);
  if (what !== "resume") found.trait("availability", `\`kubectl rollout ${what}\` stops what runs.`);
  if (!/^(?:restart|undo|pause|resume)$/.test(what)) found.opaque(`${quoted(`rollout ${what}`)} is not known.`);
  return undefined;
}

/** `--dry-run=client` and `--dry-run=server`, once, beside nothing unknown, where no file is read. */
function rehearsed({ options, sure }: Parsed, found: Findings): boolean {
  const [value, ...more] = options.get("dry-run") ?? [];
  const files = ["filename", "kustomize", "from-file", "from-env-file", "patch-file", "raw", "output"];
  if (!sure || more.length > 0 || files.some((name) => options.has(name))) return false;
  if (value !== "client" && value !== "server") return false;
  found.effect("read", "`--dry-run` only shows what would change.");
  return true;
}

function judgeDeletion(parsed: Parsed, found: Findings, context: KubectlContext): void {
  if (rehearsed(parsed, found)) return;
  const targets = targetsOf(parsed.bare.slice(1));
  const all = ["all", "all-namespaces", "selector", "field-selector"].some((name) => parsed.options.has(name));
  if (targets.length === 0) {
    found.effect("delete", "`kubectl delete` deletes what a file names.");
    for (const manifest of manifestsOf(parsed, found, context)) {
      judgeDelete("`kubectl delete`", kindOf(kindName(manifest)), false, found);
    }
  }
  for (const { kind, named } of targets) {
    judgeDelete(`\`kubectl delete\` of ${quoted(kind.plural)}`, kind, all || !named, found);
    if (kind.rights) escalate("Deleting it changes who may do what.", found);
    found.name("kubernetes_kinds", kind.plural);
  }
}

function judgeCreate(parsed: Parsed, found: Findings, context: KubectlContext): void {
  const what = parsed.bare[1];
  if (what === undefined) return manifestWrite("create")(parsed, found, context);
  const kind = kindOf(what);
  if (what === "token") {
    secret("`kubectl create token` makes a token.", found);
    return escalate("Whoever has the token acts as the service account.", found);
  }
  if (kind.rights) escalate(`\`kubectl create ${what}\` decides who may do what.`, found);
  else if (rehearsed(parsed, found)) return undefined;
  found.name("kubernetes_kinds", kind.plural);
  found.effect("write", `\`kubectl create ${what}\` changes the cluster.`);
  if (kind.workload) {
    found.effect("deploy", `\`kubectl create ${what}\` makes containers run.`);
    found.effect("execute", `\`kubectl create ${what}\` makes containers run.`);
    if (kind.plural === "cronjobs") found.trait("persistence", "A cron job runs again and again.");
  }
  if (kind.secret) found.trait("secret_access", "It holds secrets.");
  if (["from-file", "from-env-file", "cert", "key"].some((name) => parsed.options.has(name))) {
    found.trait("file_access", "It takes the content of a file into the cluster.");
  }
  if (!kind.known) found.opaque(`${quoted(what)} is a kind that is not known.`);
  return undefined;
}

/** A command that writes what a file, a folder or standard input holds. */
function manifestWrite(verb: string): Judge {
  return (parsed, found, context) => {
    found.effect("write", `\`kubectl ${verb}\` writes objects.`);
    if (parsed.options.has("prune")) {
      found.effect("delete", "`--prune` deletes what the files do not name.");
      found.trait("unbounded", "`--prune` deletes what the files do not name.");
    }
    if (parsed.options.has("force")) found.effect("delete", "`--force` deletes the object first.");
    if (parsed.bare.length > 1) found.opaque(`\`kubectl ${verb}\` with names is not known.`);
    for (const manifest of manifestsOf(parsed, found, context)) judgeManifest(manifest, found);
  };
}

function manifestsOf(parsed: Parsed, found: Findings, { manifests = [] }: KubectlContext): readonly Json[] {
  if (manifests.length === 0) found.opaque("The objects stand in files that nobody showed as canonical JSON.");
  if (manifests.length > 1) found.trait("multiple", `${manifests.length} manifests.`);
  for (const path of [...(parsed.options.get("filename") ?? []), ...(parsed.options.get("kustomize") ?? [])]) {
    if (!/^[a-z]+:\/\//i.test(path) && !path.includes("?ref=")) continue;
    found.effect("network", `The objects come from ${quoted(path)}.`);
    found.trait("dynamic_code", `The objects come from ${quoted(path)}.`);
  }
  return manifests;
}

function kindName(manifest: Json): string {
  const kind = typeof manifest === "object" && manifest !== null && "kind" in manifest ? manifest["kind"] : "";
  return typeof kind === "string" ? kind : "";
}

/** A change of named objects by something that is no whole object. */
function judgeChange(verb: string): Judge {
  return (parsed, found) => {
    if (verb === "autoscale" && rehearsed(parsed, found)) return;
    for (const { kind } of targetsOf(parsed.bare.slice(1))) {
      judgeRequest({ verb: "patch", resource: kind.plural, name: "" }, found);
      if (!kind.known) found.opaque(`${quoted(kind.plural)} is a kind that is not known.`);
    }
    found.effect("write", `\`kubectl ${verb}\` changes objects.`);
    if (verb === "edit") found.effect("execute", "`kubectl edit` runs an editor.");
    if (verb !== "autoscale") found.opaque(`What \`kubectl ${verb}\` changes is not a whole object.`);
  };
}

function judgeMark(parsed: Parsed, found: Findings): void {
  const verb = parsed.bare[0] ?? "";
  const marks = parsed.bare.slice(2).join(" ");
  if (/pod-security|aggregate-to-|role-arn|service-account|client-id|apparmor|seccomp/.test(marks)) {
    escalate(`${quoted(marks)} changes protections or identities.`, found);
    found.trait("defence_evasion", `${quoted(marks)} changes protections or identities.`);
  } else if (rehearsed(parsed, found)) return;
  for (const { kind } of targetsOf(parsed.bare.slice(1, 2))) {
    if (kind.rights || kind.plural === "nodes") escalate("Marks on it decide who may do what, and where.", found);
  }
  found.effect("write", `\`kubectl ${verb}\` changes marks.`);
  if (parsed.options.has("all")) found.trait("unbounded", "It changes all of them.");
}

function judgeScale(parsed: Parsed, found: Findings): void {
  if (rehearsed(parsed, found)) return;
  found.effect("write", "`kubectl scale` changes how many run.");
  found.trait("availability", "`kubectl scale` changes how many run.");
}

function judgeSet(parsed: Parsed, found: Findings): void {
  const what = parsed.bare[1] ?? "";
  found.effect("deploy", `\`kubectl set ${what}\` changes what runs.`);
  if (what === "subject" || what === "serviceaccount" || what === "sa") escalate("It changes who may do what.", found);
  if (!/^(?:image|resources|selector|env|subject|serviceaccount|sa)$/.test(what))
    found.opaque(`${quoted(what)} is not known.`);
}

function judgeExpose(_parsed: Parsed, found: Findings): void {
  found.effect("write", "`kubectl expose` makes a service.");
  found.effect("network", "`kubectl expose` changes who can reach something.");
  found.trait("privilege_change", "`kubectl expose` changes who can reach something.");
}

function judgeRun(parsed: Parsed, found: Findings): void {
  found.effect("deploy", "`kubectl run` makes a container run.");
  found.effect("execute", "`kubectl run` makes a container run.");
  found.trait("remote_target", "It runs in the cluster.");
  if (parsed.options.has("privileged") || parsed.options.has("overrides")) {
    escalate("The container may be privileged.", found);
    found.opaque("The overrides may be anything.");
  }
}

function judgeInside(verb: string): Judge {
  return (_parsed, found) => {
    found.effect("execute", `\`kubectl ${verb}\` acts inside a container.`);
    found.trait("remote_target", `\`kubectl ${verb}\` acts inside a container.`);
    found.opaque(`What \`kubectl ${verb}\` does in the container is not known here.`);
  };
}

function judgeDebug(_parsed: Parsed, found: Findings): void {
  found.effect("execute", "`kubectl debug` adds a container to a pod or a node.");
  found.trait("remote_target", "`kubectl debug` acts in a pod or on a node.");
  found.trait("privilege_use", "`kubectl debug` of a node sees the whole machine.");
  escalate("`kubectl debug` runs as the pod or on the machine.", found);
}

function judgeCopy(_parsed: Parsed, found: Findings): void {
  found.effect("write", "`kubectl cp` writes files.");
  found.effect("export", "`kubectl cp` copies files in or out of a container.");
  found.effect("execute", "`kubectl cp` runs `tar` in the container.");
  found.trait("remote_target", "`kubectl cp` acts in a container.");
  found.trait("file_access", "`kubectl cp` copies files.");
}

function judgeTunnel(parsed: Parsed, found: Findings): void {
  const verb = parsed.bare[0] ?? "";
  found.effect("network", `\`kubectl ${verb}\` opens a tunnel.`);
  found.trait("remote_target", `\`kubectl ${verb}\` reaches into the cluster.`);
  if (verb === "proxy") escalate("`kubectl proxy` lends the credentials to whoever reaches it.", found);
  found.opaque("Nobody sees what goes through the tunnel.");
}

function judgeNodes(parsed: Parsed, found: Findings): void {
  const verb = parsed.bare[0] ?? "";
  if (verb !== "drain" && rehearsed(parsed, found)) return;
  found.effect("write", `\`kubectl ${verb}\` changes a node.`);
  found.trait("availability", `\`kubectl ${verb}\` changes where pods run.`);
  if (verb === "drain") found.effect("delete", "`kubectl drain` removes the pods of a node.");
}

function judgeCertificate(parsed: Parsed, found: Findings): void {
  if (parsed.bare[1] === "approve") escalate("An approved certificate is an identity.", found);
  found.effect("write", "It decides on a certificate request.");
}

function secret(because: string, found: Findings): void {
  found.effect("secret.read", because);
  found.trait("secret_access", because);
}

function escalate(because: string, found: Findings): void {
  found.effect("escalate", because);
  found.trait("privilege_change", because);
}
