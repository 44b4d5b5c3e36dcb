import { isJsonList, isJsonObject, type Json, type JsonObject } from "../../core/action/index.ts";
import { invalid } from "./failure.ts";

export const USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User";
export const GROUP_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Group";
export const ENTERPRISE_SCHEMA = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/** Characters of one text. */
export const TEXT_CHARS_MAX = 2048;
/** Values of one attribute, but for the members of a group. */
export const VALUES_MAX = 100;
/** Members of one group: the directory's own limit. */
export const MEMBERS_MAX = 5_000;

/** What may stand in an attribute. Whatever is not named here is not kept: passwords and pictures above all. */
export type Shape =
  | { readonly kind: "text" }
  | { readonly kind: "flag" }
  | { readonly kind: "complex"; readonly many: boolean; readonly max: number; readonly of: ReadonlyMap<string, Named> };
/** An attribute by its name in lower case, because SCIM's names have no case (RFC 7643 §2.1). */
export type Named = { readonly name: string; readonly shape: Shape };
export type Complex = Extract<Shape, { kind: "complex" }>;

const TEXT: Shape = { kind: "text" };
const FLAG: Shape = { kind: "flag" };

function complex(of: Readonly<Record<string, Shape>>, many = false, max: number = VALUES_MAX): Complex {
  const named = Object.entries(of).map(([name, shape]) => [name.toLowerCase(), { name, shape }] as const);
  return { kind: "complex", many, max, of: new Map(named) };
}

function texts(...names: readonly string[]): Readonly<Record<string, Shape>> {
  return Object.fromEntries(names.map((name) => [name, TEXT]));
}

const PLURAL = complex({ ...texts("value", "display", "type", "$ref"), primary: FLAG }, true);

/** RFC 7643 §4.1 and §4.3, without what nobody here needs to know. */
export const USER: Complex = complex({
  ...texts("userName", "externalId", "displayName", "nickName", "profileUrl", "title", "userType"),
  ...texts("preferredLanguage", "locale", "timezone"),
  active: FLAG,
  name: complex(texts("formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix")),
  emails: PLURAL,
  phoneNumbers: PLURAL,
  roles: PLURAL,
  entitlements: PLURAL,
  addresses: complex(
    {
      ...texts("formatted", "streetAddress", "locality", "region", "postalCode", "country", "type"),
      primary: FLAG,
    },
    true,
  ),
  [ENTERPRISE_SCHEMA]: complex({
    ...texts("employeeNumber", "costCenter", "organization", "division", "department"),
    manager: complex(texts("value", "$ref", "displayName")),
  }),
});

/** RFC 7643 §4.2. */
export const GROUP: Complex = complex({
  ...texts("displayName", "externalId"),
  members: complex(texts("value", "$ref", "display", "type"), true, MEMBERS_MAX),
});

/** Names that the server alone sets; a client may send them back, and nothing comes of it. */
export const READ_ONLY: ReadonlySet<string> = new Set(["schemas", "id", "meta", "groups"]);

/**
 * Reads a value as an attribute takes it, and copies it. Clients write some shapes otherwise than RFC 7643 does: booleans as
 * text, a manager as a text, one value instead of a list, a text as a list of one `{value}`. All of them are understood.
 */
export function readShape(shape: Shape, given: Json, at: string): Json {
  switch (shape.kind) {
    case "text":
      return readText(given, at);
    case "flag":
      return readFlag(given, at);
    case "complex":
      return shape.many ? readMany(shape, given, at) : readComplex(shape, only(given), at);
    default:
      return shape satisfies never;
  }
}

function readText(given: Json, at: string): string {
  const value = unwrapped(given);
  const text = typeof value === "number" || typeof value === "boolean" ? String(value) : value;
  if (typeof text !== "string") throw invalid("invalidValue", `\`${at}\` is a text`);
  if (text.length > TEXT_CHARS_MAX) throw invalid("invalidValue", `\`${at}\` has at most ${TEXT_CHARS_MAX} characters`);
  return text;
}

function readFlag(given: Json, at: string): boolean {
  const value = unwrapped(given);
  const word = typeof value === "string" ? value.trim().toLowerCase() : value;
  if (word === true || word === "true") return true;
  if (word === false || word === "false") return false;
  throw invalid("invalidValue", `\`${at}\` is true or false`);
}

/** `[{"$ref": null, "value": "x"}]` is how older clients write `"x"`. */
function unwrapped(given: Json): Json {
  const one = only(given);
  return isJsonObject(one) && one["value"] !== undefined ? one["value"] : one;
}

function only(given: Json): Json {
  return isJsonList(given) && given.length === 1 ? (given[0] ?? null) : given;
}

function readMany(shape: Complex, given: Json, at: string): Json {
  const items = isJsonList(given) ? given : [given];
  if (items.length > shape.max) throw invalid("tooMany", `\`${at}\` has at most ${shape.max} values`);
  return items.filter((item) => item !== null).map((item) => readComplex(shape, item, at));
}

/** One complex value; a bare text is its `value`. */
export function readComplex(shape: Complex, given: Json, at: string): JsonObject {
  if (!isJsonObject(given)) {
    const value = shape.of.get("value");
    if (value === undefined || typeof given !== "string") throw invalid("invalidValue", `\`${at}\` is an object`);
    return { value: readShape(value.shape, given, `${at}.value`) };
  }
  const read: Record<string, Json> = {};
  for (const [key, value] of Object.entries<Json>(given)) {
    const known = shape.of.get(key.toLowerCase());
    if (known === undefined || isNothing(value)) continue;
    if (Object.hasOwn(read, known.name)) throw invalid("invalidSyntax", `\`${known.name}\` stands twice`);
    read[known.name] = readShape(known.shape, value, at === "" ? known.name : `${at}.${known.name}`);
  }
  return read;
}

/** RFC 7643 §2.5: null and an empty list are the same as not there; an empty text takes a reference away. */
function isNothing(value: Json): boolean {
  return value === null || (isJsonList(value) && value.length === 0);
}

/** What a client sends as a whole resource: of a schema that is known, and with what is known of it. */
export function readResource(shape: Complex, schema: string, given: Json): JsonObject {
  if (!isJsonObject(given)) throw invalid("invalidSyntax", "a resource is an object");
  const schemas = given["schemas"];
  const isOurs = isJsonList(schemas) && schemas.some((one) => typeof one === "string" && sameName(one, schema));
  if (!isOurs) throw invalid("invalidSyntax", `\`schemas\` names \`${schema}\``);
  return readComplex(shape, given, "");
}

function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
