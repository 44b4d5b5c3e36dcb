import assert from "node:assert/strict";
import type { Json } from "../../src/core/action/index.ts";

type Path = readonly (string | number)[];

/** A member of a member of … of an answer; undefined where the way ends. */
export function at(value: Json | undefined, ...path: Path): Json | undefined {
  let here: Json | undefined = value;
  for (const step of path) {
    if (typeof here !== "object" || here === null) return undefined;
    here = (here as { readonly [member: string]: Json })[step];
  }
  return here;
}

/** The text that stands there; anything else fails the test. */
export function textAt(value: Json | undefined, ...path: Path): string {
  const found = at(value, ...path);
  if (typeof found !== "string") assert.fail(`no text at ${path.join(".")} of ${JSON.stringify(value)}`);
  return found;
}
