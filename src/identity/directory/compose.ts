import type { GroupName, PersonId } from "../../core/brand.ts";
import type { Directory, Membership, Person } from "../../ports/directory.ts";
import { seal } from "./seal.ts";
import { membersOf, personOf, type Sources } from "./sources.ts";

/** A roster and the sources that it is composed of. */
export type Composed = { readonly sources: Sources; readonly directory: Directory };

/** The roster of these sources. What `before` has unchanged is taken over as it is, and not hashed again. */
export function compose(sources: Sources, before: Composed | null): Composed {
  const people = peopleOf(sources, before);
  const groups = groupsOf(sources, before);
  const { agents, delegations, roles, edits } = sources;
  return { sources, directory: seal({ people, agents, groups, delegations, roles, edits }) };
}

/** The very map from before where nobody changed: what was indexed by it stays good. */
function peopleOf(sources: Sources, before: Composed | null): Directory["people"] {
  if (before?.sources.people === sources.people) return before.directory.people;
  const people = new Map<PersonId, Person>();
  for (const [id, record] of sources.people) {
    const known = before?.directory.people.get(id);
    if (known !== undefined && before?.sources.people.get(id) === record) people.set(id, known);
    else people.set(id, same(known, personOf(record)));
  }
  return people;
}

function groupsOf(sources: Sources, before: Composed | null): Directory["groups"] {
  if (before?.sources.groups === sources.groups) return before.directory.groups;
  const groups = new Map<GroupName, readonly Membership[]>();
  for (const [group, record] of sources.groups) {
    const known = before?.directory.groups.get(group);
    if (known !== undefined && before?.sources.groups.get(group) === record) groups.set(group, known);
    else groups.set(group, same(known, membersOf(group, record)));
  }
  return groups;
}

/** The object from before where nothing in it has changed. */
function same<T>(before: T | undefined, after: T): T {
  return before !== undefined && JSON.stringify(before) === JSON.stringify(after) ? before : after;
}
