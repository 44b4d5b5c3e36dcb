import type { AgentId, Digest, GroupName, Instant, PersonId } from "../brand.ts";

/** How an account was joined to a person: L0 guessed, L1 same e-mail, L2 an administrator's word, L3 both sides proven, L4 one immutable id. */
export type LinkStrength = "L0" | "L1" | "L2" | "L3" | "L4";

/** One login of a human: `issuer` and `subject` together are the key; an e-mail never is. */
export type Account = { readonly issuer: string; readonly subject: string; readonly strength: LinkStrength };

export type Person = {
  readonly id: PersonId;
  readonly name: string;
  readonly active: boolean;
  readonly accounts: readonly Account[];
  /** Hints: they may bar, they never approve. */
  readonly emails: readonly string[];
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

/** People, groups and agents at one moment. A snapshot never changes; a reload makes a new one. */
export type Roster = {
  readonly digest: Digest;
  readonly people: ReadonlyMap<PersonId, Person>;
  readonly agents: ReadonlyMap<AgentId, Agent>;
  readonly groups: ReadonlyMap<GroupName, readonly Membership[]>;
  readonly delegations: readonly Delegation[];
};
