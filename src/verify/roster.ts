import { canonicalBytes, digest, isJsonList, isJsonObject } from "../core/action/index.ts";
import type { Json, JsonObject } from "../core/action/index.ts";
import { ShapeError, booleanAt, listAt, memberOf, numberAt, textAt, textsAt } from "./shapes.ts";

type Members = ReadonlyMap<string, number>;

/** The people of a directory as entries of the ledger show it, with what eligibility depends on. */
export type Roster = {
  readonly active: ReadonlySet<string>;
  /** Since when each member is in a group. */
  readonly groups: ReadonlyMap<string, Members>;
  /** Owners and deployers of an agent. */
  readonly behind: ReadonlyMap<string, readonly string[]>;
  /** The public keys of a person's passkeys by their ids. */
  readonly passkeys: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** The digest of each item by what it is, from which the directory's is computed; null where it is of an older form. */
  readonly items: ReadonlyMap<string, string> | null;
};

const PREFIX = "keyturn directory v2\n";
const encoder = new TextEncoder();

/** What the items of a roster say its directory's digest is; null where that cannot be told. */
export function digestOf({ items }: Roster): string | null {
  if (items === null) return null;
  return digest(encoder.encode(`${PREFIX}${[...items.values()].sort().join("\n")}`));
}

/** A roster that is being read. */
class Reading {
  readonly active: Set<string>;
  readonly groups: Map<string, Members>;
  readonly behind: Map<string, readonly string[]>;
  readonly passkeys: Map<string, ReadonlyMap<string, string>>;
  readonly items: Map<string, string>;

  constructor(from: Roster | null) {
    this.active = new Set(from?.active);
    this.groups = new Map(from?.groups);
    this.behind = new Map(from?.behind);
    this.passkeys = new Map(from?.passkeys);
    this.items = new Map(from?.items);
  }

  person(json: Json): void {
    const id = textAt(json, "id");
    if (booleanAt(json, "active")) this.active.add(id);
    else this.active.delete(id);
    const keys = isJsonObject(json) && json["passkeys"] !== undefined ? listAt(json, "passkeys") : [];
    if (keys.length === 0) this.passkeys.delete(id);
    else this.passkeys.set(id, new Map(keys.map((key) => [textAt(key, "id"), textAt(key, "publicKey")])));
    this.#item(["person", id], { person: json });
  }

  personGone(id: string): void {
    this.active.delete(id);
    this.passkeys.delete(id);
    this.items.delete(keyOf(["person", id]));
  }

  agent(json: Json): void {
    const id = textAt(json, "id");
    this.behind.set(id, [...textsAt(json, "owners"), ...textsAt(json, "deployers")]);
    this.#item(["agent", id], { agent: json });
  }

  agentGone(id: string): void {
    this.behind.delete(id);
    this.items.delete(keyOf(["agent", id]));
  }

  group(group: string, joined: readonly Json[], left: readonly string[]): void {
    const members = new Map(this.groups.get(group));
    for (const person of left) members.delete(person);
    for (const member of joined) members.set(textAt(member, "person"), numberAt(member, "since"));
    this.groups.set(group, members);
    const rows = [...members].map(([person, since]) => ({ person, since }));
    this.#item(["group", group], { group, members: rows.sort((a, b) => (a.person < b.person ? -1 : 1)) });
  }

  groupGone(group: string): void {
    this.groups.delete(group);
    this.items.delete(keyOf(["group", group]));
  }

  /** Delegations and roles come as a whole, where they come. */
  rest(from: Json): void {
    if (!isJsonObject(from) || from["delegations"] === undefined) return;
    for (const key of this.items.keys()) if (/^\["(delegation|role)"/.test(key)) this.items.delete(key);
    for (const [index, delegation] of listAt(from, "delegations").entries()) {
      this.#item(["delegation", String(index)], { delegation });
    }
    for (const carried of listAt(from, "roles")) {
      const role = textAt(carried, "role");
      this.#item(["role", role], { role, groups: [...textsAt(carried, "groups")].sort() });
    }
  }

  #item(key: readonly string[], json: JsonObject): void {
    this.items.set(keyOf(key), digest(canonicalBytes(json)));
  }
}

function keyOf(parts: readonly string[]): string {
  return JSON.stringify(parts);
}

/** Reads the `directory` of a `directory.changed` payload: the whole of it. */
export function readRoster(directory: Json): Roster {
  const reading = new Reading(null);
  for (const person of listAt(directory, "people")) reading.person(person);
  for (const agent of listAt(directory, "agents")) reading.agent(agent);
  for (const group of listAt(directory, "groups")) reading.group(textAt(group, "group"), listAt(group, "members"), []);
  if (!isJsonObject(directory) || directory["v"] !== 2) return { ...reading, items: null };
  reading.rest(directory);
  return { ...reading };
}

/** Applies the `steps` of a `directory.changed` payload to the roster before it; null begins with nobody. */
export function applySteps(before: Roster | null, payload: Json): Roster {
  const reading = new Reading(before);
  for (const step of listAt(payload, "steps")) {
    if (!isJsonObject(step)) throw new ShapeError("a step is an object");
    const { person, agent } = step;
    if (person !== undefined) reading.person(person);
    else if (agent !== undefined) reading.agent(agent);
    else if (step["person_gone"] !== undefined) reading.personGone(textAt(step, "person_gone"));
    else if (step["agent_gone"] !== undefined) reading.agentGone(textAt(step, "agent_gone"));
    else if (step["group_gone"] !== undefined) reading.groupGone(textAt(step, "group_gone"));
    else reading.group(textAt(step, "group"), listAt(step, "joined"), textsAt(step, "left"));
  }
  reading.rest(payload);
  return { ...reading };
}

/** Somebody who approves something: for these groups, an action of this agent, asked for at a time. */
export type Approver = {
  readonly person: string;
  readonly groups: readonly string[];
  readonly agent: string | null;
  readonly openedAt: number;
  /** The passkey that signed, where one did. */
  readonly passkey: { readonly id: string; readonly key: string } | null;
};

/** Why a roster does not let somebody approve, or null. */
export function faultOfApprover(roster: Roster, { person, groups, agent, openedAt, passkey }: Approver): string | null {
  if (!roster.active.has(person)) return `\`${person}\` is no active person of the directory in force`;
  if (agent !== null && roster.behind.get(agent)?.includes(person) === true) {
    return `\`${person}\` stands behind the agent by the directory in force`;
  }
  if (passkey !== null && roster.passkeys.get(person)?.get(passkey.id) !== passkey.key) {
    return `the passkey by which \`${person}\` signed is not enrolled in the directory in force`;
  }
  for (const group of groups) {
    const since = roster.groups.get(group)?.get(person);
    if (since === undefined) return `\`${person}\` is not in \`${group}\` by the directory in force`;
    if (since > openedAt) return `\`${person}\` came into \`${group}\` after the request was opened`;
  }
  return null;
}

/** Whom a roster puts behind an agent, and a request does not bar. */
export function missingBars(roster: Roster, agent: string, barred: ReadonlySet<string>): readonly string[] {
  return (roster.behind.get(agent) ?? []).filter((person) => !barred.has(person));
}

/** A roster as it is kept between two verifications. */
export function dumpRoster({ active, groups, behind, passkeys, items }: Roster): Json {
  const members = [...groups].map(([group, since]) => [group, [...since]]);
  return {
    active: [...active],
    groups: members,
    behind: [...behind],
    passkeys: [...passkeys].map(([person, keys]) => [person, [...keys]]),
    items: items === null ? null : [...items],
  } as Json;
}

/** Reads what `dumpRoster` wrote. */
export function restoreRoster(json: Json): Roster {
  const pairsOf = (list: Json | undefined, name: string): readonly (readonly [string, Json])[] =>
    (isJsonList(list) ? list : []).map((pair) => {
      const [key, value] = isJsonList(pair) ? pair : [];
      if (typeof key !== "string" || value === undefined) throw new ShapeError(`\`${name}\` is not a list of pairs`);
      return [key, value];
    });
  const pairs = (name: string): readonly (readonly [string, Json])[] => pairsOf(listAt(json, name), name);
  const texts = (list: Json): ReadonlyMap<string, string> =>
    new Map(pairsOf(list, "passkeys").map(([key, value]) => [key, typeof value === "string" ? value : ""]));
  const numbers = (list: Json): Members => new Map(pairsOf(list, "groups").map(([key, value]) => [key, Number(value)]));
  return {
    active: new Set(textsAt(json, "active")),
    groups: new Map(pairs("groups").map(([group, members]) => [group, numbers(members)])),
    behind: new Map(pairs("behind").map(([key, value]) => [key, isJsonList(value) ? value.map(String) : []])),
    passkeys: new Map(pairs("passkeys").map(([person, keys]) => [person, texts(keys)])),
    items:
      memberOf(json, "items") === null
        ? null
        : new Map(pairs("items").map(([key, value]) => [key, typeof value === "string" ? value : ""])),
  };
}
