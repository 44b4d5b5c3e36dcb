import { isJsonList, isJsonObject } from "./json.ts";
import type { Json } from "./json.ts";

/** The member at a path of names; undefined where there is none. */
export function jsonAt(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  let here = value;
  for (const step of path) {
    if (!isJsonObject(here) || !Object.hasOwn(here, step)) return undefined;
    here = here[step];
  }
  return here;
}

/** The items of a list; none of anything else. */
export function jsonItems(value: Json | undefined): readonly Json[] {
  return isJsonList(value) ? value : [];
}

/** The names and values of an object; none of anything else. */
export function jsonMembers(value: Json | undefined): readonly (readonly [string, Json])[] {
  return isJsonObject(value) ? Object.entries<Json>(value) : [];
}

/** A text; the empty one for anything else. */
export function jsonText(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

/** The texts of a list, without its other items. */
export function jsonTexts(value: Json | undefined): readonly string[] {
  return jsonItems(value).filter((item) => typeof item === "string");
}

/** Whether a tree has at most so many values and lists and objects inside one another. Costs no more than the limit. */
export function isJsonWithin(value: Json, nodesMax: number, depthMax: number): boolean {
  const waiting: { readonly value: Json; readonly depth: number }[] = [{ value, depth: 0 }];
  let seen = 1;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next.depth > depthMax) return false;
    const inside = isJsonList(next.value)
      ? next.value
      : isJsonObject(next.value)
        ? Object.values<Json>(next.value)
        : [];
    seen += inside.length;
    if (seen > nodesMax) return false;
    for (const child of inside) waiting.push({ value: child, depth: next.depth + 1 });
  }
  return true;
}
