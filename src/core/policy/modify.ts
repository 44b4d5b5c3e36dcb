import { canonicalize, isJsonObject } from "../action/index.ts";
import type { Json, JsonObject, Question } from "../action/index.ts";

/** One change of an action's parameters; `path` leads from `action.properties` to a member, through objects only. */
export type Change =
  /** A whole number that may be at most so large; a member that is missing becomes it. */
  | { readonly op: "cap"; readonly path: readonly string[]; readonly max: number }
  | { readonly op: "set"; readonly path: readonly string[]; readonly value: Json }
  | { readonly op: "remove"; readonly path: readonly string[] };

/** A question with changes applied, or why they cannot be. */
export type Changed = { readonly question: Question } | { readonly conflict: string };

/** Changes of one action, from all policies together. */
export const CHANGES_MAX = 64;

/**
 * Applies changes from any number of policies. Their order does not matter: members are removed, then set, then capped at
 * the lowest. What contradicts itself, or does not fit the parameters, is a conflict and never half applied.
 */
export function applyChanges(question: Question, changes: readonly Change[]): Changed {
  if (changes.length > CHANGES_MAX) return { conflict: `more than ${CHANGES_MAX} changes` };
  const conflict = conflictOf(changes);
  if (conflict !== null) return { conflict };
  let properties: JsonObject = question.action.properties ?? {};
  for (const op of ["remove", "set", "cap"] as const) {
    for (const change of changes.filter((one) => one.op === op)) {
      const next = applied(properties, change.path, change);
      if (typeof next === "string") return { conflict: next };
      properties = next;
    }
  }
  const { properties: before, ...action } = question.action;
  const isBare = before === undefined && Object.keys(properties).length === 0;
  return { question: { ...question, action: isBare ? action : { ...action, properties } } };
}

/** Whether these changes leave the parameters as they are: then what they ask for is so already. */
export function changesNothing(question: Question, changes: readonly Change[]): boolean {
  const changed = applyChanges(question, changes);
  if ("conflict" in changed) return false;
  const text = ({ action }: Question): string => canonicalize(action.properties ?? {});
  return text(changed.question) === text(question);
}

/** A member that one policy removes and another sets, two values for one member, or a member within one that is changed. */
function conflictOf(changes: readonly Change[]): string | null {
  for (const [index, a] of changes.entries()) {
    for (const b of changes.slice(index + 1)) {
      if (!overlaps(a.path, b.path)) continue;
      const where = dotted(a.path.length <= b.path.length ? a.path : b.path);
      if (a.path.length !== b.path.length) return `two policies change \`${where}\` and what is within it`;
      const isSame = a.op === b.op && (a.op !== "set" || (b.op === "set" && sameJson(a.value, b.value)));
      const isCapped = a.op !== "remove" && b.op !== "remove" && a.op !== b.op;
      if (!isSame && !isCapped) return `two policies want \`${where}\` to be different things`;
    }
  }
  return null;
}

function overlaps(a: readonly string[], b: readonly string[]): boolean {
  return a.slice(0, b.length).every((step, at) => step === b[at]);
}

function sameJson(a: Json, b: Json): boolean {
  return canonicalize(a) === canonicalize(b);
}

/** The object with the change within it, or why that cannot be. */
function applied(object: JsonObject, path: readonly string[], change: Change): JsonObject | string {
  const [step = "", ...rest] = path;
  const value = Object.hasOwn(object, step) ? object[step] : undefined;
  if (rest.length > 0) {
    if (value !== undefined && !isJsonObject(value))
      return `\`${dotted(change.path)}\` leads through what is no object`;
    if (value === undefined && change.op === "remove") return object;
    const inner = applied(value ?? {}, rest, change);
    return typeof inner === "string" ? inner : { ...object, [step]: inner };
  }
  switch (change.op) {
    case "remove":
      return Object.fromEntries(Object.entries(object).filter(([name]) => name !== step));
    case "set":
      return { ...object, [step]: change.value };
    case "cap":
      if (value === undefined) return { ...object, [step]: change.max };
      // Below zero too: −1 is many a tool's word for "no limit".
      if (!Number.isSafeInteger(value) || Number(value) < 0)
        return `\`${dotted(change.path)}\` is no whole number to be capped`;
      return { ...object, [step]: Math.min(Number(value), change.max) };
    default:
      return change satisfies never;
  }
}

function dotted(path: readonly string[]): string {
  return ["action", "properties", ...path].join(".");
}
