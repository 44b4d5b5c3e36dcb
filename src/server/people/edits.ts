import { GIVEN_UP, matches, strengthOf, type Edit } from "../../core/approval/index.ts";
import type { GroupName, Instant, PersonId } from "../../core/brand.ts";
import { accountKey, concernedBy, type Move, type Sources } from "../../identity/directory/index.ts";
import type { Directory, Person } from "../../ports/directory.ts";
import type { Editor } from "../../ports/people.ts";

/** Edits that are remembered; of more than these, the oldest bar no longer. */
const EDITS_MAX = 2_000;
const DAY_MS = 86_400_000;

/** What was changed, and between which two states. */
export type Edited = {
  readonly moves: readonly Move[];
  readonly editor: Editor;
  /** Policies that changed with it, as `Edit.on` names them. */
  readonly policies: readonly string[];
  readonly before: Sources;
  readonly directory: Directory;
  readonly deciding: ReadonlySet<GroupName>;
};

/** The state with its edits: those that still bar, and those of this change. */
export function withEdits(after: Sources, edited: Edited, editorDays: number, at: Instant): Sources {
  const { before, moves, policies, deciding } = edited;
  const standing = before.edits.filter(({ until }) => until > at);
  const until = (at + editorDays * DAY_MS) as Instant;
  const fresh = new Map<string, Edit>();
  for (const edit of editorDays === 0 ? [] : givenUp(edited, after, until)) fresh.set(keyOf(edit), edit);
  for (const person of editorDays === 0 ? [] : editorsOf(edited)) {
    const concerned = moves.flatMap((move) => [
      ...concernedBy(move, person, before, deciding),
      ...concernedBy(move, person, after, deciding),
    ]);
    for (const on of [...concerned, ...policies]) fresh.set(keyOf({ person, on }), { person, on, until });
  }
  if (fresh.size === 0 && standing.length === before.edits.length) return after;
  const others = standing.filter((edit) => !fresh.has(keyOf(edit)));
  const all = [...others, ...fresh.values()];
  // Logins are many, and where there are too many edits they go first.
  const sorted = all.length <= EDITS_MAX ? all : [...all.filter(isOfLogin), ...all.filter((edit) => !isOfLogin(edit))];
  return { ...after, edits: sorted.slice(-EDITS_MAX) };
}

/**
 * Logins that bar nobody any more, unless they go on doing so: whoever gives up a login, acts by it and approves by another
 * one would approve an action of their own. Where the machine's operator takes it away, it may be the same person; another
 * person, or the identity provider, is not.
 */
function givenUp({ editor, moves, before }: Edited, after: Sources, until: Instant): readonly Edit[] {
  if (editor.kind === "source") return [];
  return moves.flatMap((move) => {
    if (move.step !== "unlink") return [];
    const person = before.holders.get(accountKey(move));
    if (person === undefined || after.holders.get(accountKey(move)) === person) return [];
    const isOthers = editor.kind === "person" && editor.person !== person;
    return isOthers ? [] : [{ person, on: `${GIVEN_UP}${move.subject}`, until }];
  });
}

function isOfLogin({ on }: Edit): boolean {
  return on.startsWith(GIVEN_UP);
}

/** People behind a change: whoever is signed in, or whom a claimed name may mean. Machines are nobody's edit. */
function editorsOf({ editor, directory }: Edited): readonly PersonId[] {
  if (editor.kind === "person") return [editor.person];
  if (editor.kind === "source" || editor.claimed === null) return [];
  return matches(editor.claimed, directory).map(({ id }) => id);
}

function keyOf({ person, on }: Pick<Edit, "person" | "on">): string {
  return JSON.stringify([person, on]);
}

/** Whether somebody may approve less than before, so that reviews have to be looked at again. */
export function isTighter(before: Directory, after: Directory): boolean {
  if (before.edits !== after.edits || before.delegations !== after.delegations) return true;
  if ([...after.agents].some(([id, agent]) => before.agents.get(id) !== agent)) return true;
  const isOut = ([id, was]: [PersonId, Person]): boolean => was.active && hasLess(was, after.people.get(id));
  if ([...before.people].some(isOut)) return true;
  return [...before.groups].some(([group, members]) => {
    const now = after.groups.get(group);
    if (now === members) return false;
    const still = new Set(now?.map(({ person }) => person));
    return members.some(({ person }) => !still.has(person));
  });
}

/** Whether somebody is out, or lost a login or a passkey that a review may rest on. */
function hasLess(was: Person, now: Person | undefined): boolean {
  if (now === was) return false;
  if (now?.active !== true) return true;
  const isKept = ({ issuer, subject, strength }: Person["accounts"][number]): boolean =>
    now.accounts.some(
      (a) => a.issuer === issuer && a.subject === subject && strengthOf(a.strength) >= strengthOf(strength),
    );
  const keys = new Set(now.passkeys.map(({ id, publicKey }) => `${id} ${publicKey}`));
  return !was.accounts.every(isKept) || was.passkeys.some(({ id, publicKey }) => !keys.has(`${id} ${publicKey}`));
}
