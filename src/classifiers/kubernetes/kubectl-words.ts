import { quoted } from "../../core/risk/index.ts";
import type { Findings } from "../../core/risk/index.ts";

/** A word of a command line; null is one whose text is not known before it runs. */
export type Word = string | null;

/** A command line as kubectl reads it: words that are no options, options by their long names, and what follows `--`. */
export type Parsed = {
  readonly bare: readonly string[];
  readonly options: ReadonlyMap<string, readonly string[]>;
  readonly after: readonly Word[] | null;
  /** False when an option is not known, so that a word may have been its value. */
  readonly sure: boolean;
};

/** Words of one command line, and characters of all of them together. */
const WORDS_MAX = 2_000;
const CHARS_MAX = 1_048_576;

/** Characters of a word that is no option: a list of kinds, a name. */
const BARE_CHARS_MAX = 4_096;

/** Options that take a value. Source: kubectl's reference. */
const VALUED = words(`namespace context cluster user kubeconfig server token as as-group as-uid certificate-authority
client-certificate client-key tls-server-name username password request-timeout cache-dir v vmodule profile
profile-output kuberc output selector sort-by field-selector label-columns chunk-size subresource template filename
kustomize raw container tail since since-time limit-bytes max-log-requests pod-running-timeout timeout revision
to-revision for types api-group api-version verbs categories grace-period dry-run cascade patch type field-manager
replicas current-replicas resource-version image overrides restart env port target-port labels annotations command-line
from-file from-literal from-env-file image-pull-policy serviceaccount role clusterrole verb resource resource-name group
group-name schedule duration audience bound-object-kind bound-object-name target profile-name set-image copy-to
pod-selector delete-emptydir-data-timeout skip-wait-for-deletion-timeout min max cpu-percent requests limits external-ip
protocol address docker-server docker-username docker-password docker-email cert key prune-allowlist patch-file
override-type attach-detach keys from prefix-env non-resource-url aggregation-rule hard scopes value description class
rule default-backend annotation external-name tcp node-port clusterip min-available max-unavailable accept-hosts
accept-paths reject-paths reject-methods api-prefix www www-prefix unix-socket`);

/** Options that take none, or one only after `=`. */
const SWITCHES = words(`all-namespaces watch watch-only show-labels no-headers ignore-not-found show-kind
show-managed-fields output-watch-events server-print allow-missing-template-keys follow previous timestamps
all-containers all-pods prefix ignore-errors show-events containers sum use-protocol-buffers show-capacity recursive
namespaced cached client short quiet list all minify flatten merge help wait now force ignore-daemonsets
delete-emptydir-data disable-eviction overwrite local record save-config stdin tty privileged rm expose command prune
server-side force-conflicts validate no-pager warnings-as-errors disable-compression match-server-version stdin-once
edit keep-annotations interactive no-preserve retries list-all ready-only`);

const SHORT: ReadonlyMap<string, string> = new Map([
  ["n", "namespace"],
  ["o", "output"],
  ["l", "selector"],
  ["A", "all-namespaces"],
  ["w", "watch"],
  ["L", "label-columns"],
  ["f", "filename"],
  ["k", "kustomize"],
  ["R", "recursive"],
  ["s", "server"],
  ["c", "container"],
  ["p", "previous"],
  ["q", "quiet"],
  ["i", "stdin"],
  ["t", "tty"],
  ["h", "help"],
  ["v", "v"],
]);

/** In `kubectl logs`, `-f` follows; in `kubectl patch`, `-p` is the patch. */
const SHORT_OF: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map([
  ["logs", new Map([["f", "follow"]])],
  ["log", new Map([["f", "follow"]])],
  ["patch", new Map([["p", "patch"]])],
]);

/** Reads a command line, of the words after `kubectl`. Null when it is beyond the limits or its verb is not known. */
export function parseKubectl(line: readonly Word[], found: Findings): Parsed | null {
  const chars = line.reduce((sum, word) => sum + (word?.length ?? 0), 0);
  if (line.length > WORDS_MAX || chars > CHARS_MAX) {
    found.opaque(`The command line has more than ${WORDS_MAX} words or ${CHARS_MAX} characters.`);
    return null;
  }
  const bare: string[] = [];
  const options = new Map<string, string[]>();
  let sure = true;
  let at = 0;
  const take = (name: string, value: string | null): void => {
    if (value === null) sure = false;
    else options.set(name, [...(options.get(name) ?? []), value]);
  };
  for (; at < line.length && line[at] !== "--"; at += 1) {
    const word = line[at] ?? null;
    if (word === null) sure = false;
    else if (!word.startsWith("-") || word === "-") bare.push(word);
    else {
      const read = readOption(word, bare[0] ?? "");
      if (read === null) {
        found.opaque(`${quoted(word)} is not an option of kubectl that is known.`);
        sure = false;
        continue;
      }
      for (const { name, value } of read) {
        if (value !== undefined) take(name, value);
        else take(name, line[(at += 1)] ?? null);
      }
    }
  }
  if (bare.some((word) => word.length > BARE_CHARS_MAX)) {
    found.opaque(`A word has more than ${BARE_CHARS_MAX} characters.`);
    return null;
  }
  if (!sure) found.opaque("A word is not known, so that it may be an option or a name.");
  return { bare, options, sure, after: at < line.length ? line.slice(at + 1) : null };
}

type Read = { readonly name: string; readonly value: string | undefined };

/** The options in one word; a value that is undefined is the next word. */
function readOption(word: string, verb: string): readonly Read[] | null {
  if (!word.startsWith("--")) return readShort(word.slice(1), verb);
  const equals = word.indexOf("=");
  const name = word.slice(2, equals < 0 ? undefined : equals);
  // `kubectl config view --raw` takes none, `kubectl get --raw` takes a path.
  if (SWITCHES.has(name) || (name === "raw" && verb === "config")) {
    return [{ name, value: equals < 0 ? "true" : word.slice(equals + 1) }];
  }
  if (!VALUED.has(name)) return null;
  // `--dry-run` alone was once `client`, and is an error now: it is never taken for a rehearsal.
  if (name === "dry-run" || name === "cascade") {
    return [{ name, value: equals < 0 ? "" : word.slice(equals + 1) }];
  }
  return [{ name, value: equals < 0 ? undefined : word.slice(equals + 1) }];
}

/** `-it`, `-nprod`, `-Aowide`, `-n=prod`. */
function readShort(letters: string, verb: string): readonly Read[] | null {
  const read: Read[] = [];
  for (let at = 0; at < letters.length; at += 1) {
    const letter = letters[at] ?? "";
    const name = SHORT_OF.get(verb)?.get(letter) ?? SHORT.get(letter);
    if (name === undefined) return null;
    const rest = letters.slice(at + 1);
    if (SWITCHES.has(name)) {
      if (rest.startsWith("=")) return [...read, { name, value: rest.slice(1) }];
      read.push({ name, value: "true" });
    } else return [...read, { name, value: rest === "" ? undefined : rest.replace(/^=/, "") }];
  }
  return read;
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/));
}
