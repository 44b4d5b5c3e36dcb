import { isJsonList, isJsonObject } from "../../core/action/index.ts";
import type { Json } from "../../core/action/index.ts";

/** What a text inside the arguments looks like. A text may look like several things; then it stands there once for each. */
export type EmbeddedKind = "sql" | "shell" | "url" | "path";

/**
 * A text of the arguments for the classifier of its kind, and where it stands (RFC 6901). By its argument's name alone it may
 * be of another kind, as a search's `query` is no SQL; by its form it looks like what it is called.
 */
export type Embedded = {
  readonly kind: EmbeddedKind;
  readonly text: string;
  readonly pointer: string;
  readonly by: "name" | "form";
};

/** Texts that one call may hand on, values that are looked at, how deep they may lie, and characters of one text. */
export const EMBEDDED_MAX = 64;
const NODES_MAX = 50_000;
const DEPTH_MAX = 64;
const TEXT_CHARS_MAX = 1_048_576;

/** Characters at the beginning of a text by which its form is told. */
const FORM_CHARS = 4_096;

/** Names of arguments that say what they hold, whatever it looks like. */
const NAMED: readonly (readonly [RegExp, EmbeddedKind])[] = [
  [/^(?:sql|query|statement|stmt|queries|statements|cypher|where|filter_sql)$/i, "sql"],
  [/^(?:cmd|command|commands|script|shell|bash|exec|args|argv|cmdline|command_?line|run|entrypoint)$/i, "shell"],
  [/^(?:url|uri|endpoint|href|link|webhook|callback|host|hostname|base_?url|urls|target_?url|address)$/i, "url"],
  [
    /^(?:path|paths|file|files|filename|file_?path|dir|directory|folder|cwd|source|destination|dest|src|target)$/i,
    "path",
  ],
];

const SQL =
  /^(?:[\s(;]|--[^\n]*\n|\/\*(?:[^*]|\*(?!\/))*\*\/)*(?:select|insert|update|delete|merge|replace|with|create|alter|drop|truncate|rename|grant|revoke|copy|load|import|explain|call|do|set|reset|show|use|begin|start|commit|rollback|vacuum|analyze|optimize|refresh|reindex|cluster|comment|notify|listen|lock|unlock|execute|prepare|deallocate|declare|fetch|move|values|table|pragma|attach|detach|kill|shutdown|handler|reassign|checkpoint|discard|security)\b/i;
const SHELL =
  /^\s*(?:sudo|bash|sh|zsh|rm|curl|wget|kubectl|aws|gcloud|az|terraform|helm|docker|podman|ssh|scp|git|npm|npx|pip|python3?|node|perl|ruby|psql|mysql|chmod|chown|cat|echo|find|systemctl|kill|nc|ncat|tar|dd|mkfs|cp|mv|ls)\s|[|;&]{1,2}\s*(?:sh|bash|sudo|rm|curl|wget)\b|\$\(|`[^`\n]+`|^#!\//;
const URL_LIKE = /^[a-z][a-z0-9+.-]{1,20}:\/\/\S/i;
const PATH_LIKE = /^(?:~|\.{1,2})?\/(?![*/])\S|^[A-Za-z]:\\|(?:^|\/)\.\.(?:\/|$)|^file:/;

/** Finds what the arguments hold for other classifiers; `whole` is false when a limit left something unread. */
export function findEmbedded(value: Json): { readonly embedded: readonly Embedded[]; readonly whole: boolean } {
  const embedded: Embedded[] = [];
  const waiting: { readonly value: Json; readonly name: string; readonly pointer: string; readonly depth: number }[] = [
    { value, name: "", pointer: "", depth: 0 },
  ];
  let seen = 1;
  let whole = true;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { name, pointer, depth } = next;
    if (typeof next.value === "string") {
      whole &&= add(next.value, name, pointer, embedded);
      continue;
    }
    // Members keep the name of their list: `commands: ["ls", "rm"]`.
    const children = childrenOf(next.value, name);
    seen += children.length;
    if (seen > NODES_MAX || depth >= DEPTH_MAX) {
      whole = false;
      continue;
    }
    for (const child of children.toReversed()) {
      waiting.push({
        value: child.value,
        name: child.name,
        pointer: `${pointer}/${escaped(child.key)}`,
        depth: depth + 1,
      });
    }
  }
  return { embedded, whole };
}

type Child = { readonly key: string; readonly name: string; readonly value: Json };

function childrenOf(value: Json, name: string): readonly Child[] {
  if (isJsonList(value)) return value.map((item, at) => ({ key: String(at), name, value: item }));
  if (!isJsonObject(value)) return [];
  return Object.entries<Json>(value).map(([key, item]) => ({ key, name: key, value: item }));
}

/** Adds a text once for each kind that it may be; false when there is no room or it is too long to be looked at. */
function add(text: string, name: string, pointer: string, embedded: Embedded[]): boolean {
  if (text.trim() === "") return true;
  const long = text.length > TEXT_CHARS_MAX;
  for (const [kind, by] of long ? [] : kindsOf(text, name)) {
    if (embedded.length >= EMBEDDED_MAX) return false;
    embedded.push({ kind, text, pointer, by });
  }
  return !long;
}

function kindsOf(text: string, name: string): ReadonlyMap<EmbeddedKind, Embedded["by"]> {
  const kinds = new Map<EmbeddedKind, Embedded["by"]>();
  for (const [names, kind] of NAMED) if (names.test(name.slice(0, 64))) kinds.set(kind, "name");
  // Only the beginning decides: what begins as prose and holds a command is prose for the tool as well.
  const start = text.trimStart().slice(0, FORM_CHARS);
  if (SQL.test(start)) kinds.set("sql", "form");
  if (SHELL.test(start)) kinds.set("shell", "form");
  if (URL_LIKE.test(start)) kinds.set("url", "form");
  if (PATH_LIKE.test(start)) kinds.set("path", "form");
  return kinds;
}

/** RFC 6901 §3: `~` becomes `~0`, `/` becomes `~1`. */
function escaped(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}
