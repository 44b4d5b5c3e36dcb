import { canonicalBytes, digest, isJsonObject, jsonItems, parseJson } from "../../core/action/index.ts";
import type { Json, JsonObject } from "../../core/action/index.ts";
import { McpError } from "./errors.ts";
import { TOOLS_MAX } from "./limits.ts";
import type { StateFolder } from "./state-folder.ts";
import { readStateFile, writeStateFile } from "./state-folder.ts";

const FILE = "definitions.json";
const SEEN_MAX = 50_000;

/** What to do with a tool that was never seen: take it as it is, or refuse it until an operator accepts it. */
export type FirstSight = "record" | "refuse";

/** Whether a tool is what it was when it was accepted. */
export type Standing = "accepted" | "new" | "changed";

type Entry = { readonly accepted: string | null; readonly seen: string };

/** The definitions that this gateway has seen, and those it goes by. The file is shared by all of its sessions. */
export class Definitions {
  readonly #folder: StateFolder;
  readonly #firstSight: FirstSight;
  #entries: Map<string, Entry>;

  constructor(folder: StateFolder, firstSight: FirstSight) {
    this.#folder = folder;
    this.#firstSight = firstSight;
    this.#entries = load(folder);
  }

  /** Looks at definitions as the upstream lists them now, and remembers them. */
  look(server: string, listed: ReadonlyMap<string, string>): ReadonlyMap<string, Standing> {
    const unknown = [...listed].some(([tool, digested]) => this.#accepted(server, tool) !== digested);
    // An operator may have accepted them meanwhile, and another session may have seen them.
    if (unknown) this.#entries = load(this.#folder);
    let changed = false;
    const standings = new Map<string, Standing>();
    for (const [tool, seen] of listed) {
      const known = this.#entries.get(keyOf(server, tool)) ?? { accepted: null, seen: "" };
      const takes = known.accepted === null && this.#firstSight === "record";
      const accepted = takes ? seen : known.accepted;
      standings.set(tool, accepted === seen ? "accepted" : accepted === null ? "new" : "changed");
      if (accepted === known.accepted && seen === known.seen) continue;
      this.#entries.set(keyOf(server, tool), { accepted, seen });
      changed = true;
    }
    if (changed) this.#save();
    return standings;
  }

  /** Whether a tool that is not listed now was accepted once. */
  wasAccepted(server: string, tool: string): boolean {
    return this.#accepted(server, tool) !== null;
  }

  #accepted(server: string, tool: string): string | null {
    return this.#entries.get(keyOf(server, tool))?.accepted ?? null;
  }

  #save(): void {
    if (this.#entries.size > SEEN_MAX) {
      const message = `more than ${SEEN_MAX} tools were seen; remove ${FILE} from the gateway's folder and accept anew`;
      throw new McpError({ code: "state_folder", message });
    }
    store(this.#folder, this.#entries);
  }
}

/** What an operator has to look at: tools whose definition is another one than was accepted. */
export function waitingDefinitions(folder: StateFolder): readonly { server: string; tool: string; isNew: boolean }[] {
  return [...load(folder)]
    .filter(([, { accepted, seen }]) => accepted !== seen)
    .map(([key, { accepted }]) => {
      const slash = key.indexOf("/");
      return { server: key.slice(0, slash), tool: key.slice(slash + 1), isNew: accepted === null };
    });
}

/** Accepts the definitions last seen of one tool, or of all tools of a server; answers which were accepted. */
export function acceptDefinitions(folder: StateFolder, server: string, tool: string | null): readonly string[] {
  const entries = load(folder);
  const chosen = waitingDefinitions(folder).filter((one) => one.server === server && (tool ?? one.tool) === one.tool);
  for (const one of chosen) {
    const key = keyOf(one.server, one.tool);
    const { seen = null } = entries.get(key) ?? {};
    if (seen !== null) entries.set(key, { accepted: seen, seen });
  }
  if (chosen.length > 0) store(folder, entries);
  return chosen.map((one) => keyOf(one.server, one.tool));
}

/**
 * The digest of a tool as it is listed: name, titles, descriptions, schemas, annotations, icons, and whatever else stands
 * there, because a model reads all of it. `_meta` is left out, as it is of calls: the protocol's own bookkeeping.
 */
export function definitionDigest(tool: JsonObject): string {
  const { _meta: _, ...rest } = tool;
  // Numbers that are not exact stand in some schemas; they are compared as they are written.
  return digest(canonicalBytes(exact(rest)));
}

/** The tools of a result of `tools/list`. */
export function toolsOf(result: Json | undefined): readonly (JsonObject & { readonly name: string })[] {
  if (!isJsonObject(result)) return [];
  const tools = jsonItems(result["tools"]).slice(0, TOOLS_MAX);
  return tools.flatMap((tool) => {
    if (!isJsonObject(tool)) return [];
    const { name } = tool;
    return typeof name === "string" ? [{ ...tool, name }] : [];
  });
}

function exactText(text: string): string {
  return text.isWellFormed() && !text.includes("\0") ? text : JSON.stringify(text);
}

function exact(value: Json): Json {
  if (typeof value === "number") return Number.isSafeInteger(value) && !Object.is(value, -0) ? value : `#${value}`;
  if (typeof value === "string") return exactText(value);
  if (Array.isArray(value)) return value.map((item: Json) => exact(item));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [exactText(name), exact(one)]));
}

function keyOf(server: string, tool: string): string {
  return `${server}/${tool}`;
}

function load(folder: StateFolder): Map<string, Entry> {
  const text = readStateFile(folder, FILE);
  if (text === null) return new Map();
  const json = parseJson(text, { bytesMax: 16 * 1024 * 1024 });
  const tools = isJsonObject(json) ? json["tools"] : undefined;
  if (!isJsonObject(tools)) {
    throw new McpError({ code: "state_folder", message: `${FILE} is damaged; remove it and accept the tools anew` });
  }
  return new Map(Object.entries(tools).flatMap(([key, value]) => entryOf(key, value)));
}

function entryOf(key: string, value: Json): [string, Entry][] {
  if (!isJsonObject(value)) return [];
  const { accepted, seen } = value;
  return typeof seen === "string" ? [[key, { accepted: typeof accepted === "string" ? accepted : null, seen }]] : [];
}

function store(folder: StateFolder, entries: ReadonlyMap<string, Entry>): void {
  writeStateFile(folder, FILE, `${JSON.stringify({ v: 1, tools: Object.fromEntries(entries) }, null, 1)}\n`);
}
