import { isJsonList, isJsonObject, type Json, type JsonObject } from "../../core/action/index.ts";
import { invalid } from "./failure.ts";
import { ENTERPRISE_SCHEMA, GROUP_SCHEMA, USER_SCHEMA } from "./shape.ts";

/** Characters of one filter. */
export const FILTER_CHARS_MAX = 4096;
/** Comparisons in one filter, and parentheses within each other. */
export const FILTER_TERMS_MAX = 64;
export const FILTER_DEPTH_MAX = 16;

const COMPARISONS = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"] as const;
type Comparison = (typeof COMPARISONS)[number];

/** A filter of RFC 7644 §3.4.2.2, parsed. Paths are names in lower case. */
export type Filter =
  | { readonly is: "and" | "or"; readonly of: readonly Filter[] }
  | { readonly is: "not"; readonly of: Filter }
  | { readonly is: "present"; readonly path: readonly string[] }
  | { readonly is: Comparison; readonly path: readonly string[]; readonly value: Json }
  /** Values of one attribute, of which one has to fit the whole: `emails[type eq "work" and value co "@"]`. */
  | { readonly is: "within"; readonly path: readonly string[]; readonly of: Filter };

/** How much may be compared before a request is refused; shared by all steps of it. */
export type Effort = { left: number };

const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*")|([A-Za-z0-9_$:.-]+)|([()[\]]))/y;

type Token = { readonly kind: "text" | "word" | "sign"; readonly text: string };

/** Parses a filter; `invalidFilter` for anything that is not one, or that is larger than the limits. */
export function parseFilter(text: string): Filter {
  const parser = new Parser(tokensOf(text));
  const filter = parser.either(0);
  parser.end();
  return filter;
}

function tokensOf(text: string): readonly Token[] {
  if (text.length > FILTER_CHARS_MAX) throw bad(`a filter has at most ${FILTER_CHARS_MAX} characters`);
  const tokens: Token[] = [];
  const source = text.trimEnd();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(source);
    if (match === null) {
      TOKEN.lastIndex = 0;
      throw bad(`the filter cannot be read from character ${at + 1} on`);
    }
    const [, quoted, word, sign] = match;
    if (quoted !== undefined) tokens.push({ kind: "text", text: quoted });
    else tokens.push(word === undefined ? { kind: "sign", text: sign ?? "" } : { kind: "word", text: word });
  }
  return tokens;
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #terms = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  end(): void {
    const rest = this.#tokens[this.#at];
    if (rest !== undefined) throw bad(`\`${rest.text}\` was not expected`);
  }

  /** `and` binds closer than `or` (RFC 7644 §3.4.2.2). */
  either(depth: number): Filter {
    const all = [this.#both(depth)];
    while (this.#takeWord("or")) all.push(this.#both(depth));
    return one(all, "or");
  }

  #both(depth: number): Filter {
    const all = [this.#single(depth)];
    while (this.#takeWord("and")) all.push(this.#single(depth));
    return one(all, "and");
  }

  #single(depth: number): Filter {
    if (depth > FILTER_DEPTH_MAX) throw bad(`a filter nests at most ${FILTER_DEPTH_MAX} deep`);
    if (this.#peekWord("not") && this.#tokens[this.#at + 1]?.text === "(") {
      this.#at++;
      return { is: "not", of: this.#grouped("(", ")", depth) };
    }
    if (this.#tokens[this.#at]?.text === "(") return this.#grouped("(", ")", depth);
    return this.#term(depth);
  }

  #grouped(open: string, close: string, depth: number): Filter {
    this.#sign(open);
    const inner = this.either(depth + 1);
    this.#sign(close);
    return inner;
  }

  #term(depth: number): Filter {
    if (++this.#terms > FILTER_TERMS_MAX) throw bad(`a filter has at most ${FILTER_TERMS_MAX} comparisons`);
    const path = namesIn(this.#word("an attribute"));
    if (this.#tokens[this.#at]?.text === "[") return { is: "within", path, of: this.#grouped("[", "]", depth) };
    const operator = this.#word("an operator").toLowerCase();
    if (operator === "pr") return { is: "present", path };
    const known = COMPARISONS.find((comparison) => comparison === operator);
    if (known === undefined)
      throw bad(`\`${operator}\` is no operator: write eq, ne, co, sw, ew, pr, gt, ge, lt or le`);
    return { is: known, path, value: this.#value() };
  }

  #value(): Json {
    const token = this.#tokens[this.#at++];
    if (token?.kind === "text") return quoted(token.text);
    switch (token?.kind === "word" ? token.text.toLowerCase() : "") {
      case "true":
        return true;
      case "false":
        return false;
      case "null":
        return null;
      default: {
        const number =
          token?.kind === "word" && /^-?\d{1,15}(\.\d{1,6})?$/.test(token.text) ? Number(token.text) : null;
        if (number === null) throw bad("a value is a text in quotes, a number, true, false or null");
        return number;
      }
    }
  }

  #word(what: string): string {
    const token = this.#tokens[this.#at++];
    if (token?.kind !== "word") throw bad(`${what} is missing`);
    return token.text;
  }

  #sign(text: string): void {
    const token = this.#tokens[this.#at++];
    if (token?.kind !== "sign" || token.text !== text) throw bad(`\`${text}\` is missing`);
  }

  #peekWord(word: string): boolean {
    const token = this.#tokens[this.#at];
    return token?.kind === "word" && token.text.toLowerCase() === word;
  }

  #takeWord(word: string): boolean {
    const found = this.#peekWord(word);
    if (found) this.#at++;
    return found;
  }
}

function one(all: readonly Filter[], is: "and" | "or"): Filter {
  const [first] = all;
  return first !== undefined && all.length === 1 ? first : { is, of: all };
}

function quoted(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    throw bad("a text in quotes is written as JSON writes it");
  }
}

function bad(message: string): Error {
  return invalid("invalidFilter", message);
}

/** The names of a path, in lower case; the schemas of the resources themselves may be left out (RFC 7644 §3.10). */
export function namesIn(written: string): readonly string[] {
  const text = written.toLowerCase();
  for (const schema of [USER_SCHEMA, GROUP_SCHEMA].map((urn) => urn.toLowerCase())) {
    if (text.startsWith(`${schema}:`)) return dotted(text.slice(schema.length + 1));
  }
  const enterprise = ENTERPRISE_SCHEMA.toLowerCase();
  if (text === enterprise) return [enterprise];
  if (text.startsWith(`${enterprise}:`)) return [enterprise, ...dotted(text.slice(enterprise.length + 1))];
  return dotted(text);
}

function dotted(text: string): readonly string[] {
  const names = text.split(".");
  if (names.length > 3 || names.some((name) => !/^[a-z$][a-z0-9_$-]{0,63}$/.test(name)))
    throw invalid("invalidPath", "an attribute is a name, or names joined by a dot");
  return names;
}

/** Does this resource, or value, fit? `tooMany` when the effort is used up. */
export function fits(filter: Filter, value: Json, effort: Effort): boolean {
  spend(effort);
  switch (filter.is) {
    case "and":
      return filter.of.every((part) => fits(part, value, effort));
    case "or":
      return filter.of.some((part) => fits(part, value, effort));
    case "not":
      return !fits(filter.of, value, effort);
    case "within":
      return valuesAt(value, filter.path).some((one) => fits(filter.of, one, effort));
    case "present":
      return valuesAt(value, filter.path).some((one) => one !== null && one !== "");
    case "ne":
      return !anyHolds({ ...filter, is: "eq" }, value, effort);
    default:
      return anyHolds({ ...filter, is: filter.is }, value, effort);
  }
}

/** Where nothing is found, it was still looked for. */
function spend(effort: Effort): void {
  if (--effort.left < 0) throw invalid("tooMany", "this takes more comparisons than one request may make");
}

type Compared = { readonly is: Exclude<Comparison, "ne">; readonly path: readonly string[]; readonly value: Json };

function anyHolds({ is, path, value: wanted }: Compared, value: Json, effort: Effort): boolean {
  return valuesAt(value, path).some((found) => {
    spend(effort);
    return holds(is, found, wanted, path);
  });
}

/** Everything under a path; lists are looked through. */
function valuesAt(value: Json, path: readonly string[]): readonly Json[] {
  let found: readonly Json[] = isJsonList(value) ? value : [value];
  for (const name of path) {
    found = found.flatMap((one): readonly Json[] => {
      const next = isJsonObject(one) ? memberOf(one, name) : undefined;
      return next === undefined ? [] : isJsonList(next) ? next : [next];
    });
  }
  return found;
}

function memberOf(object: JsonObject, name: string): Json | undefined {
  const key = Object.keys(object).find((one) => one.toLowerCase() === name);
  return key === undefined ? undefined : object[key];
}

/** Ids are compared letter by letter; everything else has no case (RFC 7643 §3.1, §7). */
const EXACT: ReadonlySet<string> = new Set(["id", "externalid", "$ref"]);

function holds(is: Exclude<Comparison, "ne">, found: Json, wanted: Json, path: readonly string[]): boolean {
  // A complex value without a sub-attribute means its `value`.
  const plain = isJsonObject(found) ? (found["value"] ?? null) : found;
  if (typeof plain !== "string" || typeof wanted !== "string") {
    const word = typeof wanted === "string" && typeof plain === "boolean" ? wanted.toLowerCase() === "true" : wanted;
    return is === "eq" && plain === word;
  }
  const isExact = EXACT.has(path.at(-1) ?? "");
  const [left, right] = isExact ? [plain, wanted] : [plain.toLowerCase(), wanted.toLowerCase()];
  switch (is) {
    case "eq":
      return left === right;
    case "co":
      return left.includes(right);
    case "sw":
      return left.startsWith(right);
    case "ew":
      return left.endsWith(right);
    case "gt":
      return left > right;
    case "ge":
      return left >= right;
    case "lt":
      return left < right;
    case "le":
      return left <= right;
    default:
      return is satisfies never;
  }
}

/** The one attribute that a filter asks to be equal to a text, where it asks nothing else. */
export function equalOnly(filter: Filter): { readonly name: string; readonly text: string } | null {
  if (filter.is !== "eq" || filter.path.length !== 1 || typeof filter.value !== "string") return null;
  return { name: filter.path[0] ?? "", text: filter.value };
}
