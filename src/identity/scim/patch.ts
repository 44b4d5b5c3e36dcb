import { isJsonList, isJsonObject, type Json, type JsonObject } from "../../core/action/index.ts";
import { invalid } from "./failure.ts";
import { fits, namesIn, parseFilter, type Effort, type Filter } from "./filter.ts";
import { READ_ONLY, readComplex, readShape, type Complex, type Shape } from "./shape.ts";

export const PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/** Operations of one request. */
export const OPERATIONS_MAX = 1000;

type Verb = "add" | "replace" | "remove";
type Operation = { readonly verb: Verb; readonly path: string | null; readonly value: Json | undefined };
type Draft = Record<string, Json>;

/** Attributes that a resource cannot be without: whoever is no longer active is so by `active: false`. */
const REQUIRED: ReadonlySet<string> = new Set(["userName", "displayName/group", "active"]);

/**
 * Carries out a PATCH (RFC 7644 §3.5.2) on a copy, all of it or nothing. Understands what Entra ID and Okta send: verbs in
 * capitals, no path, paths as names within the value, members to be removed in the value, and values that are still to be
 * made by what their path asks for.
 */
export function patched(shape: Complex, resource: JsonObject, body: Json, effort: Effort): JsonObject {
  const draft: Draft = structuredClone(resource) as Draft;
  for (const operation of operationsIn(body)) carryOut(shape, draft, operation, effort);
  return readComplex(shape, draft, "");
}

function operationsIn(body: Json): readonly Operation[] {
  if (!isJsonObject(body)) throw invalid("invalidSyntax", "a PATCH is an object");
  const schemas = body["schemas"];
  const isOurs =
    isJsonList(schemas) &&
    schemas.some((one) => typeof one === "string" && one.toLowerCase() === PATCH_SCHEMA.toLowerCase());
  if (!isOurs) throw invalid("invalidSyntax", `\`schemas\` names \`${PATCH_SCHEMA}\``);
  const given = body["Operations"] ?? body["operations"];
  if (!isJsonList(given) || given.length === 0) throw invalid("invalidSyntax", "`Operations` is a list of operations");
  if (given.length > OPERATIONS_MAX) throw invalid("tooMany", `a PATCH has at most ${OPERATIONS_MAX} operations`);
  return given.map(readOperation);
}

function readOperation(given: Json): Operation {
  if (!isJsonObject(given)) throw invalid("invalidSyntax", "an operation is an object");
  const { op, path, value } = given;
  const verb = typeof op === "string" ? op.toLowerCase() : "";
  if (verb !== "add" && verb !== "replace" && verb !== "remove")
    throw invalid("invalidSyntax", "`op` is add, replace or remove");
  if (path !== undefined && path !== null && typeof path !== "string") throw invalid("invalidPath", "`path` is a text");
  const isEmpty = path === undefined || path === null || path === "";
  if (isEmpty && verb === "remove") throw invalid("noTarget", "`remove` needs a path");
  if (value === undefined && verb !== "remove") throw invalid("invalidValue", `\`${verb}\` needs a value`);
  return { verb, path: isEmpty ? null : path, value };
}

function carryOut(shape: Complex, draft: Draft, { verb, path, value }: Operation, effort: Effort): void {
  if (path !== null) return at(shape, draft, verb, path, value, effort);
  if (!isJsonObject(value)) throw invalid("invalidValue", "without a path, the value is an object of attributes");
  for (const [name, one] of Object.entries<Json>(value)) {
    // Clients send the id and the schemas along; they stay what they are.
    if (!READ_ONLY.has(name.toLowerCase())) at(shape, draft, verb, name, one, effort, true);
  }
}

/** A path of RFC 7644 §3.5.2: names, perhaps a filter of values, perhaps a sub-attribute of those. */
const FILTERED = /^([^[\]]{1,300})\[(.*)\](?:\.([A-Za-z$][A-Za-z0-9_$-]{0,63}))?$/s;

function at(
  shape: Complex,
  draft: Draft,
  verb: Verb,
  path: string,
  value: Json | undefined,
  effort: Effort,
  isLoose = false,
): void {
  const [, before, inside, sub] = FILTERED.exec(path) ?? [];
  const names = namesIn((before ?? path).trim());
  if (READ_ONLY.has(names[0] ?? "")) throw invalid("mutability", `\`${names[0] ?? ""}\` is set by the server`);
  const place = placeOf(shape, draft, names, verb !== "remove");
  if (place === null) {
    // What is not kept at all cannot be changed; a value that merely carries it along is read without it.
    if (isLoose || verb === "remove" || isUnkept(shape, names)) return;
    throw invalid("invalidPath", `\`${path.slice(0, 100)}\` is no attribute of this resource`);
  }
  if (inside === undefined) return change(place, verb, value);
  changeWithin(place, verb, parseFilter(inside), sub?.toLowerCase() ?? null, value, effort);
}

type Place = { readonly holder: Draft; readonly name: string; readonly shape: Shape; readonly isGroup: boolean };

function placeOf(root: Complex, draft: Draft, names: readonly string[], make: boolean): Place | null {
  let [shape, holder]: [Complex, Draft] = [root, draft];
  for (const [depth, lower] of names.entries()) {
    const known = shape.of.get(lower);
    if (known === undefined) return null;
    const { name, shape: next } = known;
    if (depth === names.length - 1) return { holder, name, shape: next, isGroup: root.of.has("members") };
    if (next.kind !== "complex" || next.many) return null;
    const inner = holder[name];
    if (!isJsonObject(inner ?? null) && !make) return null;
    holder[name] = isJsonObject(inner ?? null) ? { ...(inner as Draft) } : {};
    [shape, holder] = [next, holder[name] as Draft];
  }
  return null;
}

/** An attribute of RFC 7643 that is not kept here, such as a password: a client need not know that. */
const UNKEPT: ReadonlySet<string> = new Set(["password", "photos", "ims", "x509certificates", "externalid"]);
function isUnkept(shape: Complex, names: readonly string[]): boolean {
  return !shape.of.has(names[0] ?? "") && UNKEPT.has(names[0] ?? "");
}

function change(place: Place, verb: Verb, value: Json | undefined): void {
  const { holder, name, shape } = place;
  if (verb === "remove") return remove(place, value);
  if (value === undefined || value === null || value === "") return take(place);
  const read = readShape(shape, value, name);
  if (shape.kind !== "complex") holder[name] = read;
  else if (shape.many) holder[name] = verb === "replace" ? distinct([], read) : distinct(holder[name], read);
  // RFC 7644 §3.5.2.3: of a complex attribute, the sub-attributes that are given are replaced.
  else holder[name] = { ...(holder[name] as JsonObject | undefined), ...(read as JsonObject) };
}

/** RFC 7644 §3.5.2.2; Entra ID names in the value which members go. */
function remove(place: Place, value: Json | undefined): void {
  const { holder, name, shape } = place;
  if (value === undefined || value === null || shape.kind !== "complex" || !shape.many) return take(place);
  const gone = readShape(shape, value, name);
  const keys = new Set(isJsonList(gone) ? gone.map(keyOf) : []);
  const kept = listAt(holder, name).filter((one) => !keys.has(keyOf(one)));
  if (kept.length === 0) delete holder[name];
  else holder[name] = kept;
}

function take({ holder, name, isGroup }: Place): void {
  if (REQUIRED.has(isGroup ? `${name}/group` : name)) throw invalid("mutability", `\`${name}\` cannot be taken away`);
  delete holder[name];
}

function changeWithin(
  { holder, name, shape }: Place,
  verb: Verb,
  filter: Filter,
  sub: string | null,
  value: Json | undefined,
  effort: Effort,
): void {
  if (shape.kind !== "complex" || !shape.many) throw invalid("invalidPath", `\`${name}\` has one value only`);
  const known = sub === null ? null : shape.of.get(sub);
  if (known === undefined) throw invalid("invalidPath", `\`${name}\` has no \`${sub ?? ""}\``);
  const items = listAt(holder, name);
  const meant = items.map((item) => fits(filter, item, effort));
  const isNone = !meant.includes(true);
  if (verb === "remove") {
    // Whoever is to be out of a group and is not in it: nothing is left to do.
    holder[name] = items.flatMap((item, i) =>
      meant[i] !== true ? [item] : known === null ? [] : [without(item, known.name)],
    );
    if ((holder[name] as readonly Json[]).length === 0) delete holder[name];
    return;
  }
  const put =
    known === null
      ? readComplex(shape, value ?? null, name)
      : { [known.name]: readShape(known.shape, value ?? null, name) };
  if (isNone) holder[name] = distinct(items, [{ ...asked(shape, filter), ...put }]);
  else holder[name] = items.map((item, i) => (meant[i] === true ? { ...(item as JsonObject), ...put } : item));
}

/** The value that a filter of equalities asks for: Entra ID writes `emails[type eq "work"].value` before there is one. */
function asked(shape: Complex, filter: Filter): JsonObject {
  const parts = filter.is === "and" ? filter.of : [filter];
  const found: Draft = {};
  for (const part of parts) {
    const known = part.is === "eq" && part.path.length === 1 ? shape.of.get(part.path[0] ?? "") : undefined;
    if (known === undefined || part.is !== "eq") throw invalid("noTarget", "no value fits this path");
    found[known.name] = readShape(known.shape, part.value, known.name);
  }
  return found;
}

function without(item: Json, name: string): Json {
  return Object.fromEntries(Object.entries<Json>(item as JsonObject).filter(([key]) => key !== name));
}

function listAt(holder: Draft, name: string): readonly Json[] {
  const found = holder[name] ?? null;
  return isJsonList(found) ? found : [];
}

/** Values of both, each once: by its `value` and type, or else by all of it. */
function distinct(before: Json | undefined, added: Json): readonly Json[] {
  const all = new Map<string, Json>();
  for (const one of [
    ...(isJsonList(before ?? null) ? (before as readonly Json[]) : []),
    ...(isJsonList(added) ? added : []),
  ])
    all.set(keyOf(one), one);
  return [...all.values()];
}

function keyOf(one: Json): string {
  if (!isJsonObject(one)) return JSON.stringify(one);
  const { value, type } = one;
  return value === undefined ? JSON.stringify(one) : JSON.stringify([value, isMember(one) ? null : (type ?? null)]);
}

/** Members are told apart by their id alone; a client may or may not say that they are users. */
function isMember({ type }: JsonObject): boolean {
  return type === undefined || type === "User" || type === "Group";
}
