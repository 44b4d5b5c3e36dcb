import type { Instant, PersonId } from "../brand.ts";
import type { Json, JsonObject, Subject } from "../action/index.ts";
import type { Hold, Term } from "../policy/index.ts";
import type { Agent, Delegation, Person, Roster } from "./people.ts";
import type { Barred, Relation } from "./request.ts";

/** Who stands behind an action, as far as it is known. `unknown` lists claims that fit nobody in the directory. */
export type Behind = { readonly barred: readonly Barred[]; readonly unknown: readonly string[] };

/** Names read from one subject's claims; what is beyond it counts as unknown. */
export const CLAIMS_MAX = 64;

/** Members of an object that may name who it is. */
const NAME_MEMBERS = ["sub", "id", "subject", "email", "login", "username", "preferred_username", "name"];
/** What a link of a chain calls itself when no human is meant. */
const MACHINES = ["agent", "service", "workload", "machine", "bot", "pipeline", "client", "application"];

/** Members of `subject.properties` that may name people. All of them only ever bar. */
const CLAIMS: readonly (readonly [member: string, relation: Relation])[] = [
  ["on_behalf_of", "on_behalf_of"],
  ["prompted_by", "prompter"],
  ["ci_actor", "ci_actor"],
  ["commit_authors", "commit_author"],
];

/**
 * Everyone who may not approve: caller, on-behalf-of chain, owners, deployers, prompter, token holder, CI actor,
 * commit authors, and their delegators and delegates. The weakest evidence suffices here (an equal e-mail or name
 * is enough), because a wrong bar costs a click and a missed one is a self-approval. `vouched` has the members of the
 * subject's claims, and comes from a token that a platform signed.
 */
export function peopleBehind(
  subject: Subject,
  agent: Agent | undefined,
  tokenHolder: PersonId | null,
  roster: Roster,
  now: Instant,
  client: JsonObject | null = null,
  vouched: JsonObject | null = null,
): Behind {
  const found: Barred[] = [];
  const unknown: string[] = [];
  const add = adderTo(found);
  addAgentPeople(subject, agent, add);
  if (tokenHolder !== null) add(tokenHolder, "token_holder", "holds the gate's token");
  for (const person of matches(subject.id, roster)) add(person.id, "caller", `is \`${subject.id}\``);
  for (const person of formerHolders(subject.id, roster, now)) add(person, "caller", givenUp(subject.id));

  // What a platform vouches for comes first: names that the question adds must not push it out.
  const firm = vouched === null ? [] : claimsOf(vouched, null);
  const claims = [...firm, ...claimsOf(subject.properties ?? {}, client)];
  for (const [at, { names, relation, machine }] of claims.slice(0, CLAIMS_MAX).entries()) {
    const people = names.flatMap((name) => matches(name, roster).map((person) => ({ person, name })));
    if (people.length === 0 && !machine) unknown.push(names[0] ?? relation);
    const by = at < firm.length ? " by the token of the platform" : "";
    for (const { person, name } of people) add(person.id, relation, `named as \`${name}\`${by}`);
    // Beside whatever it fits today: a login that was given up may be somebody else's, or nobody's, and then two decide.
    for (const name of names)
      for (const person of formerHolders(name, roster, now)) add(person, relation, givenUp(name, by));
  }
  if (claims.length > CLAIMS_MAX) unknown.push(`${claims.length - CLAIMS_MAX} more names`);
  addDelegates(found, roster, now, add);
  return { barred: found, unknown };
}

/** Those already barred, and whom today's roster puts behind the action as well: a new owner, deployer or delegate. */
export function behindToday(
  known: readonly Barred[],
  subject: Subject,
  agent: Agent | undefined,
  roster: Roster,
  now: Instant,
): readonly Barred[] {
  const found = [...known];
  const add = adderTo(found);
  addAgentPeople(subject, agent, add);
  addDelegates(found, roster, now, add);
  return found;
}

type Add = (person: PersonId, relation: Relation, evidence: string) => void;

function adderTo(found: Barred[]): Add {
  return (person, relation, evidence) => {
    if (!found.some((b) => b.person === person && b.relation === relation)) found.push({ person, relation, evidence });
  };
}

function addAgentPeople(subject: Subject, agent: Agent | undefined, add: Add): void {
  for (const owner of agent?.owners ?? []) add(owner, "agent_owner", `owns ${subject.type} \`${subject.id}\``);
  for (const deployer of agent?.deployers ?? [])
    add(deployer, "agent_deployer", `deploys ${subject.type} \`${subject.id}\``);
}

/** Names of one somebody, such as `sub` and `email`: one that fits is enough. A machine may fit nobody. */
type Claim = { readonly names: readonly string[]; readonly relation: Relation; readonly machine: boolean };

function claimsOf(properties: JsonObject, client: JsonObject | null): readonly Claim[] {
  const claims: Claim[] = [];
  for (const [member, relation] of CLAIMS) {
    for (const names of claimedIn(properties[member])) claims.push({ names, relation, machine: false });
  }
  // RFC 8693 §4.1: `act` nests; every link of the chain counts. ARAP puts the same shape under `client.actor`.
  for (const chain of [properties["act"], client?.["actor"]]) {
    let link: Json | undefined = chain;
    for (; isObject(link); link = link["act"]) {
      for (const names of claimedIn(link)) claims.push({ names, relation: "actor_chain", machine: isMachine(link) });
    }
    for (const names of claimedIn(link)) claims.push({ names, relation: "actor_chain", machine: false });
  }
  return claims;
}

/** A link of a chain may say that it is a machine; it may then fit nobody. Whatever else it says, it counts as human. */
function isMachine(link: JsonObject): boolean {
  const type = link["type"];
  return typeof type === "string" && MACHINES.includes(type.toLowerCase());
}

/** Everybody named by a claim, each with all names. What cannot be read still claims somebody: nobody who is known. */
function claimedIn(value: Json | undefined): readonly (readonly string[])[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((item: Json) => claimedIn(item));
  if (!isObject(value)) return [namesIn(value)];
  const names = NAME_MEMBERS.flatMap((key) => namesIn(value[key]));
  return [names];
}

/** A name as it is, and the two halves of `Name <address>`, as commits write it. Numbers are ids too. */
function namesIn(value: Json | undefined): readonly string[] {
  if (typeof value === "number") return [String(value)];
  if (typeof value !== "string") return [];
  const [, name, address] = /^([^<>]*)<([^<>]+)>\s*$/.exec(value) ?? [];
  return name === undefined || address === undefined ? [value] : [value, name, address];
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Everybody whom a name fits, by the weakest evidence: an id, a name, an e-mail or a login. */
export function matches(name: string, roster: Roster): readonly Person[] {
  return indexOf(roster.people).get(fold(name)) ?? [];
}

type People = Roster["people"];
/** People by every name that fits them: claims are many, and so are people. */
const indexes = new WeakMap<People, ReadonlyMap<string, readonly Person[]>>();
/** Kept for each person, because a change of the roster leaves most people as they are. */
const namesOf = new WeakMap<Person, readonly string[]>();

function indexOf(people: People): ReadonlyMap<string, readonly Person[]> {
  const known = indexes.get(people);
  if (known !== undefined) return known;
  const index = new Map<string, Person[]>();
  for (const person of people.values()) {
    for (const name of foldedNames(person)) {
      const others = index.get(name);
      if (others === undefined) index.set(name, [person]);
      else others.push(person);
    }
  }
  indexes.set(people, index);
  return index;
}

function foldedNames(person: Person): readonly string[] {
  const known = namesOf.get(person);
  if (known !== undefined) return known;
  const { id, name, emails, accounts } = person;
  const all = [id, name, ...emails, ...accounts.map(({ subject }) => subject)].map(fold);
  const names = [...new Set(all)].filter((folded) => folded !== "");
  namesOf.set(person, names);
  return names;
}

/** What `Edit.on` begins with for a login that its person gave up; its subject follows. */
export const GIVEN_UP = "login/";

type Edits = Roster["edits"];
const formerLogins = new WeakMap<Edits, ReadonlyMap<string, readonly Edits[number][]>>();

/** People whose login this name was until a short while ago: giving it up must not make an action of theirs approvable. */
function formerHolders(name: string, { edits }: Roster, now: Instant): readonly PersonId[] {
  if (edits.length === 0) return [];
  let index = formerLogins.get(edits);
  if (index === undefined) {
    const logins = edits.filter(({ on }) => on.startsWith(GIVEN_UP));
    index = Map.groupBy(logins, ({ on }) => fold(on.slice(GIVEN_UP.length)));
    formerLogins.set(edits, index);
  }
  const found = index.get(fold(name)) ?? [];
  return found.filter(({ until }) => until > now).map(({ person }) => person);
}

function givenUp(name: string, by = ""): string {
  return `named as \`${name}\`${by}, a login given up a short while ago`;
}

/** Names that look alike are alike here: to bar one too many costs a click. */
function fold(name: string): string {
  return name.normalize("NFKC").trim().toLowerCase();
}

/** Who changed, a short while ago, one of these groups, the links of its people, or one of these policies. */
export function editorsOf(
  ask: { readonly terms: readonly Term[]; readonly holds: readonly Pick<Hold, "policy">[] },
  roster: Roster,
  now: Instant,
): readonly Barred[] {
  if (roster.edits.length === 0) return [];
  const found: Barred[] = [];
  const add = adderTo(found);
  const concerned = new Map([
    ...ask.terms.map(({ group }) => [String(group), `changed the group \`${group}\``] as const),
    ...ask.holds.map(({ policy }) => [`policy/${policy}`, `changed the policy \`${policy}\``] as const),
  ]);
  for (const { person, on, until } of roster.edits) {
    const evidence = until > now ? concerned.get(on) : undefined;
    if (evidence !== undefined) add(person, "editor", evidence);
  }
  return found;
}

/** Delegation bars both ways and through chains, else two steps would be a way round. */
function addDelegates(found: readonly Barred[], roster: Roster, now: Instant, add: Add): void {
  const reached = new Set(found.map((b) => b.person));
  const queue = [...reached];
  for (let person = queue.pop(); person !== undefined; person = queue.pop()) {
    for (const { from, to, until } of delegationsOf(roster).get(person) ?? []) {
      if (until <= now) continue;
      const next = from === person ? to : to === person ? from : undefined;
      if (next === undefined || reached.has(next)) continue;
      if (next === to) add(to, "delegate", `is delegate of \`${from}\``);
      else add(from, "delegator", `delegated to \`${to}\``);
      reached.add(next);
      queue.push(next);
    }
  }
}

const delegations = new WeakMap<Roster["delegations"], ReadonlyMap<PersonId, readonly Delegation[]>>();

/** Delegations by each of the two whom they join. */
function delegationsOf(roster: Roster): ReadonlyMap<PersonId, readonly Delegation[]> {
  const known = delegations.get(roster.delegations);
  if (known !== undefined) return known;
  const index = new Map<PersonId, Delegation[]>();
  for (const delegation of roster.delegations) {
    for (const person of new Set([delegation.from, delegation.to])) {
      const others = index.get(person);
      if (others === undefined) index.set(person, [delegation]);
      else others.push(delegation);
    }
  }
  delegations.set(roster.delegations, index);
  return index;
}
