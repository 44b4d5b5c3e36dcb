import type { Json, JsonObject, View } from "./view.ts";

/** Whether the digest covers exactly what the page shows. `unknown` where this browser cannot hash (plain HTTP). */
export type Shown =
  | { readonly is: "checking" | "same" | "unknown" }
  | { readonly is: "different"; readonly because: string };

export type Sha256 = (bytes: Uint8Array<ArrayBuffer>) => Promise<ArrayBuffer>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Equality of JSON values; members may come in any order. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, at) => sameJson(item as Json, b[at] as Json));
  }
  if (isObject(a) && isObject(b)) {
    const keys = Object.keys(a);
    return (
      keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]))
    );
  }
  return a === b;
}

/** The version of the canonical form that this page knows how to read. */
const CANONICAL_VERSION = 1;

/** The first member that the page shows otherwise than the canonical text has it, or null. */
export function shownOtherwise(view: View): string | null {
  let canonical: unknown;
  try {
    canonical = JSON.parse(view.canonical);
  } catch {
    return "canonical";
  }
  if (!isObject(canonical)) return "canonical";
  const shown: { readonly [member: string]: Json } = {
    v: CANONICAL_VERSION,
    subject: { ...view.subject, properties: view.subject.properties ?? null },
    action: { ...view.action, properties: view.action.properties ?? null },
    resource: { ...view.resource, properties: view.resource.properties ?? null },
    environment: view.environment,
  };
  for (const member of new Set([...Object.keys(shown), ...Object.keys(canonical)])) {
    if (!sameJson(withoutEmpty(canonical[member]), withoutEmpty(shown[member]))) return member;
  }
  return null;
}

/** Absent, null and empty properties all say "no parameters", and only there. */
function withoutEmpty(member: Json | undefined): Json | undefined {
  if (!isObject(member)) return member;
  const { properties, ...others } = member;
  const empty =
    properties === undefined || properties === null || (isObject(properties) && Object.keys(properties).length === 0);
  return empty ? others : member;
}

/** Hashes the canonical text here and compares it with the digest, and the text with what is shown. */
export async function checkShown(view: View, sha256: Sha256 | null): Promise<Shown> {
  const member = shownOtherwise(view);
  if (member !== null) return { is: "different", because: `\`${member}\` is not what the digest covers` };
  if (sha256 === null) return { is: "unknown" };
  const bytes = new Uint8Array(await sha256(new TextEncoder().encode(view.canonical)));
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (view.digest !== `sha256:${hex}`)
    return { is: "different", because: "the digest is not that of the action shown" };
  return { is: "same" };
}
