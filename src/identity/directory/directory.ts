import type { AgentId, GroupName, Instant, PersonId } from "../../core/brand.ts";
import { canonicalBytes, digest } from "../../core/action/index.ts";
import type { Json } from "../../core/action/index.ts";
import { ConfigError } from "../../ports/config.ts";
import type { ConfigProblem } from "../../ports/config.ts";
import type { Account, Agent, Delegation, Directory, Membership, Person } from "../../ports/directory.ts";
import { writtenDirectory } from "./written.ts";
import type { WrittenDirectory } from "./written.ts";
import { readYaml } from "../../config/index.ts";

/** A directory and what its author should look at, such as an agent that nobody owns. */
export type LoadedDirectory = { readonly directory: Directory; readonly warnings: readonly ConfigProblem[] };
type Content = Omit<Directory, "digest">;
type At = (path: readonly PropertyKey[], message: string, hint: string | null) => ConfigProblem;

/**
 * Reads and checks `directory.yaml`; throws a `ConfigError` that names every problem with its file and line.
 *
 * A membership that `previous` knows keeps its `since`; every other one begins `now`, because whoever joins a group after
 * a request was opened must not approve it, and a file says nothing trustworthy of when it was changed.
 */
export function loadDirectory(path: string, previous: Directory | null, now: Instant): LoadedDirectory {
  const { value, problem } = readYaml<WrittenDirectory>(path, writtenDirectory, "directory_invalid");
  const problems = [
    ...repeatedIds(value, problem),
    ...unknownPeople(value, problem),
    ...sharedAccounts(value, problem),
  ];
  if (problems.length > 0) throw new ConfigError({ code: "directory_invalid", problems });

  const since = sinceOf(previous);
  const groups = Object.entries(value.groups).map(([name, members]) => {
    const group = name as GroupName;
    const memberships = [...new Set(members)].map((id): Membership => {
      const person = id as PersonId;
      return { group, person, since: since.get(membershipKey(group, person)) ?? now };
    });
    return [group, memberships] as const;
  });
  const directory = seal({
    people: new Map(value.people.map((written) => [written.id as PersonId, personOf(written)])),
    agents: new Map(value.agents.map((written) => [written.id as AgentId, agentOf(written)])),
    groups: new Map(groups),
    delegations: value.delegations.map(delegationOf),
  });
  return { directory, warnings: warningsOf(value, problem) };
}

/** Completes a directory with the SHA-256 over the canonical JSON of all that it says, whatever order it was written in. */
export function seal(content: Content): Directory {
  const order = (a: Json, b: Json): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
  const bytes = canonicalBytes({
    v: 1,
    people: [...content.people.values()]
      .map((person): Json => ({ ...person, accounts: [...person.accounts] }))
      .sort(order),
    agents: [...content.agents.values()].map((agent): Json => agent).sort(order),
    groups: [...content.groups]
      .map(([group, members]): Json => ({ group, members: members.map((member): Json => member).sort(order) }))
      .sort(order),
    delegations: content.delegations.map((delegation): Json => delegation).sort(order),
  });
  return { ...content, digest: digest(bytes) };
}

/** How many active people each group has: what a quorum can be met with. */
export function activeMembers(directory: Directory): ReadonlyMap<GroupName, number> {
  const count = (members: readonly Membership[]): number =>
    members.filter(({ person }) => directory.people.get(person)?.active === true).length;
  return new Map([...directory.groups].map(([group, members]) => [group, count(members)]));
}

function personOf({ id, name, emails, accounts, active }: WrittenDirectory["people"][number]): Person {
  return { id: id as PersonId, name, active, accounts: accounts.map((account): Account => account), emails };
}

function agentOf({ id, type, owners, deployers, active }: WrittenDirectory["agents"][number]): Agent {
  return { id: id as AgentId, type, owners: owners as PersonId[], deployers: deployers as PersonId[], active };
}

function delegationOf({ from, to, until }: WrittenDirectory["delegations"][number]): Delegation {
  return { from: from as PersonId, to: to as PersonId, until: Date.parse(until) as Instant };
}

function sinceOf(previous: Directory | null): ReadonlyMap<string, Instant> {
  const all = previous === null ? [] : [...previous.groups.values()].flat();
  return new Map(all.map(({ group, person, since }) => [membershipKey(group, person), since]));
}

function membershipKey(group: GroupName, person: PersonId): string {
  return `${group} ${person}`; // neither holds a space
}

function repeatedIds({ people, agents }: WrittenDirectory, at: At): ConfigProblem[] {
  const repeated = (list: readonly { readonly id: string }[], member: string): ConfigProblem[] => {
    const seen = new Set<string>();
    return list.flatMap(({ id }, index) => {
      const again = seen.has(id);
      seen.add(id);
      return again ? [at([member, index, "id"], `the id \`${id}\` is used twice`, "give each its own")] : [];
    });
  };
  return [...repeated(people, "people"), ...repeated(agents, "agents")];
}

function unknownPeople({ people, groups, agents, delegations }: WrittenDirectory, at: At): ConfigProblem[] {
  const known = new Set(people.map(({ id }) => id));
  const check = (ids: readonly string[], path: readonly PropertyKey[]): ConfigProblem[] =>
    ids.flatMap((id, index) =>
      known.has(id)
        ? []
        : [at([...path, index], `nobody has the id \`${id}\``, "add the person under `people`, or correct the id")],
    );
  return [
    ...Object.entries(groups).flatMap(([group, members]) => check(members, ["groups", group])),
    ...agents.flatMap(({ owners }, index) => check(owners, ["agents", index, "owners"])),
    ...agents.flatMap(({ deployers }, index) => check(deployers, ["agents", index, "deployers"])),
    ...delegations.flatMap(({ from, to }, index) => check([from, to], ["delegations", index])),
  ];
}

/** One login that belongs to two people would let one of them act as the other. */
function sharedAccounts({ people }: WrittenDirectory, at: At): ConfigProblem[] {
  const holders = new Map<string, string>();
  return people.flatMap(({ id, accounts }, index) =>
    accounts.flatMap(({ issuer, subject }, place) => {
      const key = JSON.stringify([issuer, subject]);
      const holder = holders.get(key);
      holders.set(key, holder ?? id);
      if (holder === undefined) return [];
      const message = `the account \`${subject}\` of \`${issuer}\` already belongs to \`${holder}\``;
      return [at(["people", index, "accounts", place], message, "an account belongs to one person, once")];
    }),
  );
}

function warningsOf({ people, groups, agents }: WrittenDirectory, at: At): ConfigProblem[] {
  const active = new Set(people.filter((person) => person.active).map(({ id }) => id));
  const empty = Object.entries(groups)
    .filter(([, members]) => !members.some((id) => active.has(id)))
    .map(([group]) =>
      at(["groups", group], `the group \`${group}\` has no active member`, "nothing that needs it can be approved"),
    );
  const unowned = agents.flatMap(({ id, active: acts, owners, deployers }, index) =>
    acts && owners.length + deployers.length === 0
      ? [at(["agents", index], `nobody owns the agent \`${id}\``, "its approvals need two people; name its owners")]
      : [],
  );
  return [...empty, ...unowned];
}
