import { isFirm, strengthOf } from "../../core/approval/index.ts";
import type { GroupName, Instant, PersonId } from "../../core/brand.ts";
import type { Role } from "../../ports/directory.ts";
import type { Editor } from "../../ports/people.ts";
import { Draft } from "./draft.ts";
import type { Move } from "./moves.ts";
import { accountKey, type PersonRecord, type Sources } from "./sources.ts";

/** Groups whose members decide something: those that a hold names, that agree to erasures, or that carry a role. */
export function decidingGroups(sources: Sources, named: ReadonlySet<GroupName>): ReadonlySet<GroupName> {
  return new Set([...named, ...[...sources.roles.values()].flat()]);
}

/** Everybody in a group that makes administrators, active or not: who is deactivated still counts, so that it disarms nothing. */
function adminsOf(sources: Sources): ReadonlySet<PersonId> {
  const groups = sources.roles.get("admin") ?? [];
  return new Set(
    groups.flatMap((group) => [...(sources.groups.get(group)?.values() ?? [])].flatMap((m) => [...m.keys()])),
  );
}

/** Whether changes that loosen have to wait: where there is more than one administrator. */
export function isArmed(sources: Sources): boolean {
  return adminsOf(sources).size > 1;
}

/** Does this move leave fewer than two administrators, so that nothing would be held after it? */
function disarms(move: Move, sources: Sources, now: Instant): boolean {
  const admin = sources.roles.get("admin") ?? [];
  const isAbout =
    ((move.step === "leave" || move.step === "remove_group") && admin.includes(move.group)) ||
    (move.step === "remove_person" && adminsOf(sources).has(move.person)) ||
    (move.step === "put_role" && move.role === "admin");
  if (!isAbout || !isArmed(sources)) return false;
  const draft = new Draft(sources, now);
  return draft.make(move) === null && !isArmed(draft.sources);
}

/**
 * Does this move let somebody decide more than before? That is: a new member of a group that decides, such a person
 * active again, one more firm login or passkey of one, a role for more groups, or a bar less (a delegation or an owner that goes).
 * Logins of people who decide nothing are free: who lets them into a group later is shown them. `joining` are people whom
 * others have been asked about already, and were shown as they were then.
 */
export function loosens(
  move: Move,
  editor: Editor,
  sources: Sources,
  deciding: ReadonlySet<GroupName>,
  now: Instant,
  joining: ReadonlySet<PersonId> = new Set(),
): boolean {
  const decides = (person: PersonId): boolean =>
    joining.has(person) || [...deciding].some((group) => isMember(sources, group, person));
  switch (move.step) {
    case "put_person": {
      const record = sources.people.get(move.person.id);
      if (record === undefined || isActive(record)) return false;
      const statements = new Map(record.statements).set(move.source, move.person);
      return isActive({ ...record, statements }) && decides(record.id);
    }
    case "remove_person": {
      if (disarms(move, sources, now)) return true;
      const record = sources.people.get(move.person);
      if (record === undefined || isActive(record)) return false;
      const statements = new Map(record.statements);
      statements.delete(move.source);
      return isActive({ ...record, statements }) && decides(record.id);
    }
    case "join":
      return deciding.has(move.group) && !isMember(sources, move.group, move.person);
    case "link":
      return isFirmer(move, sources) && decides(move.person);
    case "enrol_passkey":
      return decides(move.person) && !isOwnKey(move, editor);
    case "put_agent": {
      const known = sources.agents.get(move.agent.id);
      const behind = new Set([...move.agent.owners, ...move.agent.deployers]);
      return [...(known?.owners ?? []), ...(known?.deployers ?? [])].some((person) => !behind.has(person));
    }
    case "remove_delegation":
      return move.delegation.until > now;
    case "put_role":
      return addsGroups(move.role, move.groups, sources) || disarms(move, sources, now);
    case "leave":
    case "remove_group":
      return disarms(move, sources, now);
    case "unlink":
    case "add_group":
    case "revoke_passkey":
    case "remove_agent":
    case "put_delegation":
      return false;
    default:
      return move satisfies never;
  }
}

/** What is in force at once of a move that waits: whoever is to go has no say from now on. Null where nothing is. */
export function meanwhile(move: Move, sources: Sources): Move | null {
  if (move.step !== "remove_person") return null;
  const { source, person: id } = move;
  const said = sources.people.get(id)?.statements.get(source);
  return said?.active === true ? { step: "put_person", source, person: { id, ...said, active: false } } : null;
}

/** People whom one of these moves would let into a group that decides. */
export function joiningOf(moves: readonly Move[], deciding: ReadonlySet<GroupName>): readonly PersonId[] {
  return moves.flatMap((move) => (move.step === "join" && deciding.has(move.group) ? [move.person] : []));
}

function isActive({ statements }: Pick<PersonRecord, "statements">): boolean {
  return statements.size > 0 && [...statements.values()].every(({ active }) => active);
}

function isMember(sources: Sources, group: GroupName, person: PersonId): boolean {
  return [...(sources.groups.get(group)?.values() ?? [])].some((members) => members.has(person));
}

/** Only a login that is firm enough to review with lets anybody decide. */
function isFirmer({ person, account }: Extract<Move, { step: "link" }>, sources: Sources): boolean {
  if (!isFirm(account.strength)) return false;
  const known = sources.people.get(person)?.links.filter((link) => accountKey(link) === accountKey(account)) ?? [];
  return !known.some((link) => strengthOf(link.strength) >= strengthOf(account.strength));
}

/** Whoever proves one key may enrol another; the first one is an administrator's matter. */
function isOwnKey({ person }: Extract<Move, { step: "enrol_passkey" }>, editor: Editor): boolean {
  return (
    editor.kind === "person" && editor.person === person && (editor.assurance === "A3" || editor.assurance === "A4")
  );
}

function addsGroups(role: Role, groups: readonly GroupName[], sources: Sources): boolean {
  const known = sources.roles.get(role) ?? [];
  return groups.some((group) => !known.includes(group));
}

/** What a move concerns, by the names of `Edit.on`: groups whose membership, or whose members' proofs, it changes. */
export function concernedBy(
  move: Move,
  editor: PersonId,
  sources: Sources,
  deciding: ReadonlySet<GroupName>,
): readonly GroupName[] {
  const groupsOf = (person: PersonId): readonly GroupName[] =>
    [...deciding].filter((group) => isMember(sources, group, person));
  switch (move.step) {
    case "join":
    case "leave":
    case "remove_group":
      return deciding.has(move.group) ? [move.group] : [];
    case "put_person":
      return groupsOf(move.person.id);
    case "remove_person":
      return groupsOf(move.person);
    case "link":
    case "enrol_passkey":
    case "revoke_passkey":
      // One's own logins and keys are everybody's own affair.
      return move.person === editor ? [] : groupsOf(move.person);
    case "unlink": {
      const holder = sources.holders.get(accountKey(move));
      return holder === undefined || holder === editor ? [] : groupsOf(holder);
    }
    case "put_role":
      return move.groups;
    case "add_group":
    case "put_agent":
    case "remove_agent":
    case "put_delegation":
    case "remove_delegation":
      return [];
    default:
      return move satisfies never;
  }
}

/** A move in words, for those who are asked about it and for the record. */
export function moveText(move: Move): string {
  switch (move.step) {
    case "put_person":
      return `${move.person.id} is ${move.person.active ? "active" : "deactivated"} (${move.source})`;
    case "remove_person":
      return `${move.person} goes (${move.source})`;
    case "link":
      return `${move.account.subject} of ${move.account.issuer} is ${move.person}, ${move.account.strength}: ${move.evidence}`;
    case "unlink":
      return `${move.subject} of ${move.issuer} is nobody any more`;
    case "add_group":
      return `group ${move.group} (${move.source})`;
    case "remove_group":
      return `group ${move.group} goes (${move.source})`;
    case "join":
      return `${move.person} joins ${move.group} (${move.source})`;
    case "leave":
      return `${move.person} leaves ${move.group} (${move.source})`;
    case "enrol_passkey":
      return `${move.person} enrols the passkey ${move.passkey.id}`;
    case "revoke_passkey":
      return `${move.person} gives up the passkey ${move.passkey}`;
    case "put_agent":
      return `agent ${move.agent.id} is owned by ${list(move.agent.owners)} and deployed by ${list(move.agent.deployers)}`;
    case "remove_agent":
      return `agent ${move.agent} goes`;
    case "put_delegation":
      return `${move.delegation.from} delegates to ${move.delegation.to}`;
    case "remove_delegation":
      return `${move.delegation.from} delegates to ${move.delegation.to} no more`;
    case "put_role":
      return `role ${move.role} is carried by ${list(move.groups)}`;
    default:
      return move satisfies never;
  }
}

function list(names: readonly string[]): string {
  return names.length === 0 ? "nobody" : names.join(", ");
}
