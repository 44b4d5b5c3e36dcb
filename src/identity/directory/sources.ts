import { strengthOf } from "../../core/approval/index.ts";
import type { AgentId, GroupName, Instant, PersonId } from "../../core/brand.ts";
import type { Account, Agent, Delegation, Edit, Membership, Passkey, Person, Role } from "../../ports/directory.ts";
import type { Source } from "../../ports/people.ts";

/** What one source says of a person. */
export type Statement = { readonly name: string; readonly active: boolean; readonly emails: readonly string[] };

/** A login, who said whose it is, and how that was proven. */
export type Link = Account & { readonly source: Source; readonly evidence: string };

/** All that is known of one person, by source. */
export type PersonRecord = {
  readonly id: PersonId;
  readonly statements: ReadonlyMap<Source, Statement>;
  readonly links: readonly Link[];
  readonly passkeys: readonly Passkey[];
};

/** Members of one group by source, each since when. */
export type GroupRecord = ReadonlyMap<Source, ReadonlyMap<PersonId, Instant>>;

/** The directory by its sources: what the roster in force is composed of. Snapshots never change. */
export type Sources = {
  readonly people: ReadonlyMap<PersonId, PersonRecord>;
  /** Whose login each is, by `accountKey`. */
  readonly holders: ReadonlyMap<string, PersonId>;
  readonly groups: ReadonlyMap<GroupName, GroupRecord>;
  readonly agents: ReadonlyMap<AgentId, Agent>;
  readonly delegations: readonly Delegation[];
  readonly roles: ReadonlyMap<Role, readonly GroupName[]>;
  readonly edits: readonly Edit[];
};

/** Nobody and nothing. */
export const SOURCES_EMPTY: Sources = {
  people: new Map(),
  holders: new Map(),
  groups: new Map(),
  agents: new Map(),
  delegations: [],
  roles: new Map(),
  edits: [],
};

/** Issuer and subject together are the key of a login. */
export function accountKey({ issuer, subject }: Pick<Account, "issuer" | "subject">): string {
  return JSON.stringify([issuer, subject]);
}

/** The person of whom these sources speak: active while all say so, linked by the strongest evidence that any gives. */
export function personOf({ id, statements, links, passkeys }: PersonRecord): Person {
  const all = [...statements].sort(([a], [b]) => order(a, b)).map(([, statement]) => statement);
  const accounts = new Map<string, Account>();
  for (const { issuer, subject, strength } of links) {
    const known = accounts.get(accountKey({ issuer, subject }));
    if (known !== undefined && strengthOf(known.strength) >= strengthOf(strength)) continue;
    accounts.set(accountKey({ issuer, subject }), { issuer, subject, strength });
  }
  return {
    id,
    name: all[0]?.name ?? id,
    active: all.length > 0 && all.every(({ active }) => active),
    accounts: [...accounts.values()],
    emails: [...new Set(all.flatMap(({ emails }) => emails))],
    passkeys,
  };
}

/** The file is the operator's own word and names people first. */
function order(a: Source, b: Source): number {
  if (a === "file" || b === "file") return a === b ? 0 : a === "file" ? -1 : 1;
  return a < b ? -1 : 1;
}

/** A group's members from all its sources, each since the earliest of them. */
export function membersOf(group: GroupName, record: GroupRecord): readonly Membership[] {
  const since = new Map<PersonId, Instant>();
  for (const members of record.values()) {
    for (const [person, from] of members) since.set(person, Math.min(from, since.get(person) ?? from) as Instant);
  }
  return [...since].map(([person, from]) => ({ group, person, since: from }));
}
