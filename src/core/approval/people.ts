import type { AgentId, Digest, GroupName, Instant, PersonId } from "../brand.ts";

/** How an account was joined to a person: L0 guessed, L1 same e-mail, L2 an administrator's word, L3 both sides proven, L4 one immutable id. */
export type LinkStrength = "L0" | "L1" | "L2" | "L3" | "L4";

/** One login of a human: `issuer` and `subject` together are the key; an e-mail never is. */
export type Account = { readonly issuer: string; readonly subject: string; readonly strength: LinkStrength };

/** A key that a person enrolled: what it signs, that person decided. `publicKey` is SubjectPublicKeyInfo (DER) in base64url. */
export type Passkey = {
  /** The credential's id in base64url. */
  readonly id: string;
  readonly publicKey: string;
  /** Synced keys live in an account of a platform; the others never leave their device. */
  readonly synced: boolean;
  readonly since: Instant;
};

export type Person = {
  readonly id: PersonId;
  readonly name: string;
  readonly active: boolean;
  readonly accounts: readonly Account[];
  /** Hints: they may bar, they never approve. */
  readonly emails: readonly string[];
  readonly passkeys: readonly Passkey[];
};

export type Membership = { readonly group: GroupName; readonly person: PersonId; readonly since: Instant };

/** A time-boxed deputy. Here it only bars: whoever may act for a barred person is barred too, and the reverse. */
export type Delegation = { readonly from: PersonId; readonly to: PersonId; readonly until: Instant };

/** A machine identity and the people who stand behind it. */
export type Agent = {
  readonly id: AgentId;
  readonly type: string;
  readonly owners: readonly PersonId[];
  readonly deployers: readonly PersonId[];
  readonly active: boolean;
};

/** What a group's people may do beside reviewing. No role lets anybody approve. */
export type Role = "admin" | "author" | "auditor";

/**
 * Somebody changed who may approve, or what has to be approved: until then that person approves nothing that rests on it.
 * `on` is a group's name, or `policy/` and a policy's id, or `login/` and the subject of a login that the person gave up.
 */
export type Edit = { readonly person: PersonId; readonly on: string; readonly until: Instant };

/** People, groups and agents at one moment. A snapshot never changes; a reload makes a new one. */
export type Roster = {
  readonly digest: Digest;
  readonly people: ReadonlyMap<PersonId, Person>;
  readonly agents: ReadonlyMap<AgentId, Agent>;
  readonly groups: ReadonlyMap<GroupName, readonly Membership[]>;
  readonly delegations: readonly Delegation[];
  readonly roles: ReadonlyMap<Role, readonly GroupName[]>;
  /** Of the last days. They bar, so that nobody makes an approver and then leans on one. */
  readonly edits: readonly Edit[];
};

const NONE: ReadonlySet<Role> = new Set();

/** What an active person may do beside reviewing; nothing for anybody else. */
export function rolesOf(roster: Roster, person: PersonId): ReadonlySet<Role> {
  if (roster.people.get(person)?.active !== true) return NONE;
  const held = [...roster.roles].filter(([, groups]) =>
    groups.some((group) => roster.groups.get(group)?.some((member) => member.person === person) === true),
  );
  return new Set(held.map(([role]) => role));
}

/** Active people of a role. */
export function peopleWith(roster: Roster, role: Role): ReadonlySet<PersonId> {
  const members = (roster.roles.get(role) ?? []).flatMap((group) => roster.groups.get(group) ?? []);
  return new Set(members.map(({ person }) => person).filter((person) => roster.people.get(person)?.active === true));
}
