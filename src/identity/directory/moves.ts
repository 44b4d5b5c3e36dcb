import type { GroupName, PersonId } from "../../core/brand.ts";
import type { Account, Agent, Delegation, Role } from "../../ports/directory.ts";
import type { DirectoryStep, Source } from "../../ports/people.ts";
import type { WrittenContent } from "./directory.ts";
import { accountKey, type Sources } from "./sources.ts";

/** The smallest steps: each is held or applied as a whole. Those of agents, delegations and roles come from the file alone. */
export type Move =
  | Extract<
      DirectoryStep,
      { step: "put_person" | "remove_person" | "remove_group" | "enrol_passkey" | "revoke_passkey" }
    >
  | {
      readonly step: "link";
      readonly source: Source;
      readonly person: PersonId;
      readonly account: Account;
      readonly evidence: string;
    }
  | { readonly step: "unlink"; readonly source: Source; readonly issuer: string; readonly subject: string }
  | { readonly step: "add_group"; readonly source: Source; readonly group: GroupName }
  | { readonly step: "join" | "leave"; readonly source: Source; readonly group: GroupName; readonly person: PersonId }
  | { readonly step: "put_agent"; readonly agent: Agent }
  | { readonly step: "remove_agent"; readonly agent: Agent["id"] }
  | { readonly step: "put_delegation" | "remove_delegation"; readonly delegation: Delegation }
  | { readonly step: "put_role"; readonly role: Role; readonly groups: readonly GroupName[] };

/** What a move is about: a later move of the same key overtakes an earlier one that still waits. */
export function moveKey(move: Move): string {
  switch (move.step) {
    case "put_person":
      return JSON.stringify(["person", move.source, move.person.id]);
    case "remove_person":
      return JSON.stringify(["person", move.source, move.person]);
    case "link":
      return JSON.stringify(["link", move.account.issuer, move.account.subject]);
    case "unlink":
      return JSON.stringify(["link", move.issuer, move.subject]);
    case "add_group":
    case "remove_group":
      return JSON.stringify(["group", move.source, move.group]);
    case "join":
    case "leave":
      return JSON.stringify(["member", move.source, move.group, move.person]);
    case "enrol_passkey":
      return JSON.stringify(["passkey", move.passkey.id]);
    case "revoke_passkey":
      return JSON.stringify(["passkey", move.passkey]);
    case "put_agent":
      return JSON.stringify(["agent", move.agent.id]);
    case "remove_agent":
      return JSON.stringify(["agent", move.agent]);
    case "put_delegation":
    case "remove_delegation":
      return JSON.stringify(["delegation", move.delegation.from, move.delegation.to, move.delegation.until]);
    case "put_role":
      return JSON.stringify(["role", move.role]);
    default:
      return move satisfies never;
  }
}

/** A change in its smallest steps, against what is in force now. */
export function movesOf(steps: readonly DirectoryStep[], now: Sources): readonly Move[] {
  return steps.flatMap((step): readonly Move[] => {
    switch (step.step) {
      case "link":
      case "unlink":
        return [{ ...step, source: "keyturn" }];
      case "put_group":
        return membersTo(now, step.source, step.group, step.members);
      case "join":
        if (now.groups.get(step.group)?.get(step.source)?.has(step.person) === true) return [];
        return [{ step: "add_group", source: step.source, group: step.group }, step];
      default:
        return [step];
    }
  });
}

/** The moves that make one source say of a group what is wanted. */
function membersTo(now: Sources, source: Source, group: GroupName, wanted: readonly PersonId[]): readonly Move[] {
  const present = now.groups.get(group)?.get(source) ?? new Map<PersonId, unknown>();
  const members = new Set(wanted);
  return [
    { step: "add_group", source, group },
    ...[...present.keys()]
      .filter((p) => !members.has(p))
      .map((person): Move => ({ step: "leave", source, group, person })),
    ...[...members].filter((p) => !present.has(p)).map((person): Move => ({ step: "join", source, group, person })),
  ];
}

/** The moves that make the file's part of the directory what the file says. What goes, goes first. */
export function movesToFile(written: WrittenContent, now: Sources): readonly Move[] {
  return [
    ...peopleGone(written, now),
    ...linksGone(written, now),
    ...[...written.people.values()].flatMap((person) => personMoves(person, now)),
    ...groupMoves(written, now),
    ...agentMoves(written, now),
    ...delegationMoves(written, now),
    ...roleMoves(written, now),
  ];
}

function peopleGone(written: WrittenContent, now: Sources): readonly Move[] {
  return [...now.people.values()].flatMap(({ id, statements }): Move[] =>
    statements.has("file") && !written.people.has(id) ? [{ step: "remove_person", source: "file", person: id }] : [],
  );
}

function linksGone(written: WrittenContent, now: Sources): readonly Move[] {
  return [...now.people.values()].flatMap(({ id, links }) => {
    const kept = new Set((written.people.get(id)?.accounts ?? []).map(accountKey));
    return links.flatMap(({ source, issuer, subject }): Move[] =>
      source === "file" && !kept.has(accountKey({ issuer, subject }))
        ? [{ step: "unlink", source: "file", issuer, subject }]
        : [],
    );
  });
}

type WrittenPerson = WrittenContent["people"] extends ReadonlyMap<PersonId, infer P> ? P : never;

function personMoves({ id, name, active, emails, accounts }: WrittenPerson, now: Sources): readonly Move[] {
  const record = now.people.get(id);
  const known = record?.statements.get("file");
  const isSame = known !== undefined && JSON.stringify(known) === JSON.stringify({ name, active, emails });
  const links = accounts.flatMap((account): Move[] => {
    const link = record?.links.find((l) => l.source === "file" && accountKey(l) === accountKey(account));
    return link?.strength === account.strength
      ? []
      : [{ step: "link", source: "file", person: id, account, evidence: "stands in directory.yaml" }];
  });
  return isSame ? links : [{ step: "put_person", source: "file", person: { id, name, active, emails } }, ...links];
}

function groupMoves(written: WrittenContent, now: Sources): readonly Move[] {
  const gone = [...now.groups].flatMap(([group, sources]): Move[] =>
    sources.has("file") && !written.groups.has(group) ? [{ step: "remove_group", source: "file", group }] : [],
  );
  const put = [...written.groups].flatMap(([group, members]) => {
    const moves = membersTo(now, "file", group, members);
    return now.groups.get(group)?.has("file") === true ? moves.slice(1) : moves;
  });
  return [...gone, ...put];
}

function agentMoves(written: WrittenContent, now: Sources): readonly Move[] {
  const gone = [...now.agents.keys()].filter((id) => !written.agents.has(id));
  const put = [...written.agents.values()].filter((a) => JSON.stringify(now.agents.get(a.id)) !== JSON.stringify(a));
  return [
    ...gone.map((agent): Move => ({ step: "remove_agent", agent })),
    ...put.map((agent): Move => ({ step: "put_agent", agent })),
  ];
}

function delegationMoves(written: WrittenContent, now: Sources): readonly Move[] {
  const key = (d: Delegation): string => JSON.stringify([d.from, d.to, d.until]);
  const [wanted, present] = [new Set(written.delegations.map(key)), new Set(now.delegations.map(key))];
  return [
    ...now.delegations
      .filter((d) => !wanted.has(key(d)))
      .map((d): Move => ({ step: "remove_delegation", delegation: d })),
    ...written.delegations
      .filter((d) => !present.has(key(d)))
      .map((d): Move => ({ step: "put_delegation", delegation: d })),
  ];
}

function roleMoves(written: WrittenContent, now: Sources): readonly Move[] {
  const roles = new Set([...written.roles.keys(), ...now.roles.keys()]);
  return [...roles].flatMap((role): Move[] => {
    const groups = written.roles.get(role) ?? [];
    return JSON.stringify(groups) === JSON.stringify(now.roles.get(role) ?? [])
      ? []
      : [{ step: "put_role", role, groups }];
  });
}
