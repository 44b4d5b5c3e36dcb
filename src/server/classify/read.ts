import { loadCloud } from "../../classifiers/cloud/index.ts";
import { classifyHttp } from "../../classifiers/http/index.ts";
import type { HttpRequest } from "../../classifiers/http/index.ts";
import { classifyKubectl, classifyKubernetesApi } from "../../classifiers/kubernetes/index.ts";
import type { KubernetesRequest } from "../../classifiers/kubernetes/index.ts";
import { classifyTool, joinEmbedded } from "../../classifiers/mcp/index.ts";
import { loadShell, withEmbedded } from "../../classifiers/shell/index.ts";
import type { ShellClassification } from "../../classifiers/shell/index.ts";
import { loadSql } from "../../classifiers/sql/index.ts";
import { classifyPlan, classifyTerraformArgv } from "../../classifiers/terraform/index.ts";
import { isJsonList, isJsonObject, parseJson } from "../../core/action/index.ts";
import type { Json } from "../../core/action/index.ts";
import type { Classification } from "../../core/risk/index.ts";
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

/** Loads all parsers. */
export async function openReader({ resources, requests }: ReaderSettings): Promise<Reader> {
  const [sql, shell] = await Promise.all([loadSql(), loadShell()]);
  const cloud = loadCloud();
  const sensitive = relationTags(resources);

  const settle = (found: ShellClassification, text: Text, level: number): Classification => {
    const within = { ...text, pinned: false, tool: null };
    return withEmbedded(
      found,
      found.embedded.map((part) => {
        switch (part.kind) {
          case "sql":
            return at({ ...within, kind: "sql", value: part.text }, level + 1);
          case "http":
            return at({ ...within, kind: "http", value: { method: part.method, url: part.url } }, level + 1);
          case "aws":
          case "gcloud":
          case "az":
          case "kubectl":
          case "terraform":
            return at({ ...within, kind: part.kind, value: part.argv.slice(1) }, level + 1);
          default:
            return part satisfies never;
        }
      }),
    );
  };

  const readTool = (text: Text, level: number): Classification => {
    if (!isJsonObject(text.value)) return opaque("The arguments are not an object.");
    const { name, effects } = text.tool ?? { name: "", effects: [] };
    const call = classifyTool({ server: "", tool: name, declaredEffects: effects, arguments: text.value });
    const judged = call.embedded.map((part) => {
      const inner = { kind: "shell", value: part.text, pinned: false, tool: null } as const;
      const pointer = `${text.pointer}${part.pointer}`;
      switch (part.kind) {
        case "sql":
          return at({ ...inner, kind: "sql", pointer }, level + 1);
        case "shell":
          return at({ ...inner, pointer }, level + 1);
        case "url":
          return at({ ...inner, kind: "http", pointer }, level + 1);
        case "path": // What a path reveals is what reading it would.
          return at({ ...inner, kind: "argv", value: ["cat", "--", part.text], pointer }, level + 1);
        default:
          return part.kind satisfies never;
      }
    });
    return joinEmbedded(call, judged);
  };

  const at = (text: Text, level: number): Classification => {
    if (level > LEVELS_MAX) return opaque(`More than ${LEVELS_MAX} texts stand within each other.`);
    const { kind, value, pointer, pinned } = text;
    switch (kind) {
      case "sql": {
        if (typeof value !== "string") return opaque("It is not a text.");
        const session = pinned ? { session: { standardConformingStrings: true, searchPathPinned: true } } : {};
        return sql.classify(value, { pointer, ...session, ...(sensitive === undefined ? {} : { sensitive }) });
      }
      case "shell":
        if (typeof value !== "string") return opaque("It is not a text.");
        return settle(shell.classifyScript(value, { pointer }), text, level);
      case "argv":
        return words(value, (argv) => settle(shell.classifyArgv(argv, { pointer }), text, level));
      case "aws":
        return words(value, cloud.classifyAws);
      case "gcloud":
        return words(value, cloud.classifyGcloud);
      case "az":
        return words(value, cloud.classifyAz);
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
        return isHttpRequest(request) ? classifyHttp(request, requests) : opaque("It is not an HTTP request.");
      }
      case "mcp":
        return readTool(text, level);
      default:
        return kind satisfies never;
    }
  };

  const read = (text: Text): Classification => {
    try {
      return at(text, 0);
    } catch (error) {
      // Such as a plan that is no JSON, or a stack that a hostile text used up.
      return opaque(`It could not be read as ${text.kind}: ${error instanceof Error ? error.name : "unknown error"}.`);
    }
  };
  return { read, broken: () => sql.broken() || shell.isBroken() };
}

function words(value: Json, classify: (argv: readonly string[]) => Classification): Classification {
  if (!isJsonList(value)) return opaque("It is not a list of words.");
  const argv = value.filter((word) => typeof word === "string");
  return argv.length === value.length ? classify(argv) : opaque("It is not a list of words.");
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
