import { jsonAt, jsonItems, jsonMembers, jsonText, jsonTexts } from "../../core/action/index.ts";
import type { Json } from "../../core/action/index.ts";
import { quoted } from "../../core/risk/index.ts";
import type { Findings } from "../../core/risk/index.ts";

/** Where the pod stands in each kind of workload. */
const POD_PATHS: ReadonlyMap<string, readonly string[]> = new Map([
  ["pods", ["spec"]],
  ["podtemplates", ["template", "spec"]],
  ["cronjobs", ["spec", "jobTemplate", "spec", "template", "spec"]],
]);
const TEMPLATE_PATH = ["spec", "template", "spec"];

/** Capabilities with which a container is not much of a container any more. */
const GRAVE_CAPABILITIES =
  /^(?:CAP_)?(?:ALL|SYS_ADMIN|SYS_PTRACE|SYS_MODULE|SYS_RAWIO|NET_ADMIN|NET_RAW|DAC_READ_SEARCH|DAC_OVERRIDE|BPF|SYS_BOOT|SYS_TIME|SETUID|SETGID|MKNOD)$/;

/** What the pods of a workload may do beyond running. */
export function judgePod(plural: string, object: Json, found: Findings): void {
  const spec = jsonAt(object, ...(POD_PATHS.get(plural) ?? TEMPLATE_PATH));
  if (spec === undefined) return found.opaque("The workload has no pod that could be read.");
  if (plural === "cronjobs") found.trait("persistence", "A cron job runs again and again.");
  if (plural === "daemonsets") found.trait("unbounded", "A daemon set runs on every node.");
  for (const shared of ["hostNetwork", "hostPID", "hostIPC"]) {
    if (jsonAt(spec, shared) === true) escape(`\`${shared}\` shares the machine's own.`, found);
  }
  if (jsonAt(spec, "hostUsers") === true) found.trait("privilege_use", "It runs as users of the machine.");
  if (jsonText(jsonAt(spec, "nodeName")) !== "") found.trait("remote_target", "It chooses its node itself.");
  const account = jsonText(jsonAt(spec, "serviceAccountName")) || jsonText(jsonAt(spec, "serviceAccount"));
  if (account !== "" && account !== "default") found.trait("privilege_use", `It runs as ${quoted(account)}.`);
  if (account !== "") found.name("kubernetes_service_accounts", account);
  for (const volume of jsonItems(jsonAt(spec, "volumes"))) judgeVolume(volume, found);
  judgeSecurity(jsonAt(spec, "securityContext"), found);
  for (const list of ["containers", "initContainers", "ephemeralContainers"]) {
    for (const container of jsonItems(jsonAt(spec, list))) judgeContainer(container, found);
  }
  return undefined;
}

function judgeContainer(container: Json, found: Findings): void {
  const image = jsonText(jsonAt(container, "image"));
  if (image !== "") found.name("images", image);
  if (jsonItems(jsonAt(container, "command")).length + jsonItems(jsonAt(container, "args")).length > 0) {
    found.effect("execute", "The container runs a command of the manifest.");
  }
  judgeSecurity(jsonAt(container, "securityContext"), found);
  for (const name of ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"]) {
    if (JSON.stringify(jsonAt(container, name) ?? null).includes('"exec"')) {
      found.effect("execute", `\`${name}\` runs a command of the manifest.`);
    }
  }
  const environment = [...jsonItems(jsonAt(container, "env")), ...jsonItems(jsonAt(container, "envFrom"))];
  const reads = environment.some(
    (item) => jsonAt(item, "valueFrom", "secretKeyRef") !== undefined || jsonAt(item, "secretRef") !== undefined,
  );
  if (reads) found.trait("secret_access", "The container gets secrets as its environment.");
  if (jsonItems(jsonAt(container, "ports")).some((port) => Number(jsonAt(port, "hostPort") ?? 0) > 0)) {
    found.effect("network", "The container listens on a port of the machine.");
  }
}

function judgeVolume(volume: Json, found: Findings): void {
  const path = jsonAt(volume, "hostPath", "path");
  if (jsonAt(volume, "hostPath") !== undefined) {
    escape(`It mounts ${quoted(jsonText(path))} of the machine.`, found);
    found.trait("file_access", `It mounts ${quoted(jsonText(path))} of the machine.`);
  }
  if (jsonAt(volume, "secret") !== undefined) found.trait("secret_access", "It mounts a secret.");
  for (const source of jsonItems(jsonAt(volume, "projected", "sources"))) {
    if (jsonAt(source, "serviceAccountToken") !== undefined || jsonAt(source, "secret") !== undefined) {
      found.trait("secret_access", "It mounts a token or a secret.");
    }
  }
}

function judgeSecurity(context: Json | undefined, found: Findings): void {
  if (jsonAt(context, "privileged") === true) escape("A privileged container is root on the machine.", found);
  if (jsonAt(context, "allowPrivilegeEscalation") === true) found.trait("privilege_use", "It may gain privileges.");
  if (jsonAt(context, "runAsUser") === 0) found.trait("privilege_use", "It runs as root.");
  if (jsonText(jsonAt(context, "procMount")) === "Unmasked") escape("It sees the machine's `/proc`.", found);
  for (const capability of jsonTexts(jsonAt(context, "capabilities", "add"))) {
    if (GRAVE_CAPABILITIES.test(capability)) escape(`It has the capability ${quoted(capability)}.`, found);
    else found.trait("privilege_use", `It has the capability ${quoted(capability)}.`);
  }
  for (const [name, profile] of jsonMembers(context)) {
    if (name.endsWith("Profile") && jsonText(jsonAt(profile, "type")) === "Unconfined") {
      found.trait("defence_evasion", `${quoted(name)} is unconfined.`);
    }
  }
}

function escape(because: string, found: Findings): void {
  found.effect("escalate", because);
  found.trait("privilege_use", because);
}
