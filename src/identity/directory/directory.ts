import type { AgentId, GroupName, Instant, PersonId } from "../../core/brand.ts";
import { ConfigError } from "../../ports/config.ts";
import type { ConfigProblem } from "../../ports/config.ts";
import type { Account, Agent, Delegation, Directory, Membership, Person, Role } from "../../ports/directory.ts";
import { seal, type Content } from "./seal.ts";
import { writtenDirectory } from "./written.ts";
import type { WrittenDirectory } from "./written.ts";
import { readYaml } from "../../config/index.ts";

/** A directory and what its author should look at, such as an agent that nobody owns. */
export type LoadedDirectory = { readonly directory: Directory; readonly warnings: readonly ConfigProblem[] };
type At = (path: readonly PropertyKey[], message: string, hint: string | null) => ConfigProblem;

/** What `directory.yaml` says, checked as far as the file alone can be. */
export type WrittenContent = Omit<Content, "groups" | "edits"> & {
  readonly groups: ReadonlyMap<GroupName, readonly PersonId[]>;
};

/** A file that was read: its content, what its author should look at, and how to point at a place of it. */
export type ReadDirectory = {
  readonly written: WrittenContent;
  readonly warnings: readonly ConfigProblem[];
};

/** Reads and checks `directory.yaml`; throws a `ConfigError` that names every problem with its file and line. */
export function readDirectory(path: string): ReadDirectory {
  const { value, problem } = readYaml<WrittenDirectory>(path, writtenDirectory, "directory_invalid");
  const problems = [
    ...repeatedIds(value, problem),
    ...unknownPeople(value, problem),
    ...unknownGroups(value, problem),
    ...sharedAccounts(value, problem),
  ];
  if (problems.length > 0) throw new ConfigError({ code: "directory_invalid", problems });
  const roles = Object.entries(value.roles).filter(([, groups]) => groups.length > 0);
  const written: WrittenContent = {
    people: new Map(value.people.map((person) => [person.id as PersonId, personOf(person)])),
    agents: new Map(value.agents.map((agent) => [agent.id as AgentId, agentOf(agent)])),
    groups: new Map(
      Object.entries(value.groups).map(([group, members]) => [group as GroupName, [...new Set(members)] as PersonId[]]),
    ),
    delegations: value.delegations.map(delegationOf),
    roles: new Map(roles.map(([role, groups]) => [role as Role, [...new Set(groups)] as GroupName[]])),
  };
  return { written, warnings: warningsOf(value, problem) };
}

/**
 * The file alone as a directory. A membership that `previous` knows keeps its `since`; every other one begins `now`, because
 * whoever joins a group after a request was opened must not approve it, and a file says nothing trustworthy of when it was changed.
 */
export function loadDirectory(path: string, previous: Directory | null, now: Instant): LoadedDirectory {
  const { written, warnings } = readDirectory(path);
  const since = sinceOf(previous);
  const groups = [...written.groups].map(([group, people]) => {
    const joined = people.map((person): Membership => {
      return { group, person, since: since.get(membershipKey(group, person)) ?? now };
    });
    return [group, joined] as const;
  });
  return { directory: seal({ ...written, groups: new Map(groups), edits: [] }), warnings };
}

/** How many active people each group has: what a quorum can be met with. */
export function activeMembers(directory: Directory): ReadonlyMap<GroupName, number> {
  const count = (members: readonly Membership[]): number =>
    members.filter(({ person }) => directory.people.get(person)?.active === true).length;
  return new Map([...directory.groups].map(([group, members]) => [group, count(members)]));
}

function personOf({ id, name, emails, accounts, active }: WrittenDirectory["people"][number]): Person {
  return {
    id: id as PersonId,
    name,
    active,
    accounts: accounts.map((account): Account => account),
    emails,
    passkeys: [],
  };
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

function unknownGroups({ groups, roles }: WrittenDirectory, at: At): ConfigProblem[] {
  return Object.entries(roles).flatMap(([role, named]) =>
    named.flatMap((group, index) =>
      Object.hasOwn(groups, group)
        ? []
        : [at(["roles", role, index], `there is no group \`${group}\``, "add it under `groups`, if only as `[]`")],
    ),
  );
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
