import type { PolicyJson } from "@cedar-policy/cedar-wasm/nodejs";
import { FIXED_MEMBERS, MOMENT_MEMBERS } from "./request.ts";
import type { CedarRequest } from "./request.ts";

/** What policies can look at, as paths such as `context`, `facts`, `rows`. A path stands for everything below it. */
export type Reads = readonly (readonly string[])[];

/** Everything there is. */
export const READS_ALL: Reads = [["principal"], ["resource"], ["context"]];

/** What these policies can look at: whatever is not plainly one member of a variable counts as the whole variable. */
export function readsOf(policies: readonly Pick<PolicyJson, "principal" | "resource" | "conditions">[]): Reads {
  const found = new Map<string, readonly string[]>();
  const add = (path: readonly string[]): void => void found.set(JSON.stringify(path), path);
  for (const { principal, resource, conditions } of policies) {
    if (principal.op !== "All") add(["principal"]);
    if (resource.op !== "All") add(["resource"]);
    for (const { body } of conditions) visit(body, add);
  }
  const paths = [...found.values()];
  return paths.filter((path) => !paths.some((other) => other.length < path.length && startsWith(path, other)));
}

/**
 * All of a request that can matter to policies with these reads, as text: two requests with the same key get the same
 * verdict. Evaluation is a function of the values that are read; before it, Cedar checks the request against the schema,
 * which is a function of the names and types of all values. So values stand in the key where they are read, and the
 * shape of the context always, but for members that always have the same one.
 */
export function keyOf(request: CedarRequest, reads: Reads): string {
  const values = reads.map((path) => valueAt(request, path));
  return `${request.action.id} ${shapeOf(request.context, FIXED_MEMBERS)} ${JSON.stringify(values)}`;
}

/** Whether policies with these reads can look at what came before. */
export function readsMoment(reads: Reads): boolean {
  return reads.some(([root, member]) => root === "context" && (member === undefined || MOMENT_MEMBERS.has(member)));
}

const NONE: ReadonlySet<string> = new Set();

function valueAt(request: CedarRequest, path: readonly string[]): unknown {
  const [root] = path;
  // Their attributes are part of their ids, or there are none.
  if (root === "principal") return request.principal.id;
  if (root === "resource") return request.resource.id;
  if (root === "action") return null; // the key begins with it
  let value: unknown = request.context;
  for (let at = 1; at < path.length && isRecord(value); at++) {
    const step = path[at] ?? "";
    value = Object.hasOwn(value, step) ? value[step] : undefined;
  }
  return value; // absent is `null` in the text, and no value of Cedar's is
}

/** Names and types without values, such as `{4:rows:i 5:table:s}`: a name has its length before it, so that none can pose. */
function shapeOf(value: unknown, known: ReadonlySet<string> = NONE): string {
  if (typeof value === "string") return "s";
  if (typeof value === "number") return Number.isSafeInteger(value) ? "i" : "n";
  if (Array.isArray(value)) return `[${[...new Set(value.map((item) => shapeOf(item)))].join("")}]`;
  if (!isRecord(value)) return typeof value;
  let text = "{";
  for (const name of Object.keys(value))
    if (!known.has(name)) text += `${name.length}:${name}:${shapeOf(value[name])} `;
  return `${text}}`;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

type Add = (path: readonly string[]) => void;

/** Walks Cedar's JSON form of an expression without knowing its operators: only variables and their members matter. */
function visit(expression: unknown, add: Add): void {
  const path = pathOf(expression);
  if (path !== null) return add(path);
  if (typeof expression !== "object" || expression === null) return;
  for (const part of Object.values(expression)) visit(part, add);
}

/** `context.facts.rows` and `context.facts has rows` as a path; null for all that is not a chain of members of a variable. */
function pathOf(expression: unknown): readonly string[] | null {
  if (typeof expression !== "object" || expression === null) return null;
  if ("Var" in expression && typeof expression.Var === "string") return [expression.Var];
  const access: unknown = "." in expression ? expression["."] : "has" in expression ? expression.has : null;
  if (typeof access !== "object" || access === null || !("left" in access) || !("attr" in access)) return null;
  const left = pathOf(access.left);
  const steps: readonly unknown[] = Array.isArray(access.attr) ? access.attr : [access.attr];
  return left !== null && steps.every((step) => typeof step === "string") ? [...left, ...steps] : null;
}

function startsWith(path: readonly string[], beginning: readonly string[]): boolean {
  return beginning.every((step, at) => step === path[at]);
}
