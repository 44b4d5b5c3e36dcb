import type { CatalogueResource } from "../../classifiers/declared/index.ts";

/** Types of resource that a relation in SQL may be. */
const RELATIONS: ReadonlySet<string> = new Set(["table", "view", "relation"]);

/**
 * The operator's tags of a relation that a text names with its schema or without: every entry that may mean it counts.
 * `unlabelled` are those of a relation that no entry may mean. Undefined where the catalogue says nothing of relations.
 */
export function relationTags(
  resources: readonly CatalogueResource[],
  unlabelled: readonly string[] = [],
): ((relation: string) => readonly string[]) | undefined {
  const exact = new Map<string, readonly string[]>();
  const beginnings: (readonly [string, readonly string[]])[] = [];
  for (const { type, id, sensitivity } of resources) {
    if (!RELATIONS.has(type)) continue;
    const name = id.toLowerCase();
    if (name.endsWith("*")) beginnings.push([name.slice(0, -1), sensitivity]);
    else exact.set(name, [...(exact.get(name) ?? []), ...sensitivity]);
  }
  if (exact.size === 0 && beginnings.length === 0 && unlabelled.length === 0) return undefined;
  // The catalogue may name a schema where the text does not.
  for (const [name, tags] of exact) {
    const bare = lastPart(name);
    if (bare !== name) exact.set(bare, [...(exact.get(bare) ?? []), ...tags]);
  }
  return (relation) => {
    const full = relation.toLowerCase();
    const names = [...new Set([full, lastPart(full)])];
    const fitting = beginnings.filter(([start]) => names.some((name) => name.startsWith(start)));
    if (fitting.length === 0 && !names.some((name) => exact.has(name))) return unlabelled;
    return [...new Set([...names.flatMap((name) => exact.get(name) ?? []), ...fitting.flatMap(([, tags]) => tags)])];
  };
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}
