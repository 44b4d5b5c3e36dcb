import type { JsonObject } from "../../core/action/index.ts";
import type { AgentId, GroupName, PersonId } from "../../core/brand.ts";
import type { Agent, Directory, Membership, Person } from "../../ports/directory.ts";
import { seal } from "./seal.ts";
import { plain, toDocument } from "./document.ts";

/** One entry's worth of a change: its payload, and the digest that is in force after it. */
export type DirectoryEntry = { readonly payload: JsonObject; readonly digest: Directory["digest"] };

/** A whole directory up to this size stands in each entry: small houses have a record that reads by itself. */
const WHOLE_CHARS_MAX = 65_536;
/** Characters of one entry of steps: in UTF-8 they have to fit into a payload. */
const STEPS_CHARS_MAX = 1_000_000;

/**
 * The entries that record a change of the roster: the whole of it where it is small, else the steps from the one before.
 * What is too large for one payload becomes several entries, each with the digest of the roster that it leads to.
 */
export function entriesOf(before: Directory | null, after: Directory): readonly DirectoryEntry[] {
  const isSmall = after.people.size + after.agents.size < 400;
  const whole = isSmall ? toDocument(after) : null;
  if (whole !== null && JSON.stringify(whole).length <= WHOLE_CHARS_MAX) {
    return [{ payload: { directory: whole }, digest: after.digest }];
  }
  return parts(before ?? EMPTY, after, before === null ? null : before.digest);
}

const EMPTY: Directory = seal({
  people: new Map(),
  agents: new Map(),
  groups: new Map(),
  delegations: [],
  roles: new Map(),
  edits: [],
});

type Step = { readonly json: JsonObject; readonly apply: (to: Building) => void };
type Building = {
  readonly people: Map<PersonId, Person>;
  readonly agents: Map<AgentId, Agent>;
  readonly groups: Map<GroupName, readonly Membership[]>;
};

function parts(before: Directory, after: Directory, base: Directory["digest"] | null): readonly DirectoryEntry[] {
  const chunks = chunked(stepsOf(before, after));
  const building = { people: new Map(before.people), agents: new Map(before.agents), groups: new Map(before.groups) };
  let from = base;
  return chunks.map((chunk, index): DirectoryEntry => {
    for (const { apply } of chunk) apply(building);
    const isLast = index === chunks.length - 1;
    // Delegations and roles are few, and come with the last part.
    const { delegations, roles } = isLast ? after : before;
    const { digest } = isLast ? after : seal({ ...building, delegations, roles, edits: [] });
    const rest = isLast ? { delegations, roles: [...roles].map(([role, groups]) => ({ role, groups })) } : {};
    const payload = plain({ base: from, steps: chunk.map(({ json }) => json), ...rest });
    from = digest;
    return { payload, digest };
  });
}

function stepsOf(before: Directory, after: Directory): readonly Step[] {
  const steps: Step[] = [];
  // People first: memberships that follow name them.
  for (const person of after.people.values()) {
    if (before.people.get(person.id) === person) continue;
    steps.push({ json: { person }, apply: (to) => to.people.set(person.id, person) });
  }
  for (const agent of after.agents.values()) {
    if (before.agents.get(agent.id) === agent) continue;
    steps.push({ json: { agent }, apply: (to) => to.agents.set(agent.id, agent) });
  }
  for (const [group, members] of after.groups) {
    const known = before.groups.get(group);
    if (known !== members) steps.push(...groupSteps(group, known, members));
  }
  for (const group of before.groups.keys()) {
    if (!after.groups.has(group)) steps.push({ json: { group_gone: group }, apply: (to) => to.groups.delete(group) });
  }
  for (const id of before.people.keys()) {
    if (!after.people.has(id)) steps.push({ json: { person_gone: id }, apply: (to) => to.people.delete(id) });
  }
  for (const id of before.agents.keys()) {
    if (!after.agents.has(id)) steps.push({ json: { agent_gone: id }, apply: (to) => to.agents.delete(id) });
  }
  return steps;
}

function groupSteps(
  group: GroupName,
  known: readonly Membership[] | undefined,
  members: readonly Membership[],
): readonly Step[] {
  const old = new Map((known ?? []).map(({ person, since }) => [person, since]));
  const now = new Set(members.map(({ person }) => person));
  const joined = members.filter(({ person, since }) => old.get(person) !== since);
  const left = [...old.keys()].filter((person) => !now.has(person));
  const json = { group, joined: joined.map(({ person, since }) => ({ person, since })), left };
  return [{ json, apply: (to) => to.groups.set(group, members) }];
}

function chunked(steps: readonly Step[]): readonly (readonly Step[])[] {
  const chunks: Step[][] = [[]];
  let size = 0;
  for (const step of steps) {
    const chars = JSON.stringify(step.json).length;
    if (size + chars > STEPS_CHARS_MAX && (chunks.at(-1)?.length ?? 0) > 0) {
      chunks.push([]);
      size = 0;
    }
    size += chars;
    chunks.at(-1)?.push(step);
  }
  return chunks;
}
