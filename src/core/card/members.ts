import { canonicalBytes, canonicalize, digest, isJsonObject } from "../action/index.ts";
import type { Json, JsonObject } from "../action/index.ts";
import type { Digest } from "../brand.ts";
import { commitmentOf } from "./literal.ts";
import { shown } from "./shown.ts";
import type { Literal } from "./shown.ts";

/** One parameter: its path (`filter.region`), and its value as text, as JSON, or as what a secret was committed to. */
export type Member = { readonly name: Literal; readonly kind: "text" | "json" | "secret"; readonly value: Literal };

/** The parameters of one part of an action. `digest` is that of all of them in canonical form, shown or not. */
export type Members = { readonly items: readonly Member[]; readonly hidden: number; readonly digest: Digest };

/** Parameters that a card shows of one part. */
export const MEMBERS_MAX = 24;
/** Characters of one parameter's path and of its value. */
export const MEMBER_NAME_CHARS_MAX = 120;
export const MEMBER_VALUE_CHARS_MAX = 600;

/** Flattens properties into one line for each value, in canonical order, so that nobody chooses what comes first. */
export function membersOf(properties: JsonObject | undefined): Members {
  const all = properties ?? {};
  const items: Member[] = [];
  let count = 0;
  const visit = (value: Json, path: readonly string[]): void => {
    if (isJsonObject(value) && Object.keys(value).length > 0 && commitmentOf(value) === null) {
      for (const name of Object.keys(value).toSorted(byUnits)) visit(value[name] ?? null, [...path, name]);
      return;
    }
    count += 1;
    if (items.length < MEMBERS_MAX) items.push(memberOf(path, value));
  };
  if (Object.keys(all).length > 0) visit(all, []);
  return { items, hidden: count - items.length, digest: digest(canonicalBytes(all)) };
}

function memberOf(path: readonly string[], value: Json): Member {
  const name = shown(path.map(step).join("."), MEMBER_NAME_CHARS_MAX);
  const commitment = commitmentOf(value);
  if (commitment !== null) return { name, kind: "secret", value: shown(commitment, MEMBER_VALUE_CHARS_MAX) };
  if (typeof value === "string") return { name, kind: "text", value: shown(value, MEMBER_VALUE_CHARS_MAX) };
  return { name, kind: "json", value: shown(canonicalize(value), MEMBER_VALUE_CHARS_MAX) };
}

/** A step that holds a dot, a space or a quote is quoted, so that `a.b` is never two names for one thing. */
function step(name: string): string {
  return /^[\w$-]+$/.test(name) ? name : JSON.stringify(name);
}

function byUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
