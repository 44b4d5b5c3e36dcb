import { utf8Length } from "../encoding.ts";
import { InputError } from "../errors.ts";
import { JSON_BYTES_MAX, JSON_DEPTH_MAX, isSafeNumber } from "./json.ts";
import type { Json, JsonObject } from "./json.ts";
import { pointerOf, quoted, refuse } from "./refuse.ts";
import type { Path } from "./refuse.ts";

/** `budget` counts down the bytes of the copy: a value that is shared many times over is small but its JSON is not. */
type Copier = { readonly path: Path; readonly within: object[]; budget: number };

/**
 * Copies a caller's value as JSON under the rules of `parseJson`, and freezes the copy throughout: what is checked, shown
 * and run afterwards cannot be changed by the caller. Members that are undefined are dropped; whatever is not plain data
 * (functions, symbols, bigints, class instances, dates, getters, holes, cycles) is refused with `json_not_data`.
 */
export function copyJson(value: unknown): Json {
  return copyValue({ path: [], within: [], budget: JSON_BYTES_MAX }, value);
}

function copyValue(copier: Copier, value: unknown): Json {
  switch (typeof value) {
    case "string":
      return copyString(copier, value);
    case "number":
      return copyNumber(copier, value);
    case "boolean":
      spend(copier, 4);
      return value;
    case "object":
      if (value === null) spend(copier, 4);
      return value === null ? null : copyObject(copier, value);
    case "undefined":
    case "bigint":
    case "symbol":
    case "function":
      throw notData(copier, `a value of type ${typeof value} is not JSON`);
  }
}

function copyString(copier: Copier, text: string): string {
  spend(copier, 2 + (text.length > copier.budget ? text.length : utf8Length(text)));
  if (!text.isWellFormed()) {
    const message = "a string holds half of a surrogate pair, which is no character; remove it";
    throw refuse("json_lone_surrogate", message, pointerOf(copier.path));
  }
  if (text.includes("\0")) {
    throw refuse("json_nul", "the character U+0000 is not accepted anywhere; remove it", pointerOf(copier.path));
  }
  return text;
}

function copyNumber(copier: Copier, value: number): number {
  spend(copier, 1);
  if (!Number.isFinite(value)) throw notData(copier, `${value} is not JSON`);
  if (!isSafeNumber(value)) {
    const message = `${Object.is(value, -0) ? "-0" : value} is a number that not every reader takes for the same`;
    throw refuse("json_unsafe_number", `${message}; pass it as a string`, pointerOf(copier.path));
  }
  return value;
}

function copyObject(copier: Copier, value: object): Json {
  if (copier.within.includes(value)) throw notData(copier, "the value contains itself");
  if (copier.within.length === JSON_DEPTH_MAX) {
    const message = `at most ${JSON_DEPTH_MAX} lists and objects may stand inside one another`;
    throw refuse("json_too_deep", message, pointerOf(copier.path));
  }
  spend(copier, 2);
  copier.within.push(value);
  const copy = Array.isArray(value) ? copyList(copier, value) : copyMembers(copier, value);
  copier.within.pop();
  return Object.freeze(copy);
}

function copyList(copier: Copier, list: readonly unknown[]): readonly Json[] {
  if (Object.getPrototypeOf(list) !== Array.prototype)
    throw notData(copier, "a list of a class of its own is not JSON");
  const { length } = list;
  spend(copier, length);
  const copy: Json[] = [];
  for (let index = 0; index < length; index++) {
    copier.path.push(index);
    const member = Object.getOwnPropertyDescriptor(list, index);
    if (member === undefined) throw notData(copier, "the list has a hole; write null");
    copy.push(copyValue(copier, dataOf(copier, member)));
    copier.path.pop();
  }
  // Its own keys are the indexes and `length`.
  if (Reflect.ownKeys(list).length !== length + 1) throw notData(copier, "a list with named members is not JSON");
  return copy;
}

function copyMembers(copier: Copier, object: object): JsonObject {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== Object.prototype && prototype !== null) {
    throw notData(copier, "an instance of a class is not JSON; pass its data as a plain object");
  }
  const copy: { [member: string]: Json } = {};
  for (const key of Reflect.ownKeys(object)) {
    if (typeof key === "symbol") throw notData(copier, "a member named by a symbol is not JSON");
    copier.path.push(key);
    if (key === "__proto__") {
      throw refuse("json_forbidden_key", "a member must not be named `__proto__`; rename it", pointerOf(copier.path));
    }
    const member = Object.getOwnPropertyDescriptor(object, key);
    if (member === undefined) throw notData(copier, `member ${quoted(key)} comes and goes`);
    const value = dataOf(copier, member);
    if (value !== undefined) {
      copyString(copier, key);
      copy[key] = copyValue(copier, value);
    }
    copier.path.pop();
  }
  return copy;
}

/** A getter may answer otherwise the next time, and a hidden member is not shown: neither is data. */
function dataOf(copier: Copier, member: PropertyDescriptor): unknown {
  if (!("value" in member)) throw notData(copier, "a getter or setter is not JSON; pass its value");
  if (member.enumerable !== true) throw notData(copier, "a member that is not enumerable is not JSON");
  return member.value as unknown;
}

function spend(copier: Copier, bytes: number): void {
  copier.budget -= bytes;
  if (copier.budget < 0) {
    throw refuse("json_too_large", `the value's JSON has more than ${JSON_BYTES_MAX} bytes`, pointerOf(copier.path));
  }
}

function notData(copier: Copier, message: string): InputError {
  return refuse("json_not_data", message, pointerOf(copier.path));
}
