// The little world of one history: who is who, what policy says, and how both change while requests wait.
import type { Question } from "../../src/core/action/index.ts";
import { parseQuestion } from "../../src/core/action/index.ts";
import type { Agent, Delegation, Edit, Membership, Person } from "../../src/core/approval/index.ts";
import type { AgentId, Digest, GateId, GroupName, Instant, PersonId } from "../../src/core/brand.ts";
import type { TokenId } from "../../src/core/ids.ts";
import type { Assurance, EffectVerdict, Term } from "../../src/core/policy/index.ts";
import type { Classification, PolicyId } from "../../src/core/risk/index.ts";
import type { Caller, Rules } from "../../src/engine/index.ts";
import type { Dice } from "../crash/dice.ts";

export const SECOND = 1000;
export const START: number = Date.UTC(2026, 5, 1, 12);
/** How long people have to review, in milliseconds. */
export const HOLD_MS: number = 240 * SECOND;

export const PEOPLE = ["ann", "bob", "cy", "dee", "eve", "fay"] as const;
export const GROUPS = ["owners", "security"] as const;
export const AGENT = "bot";

/** What policy says of every action of this world, as the checker reads it: independent of the engine's merging. */
export type Law =
  | { readonly outcome: "allow" }
  | { readonly outcome: "deny" }
  | {
      readonly outcome: "hold";
      readonly terms: readonly (readonly [group: string, quorum: number])[];
      readonly assurance: Assurance;
    };

/** Rules at one moment, twice: as plain data for the checker, and as the engine's ports. `grave` raises the risk. */
export type World = {
  readonly version: number;
  readonly inactive: ReadonlySet<string>;
  readonly members: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly owners: readonly string[];
  readonly deployers: readonly string[];
  readonly delegations: readonly (readonly [from: string, to: string])[];
  /** Who changed which group, or which policy, a short while ago. */
  readonly edits: readonly (readonly [person: string, on: string])[];
  readonly law: Law;
  readonly grave: boolean;
  readonly rules: Rules;
};

/** Rules as plain data. */
export type Plain = Omit<World, "rules">;

const digestOfWorld = (version: number): Digest => `sha256:${String(version).padStart(64, "0")}` as Digest;
const FAR = (START + 365 * 24 * 3600 * SECOND) as Instant;

const MILD: Classification = {
  effects: [{ effect: "export", because: "it takes data out", provenance: "operator" }],
  facts: [{ name: "rows", value: 10, provenance: "operator" }],
  opaque: [],
};
const GRAVE: Classification = {
  ...MILD,
  effects: [...MILD.effects, { effect: "escalate", because: "it gives rights", provenance: "operator" }],
};

/** What a law says of one effect, as a policy set answers it. */
function verdictOf(law: Law): EffectVerdict {
  const policy = "law" as PolicyId;
  if (law.outcome === "allow") return { outcome: "allow", policies: [policy] };
  if (law.outcome === "deny") return { outcome: "deny", code: "forbidden", because: "the law", policies: [policy] };
  const terms: readonly Term[] = law.terms.map(([group, quorum]) => ({ group: group as GroupName, quorum }));
  const { assurance } = law;
  return { outcome: "hold", holds: [{ policy, because: "the law", terms, expiresInMs: HOLD_MS, assurance }] };
}

/** Every person has several logins, all firm: a review by any of them is the person's, and once. */
function accountsOf(id: string): Person["accounts"] {
  const subjects = [id, ...[0, 1, 2].map((number) => `${id}-${number}`)];
  return subjects.map((subject) => ({ issuer: "https://idp.example.com", subject, strength: "L3" }));
}

/** The same rules as the engine reads them. */
export function worldOf(plain: Plain): World {
  const ids = (names: readonly string[]): readonly PersonId[] => names.map((name) => name as PersonId);
  const agent = (id: string, owners: readonly string[], deployers: readonly string[]): [AgentId, Agent] => [
    id as AgentId,
    { id: id as AgentId, type: "agent", owners: ids(owners), deployers: ids(deployers), active: true },
  ];
  const people = PEOPLE.map((id): [PersonId, Person] => [
    id as PersonId,
    {
      id: id as PersonId,
      name: id,
      active: !plain.inactive.has(id),
      accounts: accountsOf(id),
      emails: [],
      passkeys: [],
    },
  ]);
  const groups = [...plain.members].map(([group, members]): [GroupName, Membership[]] => [
    group as GroupName,
    [...members].map(([person, since]) => ({
      group: group as GroupName,
      person: person as PersonId,
      since: since as Instant,
    })),
  ]);
  const verdict = verdictOf(plain.law);
  const classification = plain.grave ? GRAVE : MILD;
  const rules: Rules = {
    directory: {
      digest: digestOfWorld(plain.version),
      people: new Map(people),
      agents: new Map([agent(AGENT, plain.owners, plain.deployers), agent("thief", [], [])]),
      groups: new Map(groups),
      delegations: plain.delegations.map(([from, to]): Delegation => ({
        from: from as PersonId,
        to: to as PersonId,
        until: FAR,
      })),
      roles: new Map(),
      edits: plain.edits.map(([person, on]): Edit => ({ person: person as PersonId, on, until: FAR })),
    },
    policies: { digest: digestOfWorld(plain.version), verdict: () => verdict },
    classifier: { classify: () => classification },
    catalogueDigest: digestOfWorld(plain.version),
  };
  return { ...plain, rules };
}

const LAWS: readonly Law[] = [
  { outcome: "hold", terms: [["owners", 1]], assurance: "A1" },
  { outcome: "hold", terms: [["security", 2]], assurance: "A1" },
  {
    outcome: "hold",
    terms: [
      ["owners", 1],
      ["security", 1],
    ],
    assurance: "A1",
  },
  { outcome: "hold", terms: [["owners", 2]], assurance: "A1" },
];

export function pick<T>(dice: Dice, items: readonly T[]): T {
  const item = items[dice.between(0, items.length)];
  if (item === undefined) throw new RangeError("nothing to pick from");
  return item;
}

/** The world that a history begins with. */
export function firstWorld(dice: Dice): World {
  const people = dice.shuffled(PEOPLE);
  const long = START - 1000 * SECOND;
  const members = new Map(
    GROUPS.map((group, place) => [
      group,
      new Map(people.slice(2 * place, 2 * place + 4).map((person) => [person, long])),
    ]),
  );
  // Mostly an owner who could approve, were it not for the bar; sometimes nobody stands behind the agent.
  const owners = dice.between(0, 5) === 0 ? [] : [pick(dice, people.slice(0, 5))];
  const deployers = dice.between(0, 6) === 0 ? [pick(dice, people)] : [];
  const delegations = dice.between(0, 4) === 0 ? [[pick(dice, people), pick(dice, people)] as const] : [];
  const law = pick(dice, LAWS);
  const inactive = new Set<string>();
  const edits: World["edits"] = [];
  return worldOf({ version: 0, inactive, members, owners, deployers, delegations, edits, law, grave: false });
}

/** The same world after one change by its operator, in words for the trace. */
export function changedWorld(world: World, dice: Dice, now: number): { readonly world: World; readonly what: string } {
  const { rules: _, ...before } = world;
  const plain = { ...before, version: world.version + 1 };
  const person = pick(dice, PEOPLE);
  const group = pick(dice, GROUPS);
  const change = (part: Partial<Plain>, what: string): { readonly world: World; readonly what: string } => ({
    world: worldOf({ ...plain, ...part }),
    what,
  });
  const joined = (since: number | null): Partial<Plain> => {
    const of = new Map(world.members.get(group));
    if (since === null) of.delete(person);
    else of.set(person, of.get(person) ?? since);
    return { members: new Map(world.members).set(group, of) };
  };
  switch (dice.between(0, 12)) {
    case 0:
    case 1:
      return change({ inactive: new Set([...world.inactive, person]) }, `${person} is deactivated`);
    case 2:
    case 3:
      return change(joined(null), `${person} leaves ${group}`);
    case 4:
    case 5:
      return change(joined(now + SECOND), `${person} joins ${group} a second from now`);
    case 6:
      return change({ owners: [...world.owners, person] }, `${person} owns the agent as well`);
    case 7:
      return change({ delegations: [...world.delegations, [person, pick(dice, PEOPLE)]] }, `${person} has a delegate`);
    case 8: {
      const law = pick(dice, [...LAWS, { outcome: "deny" } as const, { outcome: "allow" } as const]);
      return change({ law }, `the law is now ${JSON.stringify(law)}`);
    }
    case 9: {
      const law = world.law.outcome === "hold" ? ({ ...world.law, assurance: "A2" } as const) : world.law;
      return change({ law }, "the law asks for A2");
    }
    case 10: {
      const on = pick(dice, [...GROUPS, "policy/law"]);
      return change({ edits: [...world.edits, [person, on]] }, `${person} has edited ${on}`);
    }
    default:
      return change({ grave: true }, "the action is graver than it was");
  }
}

/** Who calls through which gate: the agent at two gates, the second with a token of somebody's, and a thief of permits. */
export function callersOf(dice: Dice): readonly [first: Caller, second: Caller, thief: Caller] {
  const holder = dice.between(0, 2) === 0 ? pick(dice, PEOPLE) : null;
  return [
    callerAt(AGENT, "gate-a", "1", null),
    callerAt(AGENT, "gate-b", "2", holder),
    callerAt("thief", "gate-a", "3", null),
  ];
}

/** A gate of an agent, with a token of its own, and whoever holds it. */
export function callerAt(agent: string, gate: string, number: string, holder: string | null): Caller {
  return {
    agent: agent as AgentId,
    agentType: "agent",
    gate: gate as GateId,
    token: `tok_${number.repeat(26)}` as TokenId,
    holder: holder as PersonId | null,
  };
}

/** A question of this world and, as plain data, whom it names as standing behind it. */
export type Asked = { readonly question: Question; readonly onBehalfOf: string | null };

/** Two actions of the agent: one for itself, one on behalf of somebody, who may be a stranger. */
export function questionsOf(dice: Dice): readonly Asked[] {
  const named = dice.between(0, 3) === 0 ? pick(dice, [...PEOPLE, "stranger"]) : null;
  return [0, 1].map((number) => {
    const onBehalfOf = number === 0 ? named : null;
    const properties = onBehalfOf === null ? {} : { properties: { on_behalf_of: onBehalfOf } };
    const subject = { type: "agent", id: AGENT, ...properties };
    const action = { name: "rows.export" };
    return { question: parseQuestion({ subject, action, resource: { type: "t", id: `r${number}` } }), onBehalfOf };
  });
}

/** Everybody behind one attempt by plain words and today's world: an own reading of what the core calls barred. */
export function behind(world: World, named: Iterable<string>): ReadonlySet<string> {
  const found = new Set<string>([...named, ...world.owners, ...world.deployers].filter(isPerson));
  for (let size = -1; size !== found.size;) {
    size = found.size;
    for (const [from, to] of world.delegations) {
      if (found.has(from)) found.add(to);
      if (found.has(to)) found.add(from);
    }
  }
  return found;
}

export function isPerson(name: string): boolean {
  return PEOPLE.some((person) => person === name);
}
