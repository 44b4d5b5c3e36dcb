import { isJsonList, isJsonObject, type Json, type JsonObject } from "../../core/action/index.ts";
import type { WorkloadRule } from "./rule.ts";

/** Characters of one claim that are looked at. */
const CLAIM_CHARS_MAX = 1024;

/** Does a token's claims fit every pattern of the rule? */
export function matches(rule: WorkloadRule, claims: JsonObject): boolean {
  return [...rule.match].every(([name, patterns]) => {
    const values = textsOf(claimAt(claims, name));
    return values.some((value) => patterns.some((pattern) => fitsPattern(pattern, value)));
  });
}

/** A claim by its name, or by a JSON Pointer (RFC 6901) where it lies deeper: `/kubernetes.io/namespace`. */
export function claimAt(claims: JsonObject, name: string): Json | undefined {
  const steps = name.startsWith("/")
    ? name
        .slice(1)
        .split("/")
        .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"))
    : [name];
  let at: Json | undefined = claims;
  for (const step of steps)
    at = isJsonObject(at ?? null) && Object.hasOwn(at as JsonObject, step) ? (at as JsonObject)[step] : undefined;
  return at;
}

/** A claim as texts: itself, or its items. */
export function textsOf(value: Json | undefined): readonly string[] {
  if (value === undefined || value === null) return [];
  if (isJsonList(value)) return value.flatMap((item) => (isJsonList(item) ? [] : textsOf(item)));
  if (isJsonObject(value)) return [];
  const text = String(value);
  return text.length <= CLAIM_CHARS_MAX ? [text] : [];
}

/**
 * Does a text fit a pattern? `*` is any run of characters but `/`, `**` any run at all, everything else is itself. The work
 * grows with the product of both lengths and no faster.
 */
export function fitsPattern(pattern: string, text: string): boolean {
  const parts = pattern.split(/(\*\*|\*)/).filter((part) => part !== "");
  // Ends of `text` that the parts so far can reach.
  let reached = new Set([0]);
  for (const part of parts) {
    const next = new Set<number>();
    if (part === "*" || part === "**") {
      let open = false;
      for (let at = 0; at <= text.length; at++) {
        if (part === "*" && at > 0 && text[at - 1] === "/") open = false;
        if (reached.has(at)) open = true;
        if (open) next.add(at);
      }
    } else {
      for (const at of reached) if (text.startsWith(part, at)) next.add(at + part.length);
    }
    if (next.size === 0) return false;
    reached = next;
  }
  return reached.has(text.length);
}
