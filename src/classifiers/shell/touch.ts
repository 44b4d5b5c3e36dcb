import { shown } from "./draft.ts";
import type { Leaf } from "./leaf.ts";
import { isWide, normalPath, readRisk, writeKind } from "./paths.ts";
import type { Word } from "./word.ts";

/** What the content of files may reveal when a command shows it. `deep`: and of everything below a folder. */
export function readContent(leaf: Leaf, word: Word, deep = false): void {
  const { draft, span, script } = leaf;
  const path = word.value ?? word.pattern;
  if (path === null) {
    if (word.files === undefined) draft.opaque(`${shown(leaf.head)} reads a file that is not known.`, span);
    else if (word.files.secret !== null) revealed(leaf, word.files.secret);
    return;
  }
  const absolute = path.startsWith("/") || path.startsWith("~");
  for (const folder of script.folders) {
    if (folder === null && !absolute) draft.opaque(`${shown(leaf.head)} reads in a folder that is not known.`, span);
    const risk = readRisk(path, folder ?? "", word.value === null);
    if (risk?.kind === "unknown") draft.opaque(`${shown(path)} is ${risk.because}.`, span);
    else if (risk !== null) revealed(leaf, `${shown(path)} is ${risk.because}.`);
    if (deep && isWide(normalPath(path, folder ?? ""))) revealed(leaf, `Credentials are kept below ${shown(path)}.`);
  }
}

/** The command shows a secret. */
export function revealed({ draft, span }: Leaf, because: string): void {
  draft.effect("secret.read", because, span);
  draft.trait("secret_access", because, span);
}

/** A file is written, with what that changes. */
export function writeFile(leaf: Leaf, word: Word): void {
  const { draft, span, script } = leaf;
  if (word.value === null) {
    draft.effect("write", "It writes to a file that is not known.", span);
    draft.opaque(`${shown(leaf.head)} writes to a file that is not known.`, span);
    return;
  }
  for (const folder of script.folders) writeTo(leaf, word.value, folder ?? "");
}

function writeTo({ draft, span }: Leaf, path: string, folder: string): void {
  const kind = writeKind(path, folder);
  const to = shown(path);
  if (kind === "nothing") return;
  draft.name("pathsWritten", normalPath(path, folder));
  if (kind === "network") {
    draft.effect("network", `It sends to ${to}.`, span);
    draft.trait("network_egress", `It sends to ${to}.`, span);
    return;
  }
  draft.effect("write", `It writes ${to}.`, span);
  switch (kind) {
    case "device":
      draft.effect("delete", `It overwrites the device ${to}.`, span);
      draft.trait("irreversible", `It overwrites the device ${to}.`, span);
      break;
    case "startup":
      draft.trait("persistence", `What stands in ${to} runs later by itself.`, span);
      draft.trait("code_injection", `What stands in ${to} runs later by itself.`, span);
      break;
    case "rights":
      draft.effect("escalate", `${to} says who may do what.`, span);
      draft.trait("privilege_change", `${to} says who may do what.`, span);
      break;
    case "log":
      draft.trait("defence_evasion", `${to} is a record of what happened.`, span);
      break;
    case "system":
      draft.trait("privilege_use", `${to} belongs to the system.`, span);
      break;
    case "file":
      break;
    default:
      kind satisfies never;
  }
}

/** A path is deleted for good. */
export function deleteFile(leaf: Leaf, word: Word): void {
  const { draft, span, script } = leaf;
  if (word.value === null) {
    draft.opaque(`${shown(leaf.head)} deletes what is not known.`, span);
    if (word.pattern !== null) draft.trait("unbounded", `It deletes all that ${shown(word.pattern)} matches.`, span);
    return;
  }
  for (const folder of script.folders) {
    const path = normalPath(word.value, folder ?? "");
    draft.name("pathsDeleted", path);
    if (writeKind(path) === "log") draft.trait("defence_evasion", `${shown(path)} is a record of what happened.`, span);
    if (isWide(path) || path === ".") draft.trait("unbounded", `It deletes all of ${shown(path)}.`, span);
  }
}

/** A host is contacted, whatever is sent there. */
export function contact(leaf: Leaf, host: string | null, because: string): void {
  leaf.draft.effect("network", because, leaf.span);
  if (host !== null) leaf.draft.name("hosts", host.toLowerCase());
}

/** The host in a URL, in `user@host:path` or `host:port`; null when there is none. */
export function hostIn(text: string): string | null {
  const authority =
    /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(text)?.[1] ?? /^([^/]*?)(?::[^/]*)?(?:\/|$)/.exec(text)?.[1];
  const host = authority?.replace(/^.*@/, "").replace(/:\d*$/, "") ?? "";
  return /^[\w.[\]:%-]+$/.test(host) ? host : null;
}

/** Whether a host is this machine, so that nothing leaves it. */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);
}
