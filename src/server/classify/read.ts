import { loadCloud } from "../../classifiers/cloud/index.ts";
import type { CloudClassifier } from "../../classifiers/cloud/index.ts";
import { classifyHttp } from "../../classifiers/http/index.ts";
import type { HttpRequest } from "../../classifiers/http/index.ts";
import { classifyKubectl, classifyKubernetesApi } from "../../classifiers/kubernetes/index.ts";
import type { KubernetesRequest } from "../../classifiers/kubernetes/index.ts";
import { classifyTool, joinEmbedded } from "../../classifiers/mcp/index.ts";
import { loadShell, withEmbedded } from "../../classifiers/shell/index.ts";
import type { ShellClassification, ShellClassifier } from "../../classifiers/shell/index.ts";
import { loadSql } from "../../classifiers/sql/index.ts";
import type { SqlClassifier, SqlOptions } from "../../classifiers/sql/index.ts";
import { classifyPlan, classifyTerraformArgv } from "../../classifiers/terraform/index.ts";
import { isJsonList, isJsonObject, parseJson } from "../../core/action/index.ts";
import type { Json } from "../../core/action/index.ts";
import type { Classification, RequestRule } from "../../core/risk/index.ts";
import { relationTags } from "./tags.ts";
import { opaque } from "./text.ts";
import type { ReaderSettings, Text } from "./text.ts";

/** Parts within parts: SQL in a command line in a tool's argument. */
const LEVELS_MAX = 5;

/** Reads texts with the classifier of their kind, parts within them too. It never throws. */
export type Reader = {
  readonly read: (text: Text) => Classification;
  /** Whether a parser failed for good; only another process or worker can read on. */
  readonly broken: () => boolean;
};

/** What reading works with. */
type Parsers = {
  readonly sql: SqlClassifier;
  readonly shell: ShellClassifier;
  readonly cloud: CloudClassifier;
  readonly sensitive: SqlOptions["sensitive"];
  readonly requests: readonly RequestRule[];
  readonly functions: ReadonlySet<string>;
};

/** Loads all parsers. */
export async function openReader({ resources, unlabelled, requests, functions = [] }: ReaderSettings): Promise<Reader> {
  const [sql, shell] = await Promise.all([loadSql(), loadShell()]);
  const sensitive = relationTags(resources, unlabelled);
  const parsers = { sql, shell, cloud: loadCloud(), sensitive, requests, functions: new Set(functions) };
  const read = (text: Text): Classification => {
    try {
      return readAt(parsers, text, 0);
    } catch (error) {
      // Such as a plan that is no JSON, or a stack that a hostile text used up.
      return opaque(`It could not be read as ${text.kind}: ${error instanceof Error ? error.name : "unknown error"}.`);
    }
  };
  return { read, broken: () => sql.broken() || shell.isBroken() };
}

/** One text; `level` counts the texts that it stands in. */
function readAt(parsers: Parsers, text: Text, level: number): Classification {
  const { kind, value, pointer } = text;
  if (level > LEVELS_MAX) return opaque(`More than ${LEVELS_MAX} texts stand within each other.`);
  if (holdsNul(value)) return opaque("It holds a NUL, where some programs stop reading.");
  switch (kind) {
    case "sql":
      return readSql(parsers, text);
    case "shell":
      if (typeof value !== "string") return opaque("It is not a text.");
      return settle(parsers, parsers.shell.classifyScript(value, { pointer }), text, level);
    case "argv":
      return words(value, (argv) => settle(parsers, parsers.shell.classifyArgv(argv, { pointer }), text, level));
    case "aws":
      return words(value, parsers.cloud.classifyAws);
    case "gcloud":
      return words(value, parsers.cloud.classifyGcloud);
    case "az":
      return words(value, parsers.cloud.classifyAz);
    case "kubectl":
      return words(value, classifyKubectl);
    case "terraform":
      return words(value, classifyTerraformArgv);
    case "terraform-plan":
      return classifyPlan(typeof value === "string" ? parseJson(value) : value);
    case "kubernetes":
      return isApiRequest(value) ? classifyKubernetesApi(value) : opaque("It is not a request to Kubernetes.");
    case "http": {
      const request = typeof value === "string" ? { method: "GET", url: value } : value;
      return isHttpRequest(request) ? classifyHttp(request, parsers.requests) : opaque("It is not an HTTP request.");
    }
    case "mcp":
      return readTool(parsers, text, level);
    default:
      return kind satisfies never;
  }
}

function readSql({ sql, sensitive, functions }: Parsers, { value, pointer, pinned }: Text): Classification {
  if (typeof value !== "string") return opaque("It is not a text.");
  const session = pinned ? { session: { standardConformingStrings: true, searchPathPinned: true } } : {};
  return sql.classify(value, { pointer, functions, ...session, ...(sensitive === undefined ? {} : { sensitive }) });
}

/** A command line with the parts that other tools run. The gate pins nothing of a session that `psql` opens. */
function settle(parsers: Parsers, found: ShellClassification, text: Text, level: number): Classification {
  const within = { pointer: text.pointer, pinned: false, tool: null };
  const answers = found.embedded.map((part) => {
    switch (part.kind) {
      case "sql":
        return readAt(parsers, { ...within, kind: "sql", value: part.text }, level + 1);
      case "http":
        return readAt(parsers, { ...within, kind: "http", value: { method: part.method, url: part.url } }, level + 1);
      case "aws":
      case "gcloud":
      case "az":
      case "kubectl":
      case "terraform":
        return readAt(parsers, { ...within, kind: part.kind, value: part.argv.slice(1) }, level + 1);
      default:
        return part satisfies never;
    }
  });
  return withEmbedded(found, answers);
}

/** A call of a tool, with whatever its arguments hold. */
function readTool(parsers: Parsers, text: Text, level: number): Classification {
  if (!isJsonObject(text.value)) return opaque("The arguments are not an object.");
  const { name, effects } = text.tool ?? { name: "", effects: [] };
  const call = classifyTool({ server: "", tool: name, declaredEffects: effects, arguments: text.value });
  const judged = call.embedded.map((part) => {
    const inner = { value: part.text, pointer: `${text.pointer}${part.pointer}`, pinned: false, tool: null };
    switch (part.kind) {
      case "sql":
      case "shell":
        return readAt(parsers, { ...inner, kind: part.kind }, level + 1);
      case "url":
        return readAt(parsers, { ...inner, kind: "http" }, level + 1);
      case "path": // What a path reveals is what reading it would.
        return readAt(parsers, { ...inner, kind: "argv", value: ["cat", "--", part.text] }, level + 1);
      default:
        return part.kind satisfies never;
    }
  });
  return joinEmbedded(call, judged);
}

function words(value: Json, classify: (argv: readonly string[]) => Classification): Classification {
  if (!isJsonList(value)) return opaque("It is not a list of words.");
  const argv = value.filter((word) => typeof word === "string");
  return argv.length === value.length ? classify(argv) : opaque("It is not a list of words.");
}

/** Anywhere in it; a text that only writes the escape is held as well, which nobody needs. */
function holdsNul(value: Json): boolean {
  return typeof value === "string" ? value.includes("\0") : JSON.stringify(value).includes("\\u0000");
}

function isApiRequest(value: Json): value is Json & KubernetesRequest {
  if (!isJsonObject(value)) return false;
  const known = new Set(["verb", "group", "resource", "subresource", "namespace", "name", "object"]);
  return (
    typeof value["verb"] === "string" &&
    typeof value["resource"] === "string" &&
    Object.entries(value).every(([name, one]) => known.has(name) && (name === "object" || typeof one === "string"))
  );
}

function isHttpRequest(value: Json): value is Json & HttpRequest {
  if (!isJsonObject(value)) return false;
  const { method, url, headers = [], body = "", ...rest } = value;
  return (
    typeof method === "string" &&
    typeof url === "string" &&
    isJsonList(headers) &&
    headers.every((name) => typeof name === "string") &&
    (typeof body === "string" || typeof body === "number") &&
    Object.keys(rest).length === 0
  );
}
