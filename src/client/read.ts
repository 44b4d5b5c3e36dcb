import { isJsonList, isJsonObject } from "../core/action/index.ts";
import type { Json, JsonObject } from "../core/action/index.ts";
import { Unavailable } from "./errors.ts";

/** Turns one value of an answer into what the wire promises, or throws `answer_malformed` naming the member. */
export type Reader<T> = (json: Json | undefined, pointer: string) => T;

export const text: Reader<string> = (json, pointer) => {
  if (typeof json !== "string") throw malformed(pointer, "a string");
  return json;
};

export const number: Reader<number> = (json, pointer) => {
  if (typeof json !== "number") throw malformed(pointer, "a number");
  return json;
};

export const boolean: Reader<boolean> = (json, pointer) => {
  if (typeof json !== "boolean") throw malformed(pointer, "true or false");
  return json;
};

/** A moment as RFC 3339 text. */
export const moment: Reader<string> = (json, pointer) => {
  const value = text(json, pointer);
  if (Number.isNaN(Date.parse(value))) throw malformed(pointer, "an RFC 3339 time");
  return value;
};

export const anyObject: Reader<JsonObject> = (json, pointer) => {
  if (!isJsonObject(json)) throw malformed(pointer, "an object");
  return json;
};

/** Absent and null are both null. */
export function nullable<T>(reader: Reader<T>): Reader<T | null> {
  return (json, pointer) => (json === undefined || json === null ? null : reader(json, pointer));
}

/** Absent and null both leave the member out. */
export function optional<T>(reader: Reader<T>): Reader<T | undefined> {
  return (json, pointer) => (json === undefined || json === null ? undefined : reader(json, pointer));
}

export function list<T>(reader: Reader<T>): Reader<readonly T[]> {
  return (json, pointer) => {
    if (!isJsonList(json)) throw malformed(pointer, "a list");
    return json.map((item, index) => reader(item, `${pointer}/${index}`));
  };
}

/** One of `known`; anything else becomes `otherwise`, which is always the strictest reading. */
export function oneOf<T extends string>(known: readonly T[], otherwise: T): Reader<T> {
  return (json, pointer) => {
    const value = text(json, pointer);
    return known.find((word) => word === value) ?? otherwise;
  };
}

/** An object with these members. Members that are not named are dropped: a newer server may send more. */
export function object<T extends object>(members: { readonly [K in keyof T]-?: Reader<T[K] | undefined> }): Reader<T> {
  return (json, pointer) => {
    const given = anyObject(json, pointer);
    const read: Partial<T> = {};
    for (const name in members) {
      const value = members[name](given[name], `${pointer}/${name}`);
      if (value !== undefined) read[name] = value;
    }
    return read as T;
  };
}

function malformed(pointer: string, wanted: string): Unavailable {
  return new Unavailable({
    code: "answer_malformed",
    message: `the server's answer has no ${wanted} at \`${pointer}\`; is this a Keyturn server of this version?`,
  });
}
