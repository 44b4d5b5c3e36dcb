import type { GroupName, Instant, PersonId } from "../../core/brand.ts";
import { refuse, type Refusal } from "../../core/approval/index.ts";
import type { Agent } from "../../ports/directory.ts";
import type { Source } from "../../ports/people.ts";
import { ACCOUNTS_MAX, AGENTS_MAX, GROUPS_MAX, LINKS_MAX, MEMBERS_MAX, PASSKEYS_MAX, PEOPLE_MAX } from "./limits.ts";
import type { Move } from "./moves.ts";
import { accountKey, type GroupRecord, type Link, type PersonRecord, type Sources } from "./sources.ts";

const NOBODY: ReadonlyMap<PersonId, Instant> = new Map();

/** A map that is copied when it is first written: most changes touch one of many. */
class Written<K, V> {
  #own: Map<K, V> | null = null;
  readonly #from: ReadonlyMap<K, V>;

  constructor(from: ReadonlyMap<K, V>) {
    this.#from = from;
  }

  get map(): ReadonlyMap<K, V> {
    return this.#own ?? this.#from;
  }

  set(key: K, value: V): void {
    this.#writable().set(key, value);
  }

  delete(key: K): void {
    this.#writable().delete(key);
  }

  #writable(): Map<K, V> {
    this.#own ??= new Map(this.#from);
    return this.#own;
  }
}

/** A directory that is being changed. Every move either fits, or is refused and changes nothing. `sources` is a live view until the last move. */
export class Draft {
  readonly #people: Written<PersonId, PersonRecord>;
  readonly #holders: Written<string, PersonId>;
  readonly #groups: Written<GroupName, GroupRecord>;
  readonly #agents: Written<Agent["id"], Agent>;
  #rest: Pick<Sources, "delegations" | "roles" | "edits">;
  readonly #now: Instant;
  /** Members that this draft has copied already: thousands may join at once. */
  readonly #own = new Set<ReadonlyMap<PersonId, Instant>>();

  constructor(from: Sources, now: Instant) {
    this.#people = new Written(from.people);
    this.#holders = new Written(from.holders);
    this.#groups = new Written(from.groups);
    this.#agents = new Written(from.agents);
    this.#rest = from;
    this.#now = now;
  }

  /** What it has become. */
  get sources(): Sources {
    const { delegations, roles, edits } = this.#rest;
    return {
      people: this.#people.map,
      holders: this.#holders.map,
      groups: this.#groups.map,
      agents: this.#agents.map,
      delegations,
      roles,
      edits,
    };
  }

  /** One move, or why it does not fit. */
  make(move: Move): Refusal | null {
    switch (move.step) {
      case "put_person":
        return this.#putPerson(move);
      case "remove_person":
        return this.#removePerson(move.source, move.person);
      case "link":
        return this.#link(move);
      case "unlink":
        return this.#unlink(move);
      case "add_group":
        return this.#putMembers(move.source, move.group, this.#groups.map.get(move.group)?.get(move.source) ?? NOBODY);
      case "remove_group":
        return this.#removeGroup(move.source, move.group);
      case "join":
      case "leave":
        return this.#member(move);
      case "enrol_passkey":
        return this.#enrol(move);
      case "revoke_passkey":
        return this.#onPerson(move.person, (record) => {
          return { ...record, passkeys: record.passkeys.filter(({ id }) => id !== move.passkey) };
        });
      default:
        return this.#ofFile(move);
    }
  }

  #onPerson(id: PersonId, change: (record: PersonRecord) => PersonRecord): Refusal | null {
    const record = this.#people.map.get(id);
    if (record === undefined) return refuse("person_unknown");
    this.#people.set(id, change(record));
    return null;
  }

  #putPerson({ source, person }: Extract<Move, { step: "put_person" }>): Refusal | null {
    const { id, name, active, emails } = person;
    const record = this.#people.map.get(id) ?? { id, statements: new Map(), links: [], passkeys: [] };
    if (!this.#people.map.has(id) && this.#people.map.size >= PEOPLE_MAX) return full(`${PEOPLE_MAX} people`);
    const statements = new Map(record.statements).set(source, { name, active, emails });
    this.#people.set(id, { ...record, statements });
    return null;
  }

  /** The last source takes the person away, with logins, keys and memberships: whoever comes back under the id is new. */
  #removePerson(source: Source, id: PersonId): Refusal | null {
    const record = this.#people.map.get(id);
    if (record?.statements.has(source) !== true) return null;
    const statements = new Map(record.statements);
    statements.delete(source);
    for (const [group, sources] of this.#groups.map) {
      for (const [from, members] of sources) {
        if ((statements.size === 0 || from === source) && members.has(id)) this.#setMember(from, group, id, null);
      }
    }
    const kept = record.links.filter((link) => statements.size > 0 && link.source !== source);
    for (const link of record.links) {
      if (!kept.some((other) => accountKey(other) === accountKey(link))) this.#holders.delete(accountKey(link));
    }
    if (statements.size === 0) this.#people.delete(id);
    else this.#people.set(id, { ...record, statements, links: kept });
    return null;
  }

  #link({ source, person, account, evidence }: Extract<Move, { step: "link" }>): Refusal | null {
    const key = accountKey(account);
    const holder = this.#holders.map.get(key);
    if (holder !== undefined && holder !== person) return refuse("account_taken");
    if (holder === undefined && this.#holders.map.size >= LINKS_MAX) return full(`${LINKS_MAX} logins`);
    const record = this.#people.map.get(person);
    const others = record?.links.filter((link) => link.source !== source || accountKey(link) !== key) ?? [];
    if (others.length >= ACCOUNTS_MAX) return full(`${ACCOUNTS_MAX} logins of one person`);
    const { issuer, subject, strength } = account;
    const link: Link = { issuer, subject, strength, source, evidence };
    const refusal = this.#onPerson(person, (known) => ({ ...known, links: [...others, link] }));
    if (refusal === null) this.#holders.set(key, person);
    return refusal;
  }

  #unlink({ source, issuer, subject }: Extract<Move, { step: "unlink" }>): Refusal | null {
    const key = accountKey({ issuer, subject });
    const holder = this.#holders.map.get(key);
    const record = holder === undefined ? undefined : this.#people.map.get(holder);
    if (record === undefined) return null;
    const kept = record.links.filter((link) => link.source !== source || accountKey(link) !== key);
    const remains = kept.some((link) => accountKey(link) === key);
    if (kept.length === record.links.length) return remains ? refuse("file_owned") : null;
    this.#people.set(record.id, { ...record, links: kept });
    if (!remains) this.#holders.delete(key);
    return null;
  }

  #member({ step, source, group, person }: Extract<Move, { step: "join" | "leave" }>): Refusal | null {
    if (step === "leave") {
      if (this.#groups.map.get(group)?.get(source)?.has(person) === true) this.#setMember(source, group, person, null);
      return null;
    }
    if (!this.#people.map.has(person)) return refuse("person_unknown");
    const sources = this.#groups.map.get(group);
    if (sources?.get(source) === undefined) return refuse("group_unknown", group);
    // A membership that another source gives already is as old as that.
    const known = [...sources.values()].flatMap((members) => members.get(person) ?? []);
    if ((sources.get(source)?.size ?? 0) >= MEMBERS_MAX) return full(`${MEMBERS_MAX} members of one group`);
    this.#setMember(source, group, person, Math.min(this.#now, ...known) as Instant);
    return null;
  }

  #setMember(source: Source, group: GroupName, person: PersonId, since: Instant | null): void {
    const known = this.#groups.map.get(group)?.get(source);
    const isOwn = known instanceof Map && this.#own.has(known);
    const members: Map<PersonId, Instant> = isOwn ? known : new Map(known);
    if (since === null) members.delete(person);
    else members.set(person, since);
    if (isOwn) return;
    this.#own.add(members);
    this.#groups.set(group, new Map(this.#groups.map.get(group)).set(source, members));
  }

  #putMembers(source: Source, group: GroupName, members: ReadonlyMap<PersonId, Instant>): Refusal | null {
    if (!this.#groups.map.has(group) && this.#groups.map.size >= GROUPS_MAX) return full(`${GROUPS_MAX} groups`);
    this.#groups.set(group, new Map(this.#groups.map.get(group)).set(source, members));
    return null;
  }

  #removeGroup(source: Source, group: GroupName): null {
    const sources = new Map(this.#groups.map.get(group));
    sources.delete(source);
    if (sources.size === 0) this.#groups.delete(group);
    else this.#groups.set(group, sources);
    return null;
  }

  #enrol({ person, passkey }: Extract<Move, { step: "enrol_passkey" }>): Refusal | null {
    const record = this.#people.map.get(person);
    const others = record?.passkeys.filter(({ id }) => id !== passkey.id) ?? [];
    if (others.length >= PASSKEYS_MAX) return full(`${PASSKEYS_MAX} passkeys of one person`);
    return this.#onPerson(person, (known) => ({ ...known, passkeys: [...others, passkey] }));
  }

  #ofFile(
    move: Extract<Move, { step: "put_agent" | "remove_agent" | "put_delegation" | "remove_delegation" | "put_role" }>,
  ): Refusal | null {
    const { delegations, roles } = this.#rest;
    switch (move.step) {
      case "put_agent":
        if (!this.#agents.map.has(move.agent.id) && this.#agents.map.size >= AGENTS_MAX)
          return full(`${AGENTS_MAX} agents`);
        this.#agents.set(move.agent.id, move.agent);
        return null;
      case "remove_agent":
        this.#agents.delete(move.agent);
        return null;
      case "put_delegation":
        this.#rest = { ...this.#rest, delegations: [...delegations, move.delegation] };
        return null;
      case "remove_delegation": {
        const { from, to, until } = move.delegation;
        const kept = delegations.filter((d) => d.from !== from || d.to !== to || d.until !== until);
        this.#rest = { ...this.#rest, delegations: kept };
        return null;
      }
      case "put_role": {
        const next = new Map(roles);
        if (move.groups.length === 0) next.delete(move.role);
        else next.set(move.role, move.groups);
        this.#rest = { ...this.#rest, roles: next };
        return null;
      }
      default:
        return move satisfies never;
    }
  }
}

function full(limit: string): Refusal {
  return refuse("directory_full", limit);
}
