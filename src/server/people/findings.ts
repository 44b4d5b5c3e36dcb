import { atLeastTwo, behindToday, placesOf, seat } from "../../core/approval/index.ts";
import type { Agent, Candidate } from "../../core/approval/index.ts";
import type { GroupName, Instant, PersonId } from "../../core/brand.ts";
import { assuranceCovers, type Assurance, type Term } from "../../core/policy/index.ts";
import type { Directory } from "../../ports/directory.ts";
import type { Finding } from "../finding.ts";
import type { House } from "../house.ts";

/** Findings of one kind that are told one by one; beyond them, how many more there are. */
const TOLD_MAX = 20;
/** Agents that are looked at with every hold. */
const AGENTS_MAX = 1_000;

/** What is weak about who may decide, and what waits. */
export function peopleFindings({ rules, ctx }: House): readonly Finding[] {
  const { directory, policyList } = rules.current;
  const { deciding, held } = rules.people;
  const holds = policyList.filter(({ terms }) => terms.length > 0);
  return [
    ...heldFindings(held),
    ...capped(ownerless(directory)),
    ...capped(groupsOfOne(directory)),
    ...capped(withoutPasskey(directory, deciding)),
    ...capped(passkeysLacking(directory, holds)),
    ...capped(outOfReach(directory, holds, ctx.clock.now())),
  ];
}

function capped(findings: readonly Finding[]): readonly Finding[] {
  const more = findings.length - TOLD_MAX;
  const [first] = findings;
  if (more <= 0 || first === undefined) return findings;
  return [...findings.slice(0, TOLD_MAX), { ...first, message: `${more} more like these` }];
}

function heldFindings(held: House["rules"]["people"]["held"]): readonly Finding[] {
  return held.map(({ request, ofFile, refused, moves }) => {
    const from = ofFile ? "directory.yaml" : "the directory";
    const message = refused
      ? `${moves.length} steps of ${from} were refused by an administrator and are not in force, though the file says them`
      : `${moves.length} steps of ${from} wait for an administrator and are not in force`;
    const hint = refused ? "take them out of the file" : `keyturn review ${request}`;
    return { severity: refused ? "warning" : "info", code: "directory_change_held", message, hint };
  });
}

function ownerless({ agents }: Directory): readonly Finding[] {
  return [...agents.values()].flatMap(({ id, active, owners }): Finding[] => {
    if (owners.length > 0 || !active) return [];
    const message = `agent \`${id}\` has no owner, so nobody stands behind it and every approval needs two people`;
    return [warning("agent_without_owner", message, "name its owners in directory.yaml")];
  });
}

function groupsOfOne(directory: Directory): readonly Finding[] {
  return [...directory.groups].flatMap(([group, members]): Finding[] => {
    if (members.filter(({ person }) => isActive(directory, person)).length !== 1) return [];
    const message = `group \`${group}\` has one active member: nobody can stand in, and an action of that person's agents can never be approved`;
    return [warning("group_of_one", message, "add a second person to the group")];
  });
}

function withoutPasskey(directory: Directory, deciding: ReadonlySet<GroupName>): readonly Finding[] {
  const deciders = [...deciding].flatMap((group) => (directory.groups.get(group) ?? []).map(({ person }) => person));
  return [...new Set(deciders)].flatMap((id): Finding[] => {
    const person = directory.people.get(id);
    if (person === undefined || !person.active || person.passkeys.length > 0) return [];
    const message = `\`${id}\` may decide and has no passkey: their decisions rest on a session alone`;
    return [{ severity: "info", code: "approver_without_passkey", message, hint: "see docs/passkeys.md" }];
  });
}

type Hold = { readonly id: string; readonly terms: readonly Term[] };
type SigningHold = Hold & { readonly assurance: Assurance | null };

/** A hold that asks for passkeys which its approvers do not have: who can never be met, said before somebody waits. */
export function passkeysLacking(directory: Directory, holds: readonly SigningHold[]): readonly Finding[] {
  const keyed = new Map<GroupName, readonly PersonId[]>();
  for (const [group, members] of directory.groups) {
    const able = members.filter(({ person }) => (directory.people.get(person)?.passkeys.length ?? 0) > 0);
    keyed.set(
      group,
      able.map(({ person }) => person).filter((person) => isActive(directory, person)),
    );
  }
  return holds.flatMap(({ id, terms, assurance }): Finding[] => {
    if (assurance === null || !assuranceCovers(assurance, "A3")) return [];
    if (isReachable({ owners: [], deployers: [] }, terms, keyed, new Set(), terms)) return [];
    const message = `what \`${id}\` asks for cannot be met: it wants a passkey of each approver, and too few of them have one`;
    return [warning("passkeys_lacking", message, "let them enrol one in the console, under Passkeys")];
  });
}

/** Holds that nobody could ever meet for an agent, once those who stand behind it are taken away. */
function outOfReach(directory: Directory, holds: readonly Hold[], now: Instant): readonly Finding[] {
  const groups = new Map<GroupName, readonly PersonId[]>();
  for (const [group, members] of directory.groups) {
    groups.set(
      group,
      members.map(({ person }) => person).filter((person) => isActive(directory, person)),
    );
  }
  const agents = [...directory.agents.values()].filter(({ active }) => active).slice(0, AGENTS_MAX);
  return agents.flatMap((agent) => {
    const behind = behindToday([], { type: agent.type, id: agent.id }, agent, directory, now);
    const barred = new Set(behind.map(({ person }) => person));
    return holds.flatMap(({ id, terms }): Finding[] => {
      if (isReachable(agent, terms, groups, barred)) return [];
      const message = `what \`${id}\` asks for can never be met for agent \`${agent.id}\`: too few people are left when those behind it are barred`;
      return [warning("quorum_out_of_reach", message, "add people to the groups, or give the agent other owners")];
    });
  });
}

function isReachable(
  { owners, deployers }: Pick<Agent, "owners" | "deployers">,
  asked: readonly Term[],
  groups: ReadonlyMap<GroupName, readonly PersonId[]>,
  barred: ReadonlySet<PersonId>,
  unowned: readonly Term[] = atLeastTwo(asked),
): boolean {
  const terms = owners.length + deployers.length === 0 ? unowned : asked;
  const places = placesOf(terms);
  const candidates = terms.flatMap(({ group }): Candidate[] => {
    const able: PersonId[] = [];
    for (const person of groups.get(group) ?? []) {
      if (!barred.has(person)) able.push(person);
      // More than there are places make no difference to the matching.
      if (able.length === places) break;
    }
    return able.map((person) => ({ person, groups: [group] }));
  });
  return seat(terms, candidates).complete;
}

function isActive({ people }: Directory, person: PersonId): boolean {
  return people.get(person)?.active === true;
}

function warning(code: string, message: string, hint: string): Finding {
  return { severity: "warning", code, message, hint };
}
