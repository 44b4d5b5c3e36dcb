import { canonicalBytes, digest } from "../../core/action/index.ts";
import type { Json } from "../../core/action/index.ts";
import type { Digest, GroupName } from "../../core/brand.ts";
import type { Directory, Membership } from "../../ports/directory.ts";

/** What a directory says, without the digest over it. */
export type Content = Omit<Directory, "digest">;

const PREFIX = "keyturn directory v2\n";
const encoder = new TextEncoder();

/**
 * Completes a directory with its digest: SHA-256 over the sorted digests of its items, one a line. An item is one person,
 * agent, group, delegation or role in canonical JSON. Items that did not change are not hashed again.
 * Edits are not in it: they bar for some days, and each stands in the entry of its change.
 */
export function seal(content: Content): Directory {
  const items: string[] = [];
  for (const person of content.people.values()) items.push(itemOf(person, () => ({ person })));
  for (const agent of content.agents.values()) items.push(itemOf(agent, () => ({ agent })));
  for (const [group, members] of content.groups) items.push(itemOf(members, () => groupItem(group, members)));
  for (const delegation of content.delegations) items.push(itemOf(delegation, () => ({ delegation })));
  for (const [role, groups] of content.roles) items.push(itemOf(groups, () => ({ role, groups: groups.toSorted() })));
  return { ...content, digest: digestOfItems(items) };
}

/** The digest of a directory of these items. */
export function digestOfItems(items: readonly string[]): Digest {
  return digest(encoder.encode(`${PREFIX}${items.toSorted().join("\n")}`));
}

function groupItem(group: GroupName, members: readonly Membership[]): Json {
  const rows = members.map(({ person, since }) => ({ person, since }));
  return { group, members: rows.sort((a, b) => (a.person < b.person ? -1 : 1)) };
}

/** Snapshots never change, so what was hashed once is known for ever. */
const known = new WeakMap<object, string>();

function itemOf(key: object, jsonOf: () => Json): string {
  const before = known.get(key);
  if (before !== undefined) return before;
  const item = digest(canonicalBytes(jsonOf()));
  known.set(key, item);
  return item;
}
