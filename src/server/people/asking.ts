import { canonicalBytes, copyJson, digest, parseQuestion } from "../../core/action/index.ts";
import type { JsonObject, Question } from "../../core/action/index.ts";
import { matches, peopleWith } from "../../core/approval/index.ts";
import type { Barred } from "../../core/approval/index.ts";
import type { AgentId, GroupName, PersonId } from "../../core/brand.ts";
import { encodeHex } from "../../core/encoding.ts";
import type { TokenId } from "../../core/ids.ts";
import type { Term } from "../../core/policy/index.ts";
import type { PolicyId } from "../../core/risk/index.ts";
import { ownAssessment, type EngineContext, type OwnAction } from "../../engine/index.ts";
import { moveText, type Move } from "../../identity/directory/index.ts";
import type { Directory } from "../../ports/directory.ts";
import type { Editor } from "../../ports/people.ts";

/** The name under which the house asks for changes of its directory. */
export const DIRECTORY_AGENT: AgentId = "keyturn.directory" as AgentId;
export const CHANGE_ACTION = "keyturn.directory.change";
const POLICY: PolicyId = "keyturn.directory" as PolicyId;
const EXPIRES_IN_MS = 7 * 86_400_000;
/** Characters of all steps of one held change: people are shown each of them. */
const MOVES_CHARS_MAX = 300_000;
/** Steps that are shown in words; all of them stand beside in full. */
const SHOWN_MAX = 100;
const LOGINS_SHOWN_MAX = 8;

/** Who stands behind a change and may not agree to it. A claimed name bars by the weakest evidence. */
export function barredBy(editor: Editor, directory: Directory): readonly Barred[] {
  switch (editor.kind) {
    case "person":
      return [{ person: editor.person, relation: "editor", evidence: "makes this change" }];
    case "operator": {
      const { claimed } = editor;
      const named = claimed === null ? [] : matches(claimed, directory);
      return named.map(({ id }) => ({ person: id, relation: "editor", evidence: `named as \`${claimed ?? ""}\`` }));
    }
    case "source":
      return [];
    default:
      return editor satisfies never;
  }
}

/**
 * Who has to agree to a change that loosens: one other administrator; two where no person is known to make it, as far as
 * two are active. Null where nobody is and the operator's token asks: it is the way back. For everybody else the change waits then,
 * else whoever can put all administrators out could change everything after it.
 */
export function termsFor(editor: Editor, directory: Directory, isWayBack: boolean): readonly Term[] | null {
  const barred = new Set(barredBy(editor, directory).map(({ person }) => person));
  const able = new Set([...peopleWith(directory, "admin")].filter((person) => !barred.has(person)));
  if (able.size === 0 && isWayBack) return null;
  const wanted = editor.kind === "person" ? 1 : Math.max(1, Math.min(2, able.size));
  const groups = (directory.roles.get("admin") ?? []).map((group) => ({ group, able: ableIn(directory, group, able) }));
  const [largest, ...others] = groups.sort((a, b) => b.able.length - a.able.length);
  if (largest === undefined) return null;
  if (largest.able.length >= wanted) return [{ group: largest.group, quorum: wanted }];
  // Two administrators, each alone in a group: one of each.
  const other = others.find(({ able: people }) => people.some((person) => !largest.able.includes(person)));
  return [largest, ...(other === undefined ? [] : [other])].map(({ group }) => ({ group, quorum: 1 }));
}

function ableIn(directory: Directory, group: GroupName, able: ReadonlySet<PersonId>): readonly PersonId[] {
  return (directory.groups.get(group) ?? []).map(({ person }) => person).filter((person) => able.has(person));
}

/** The digest by which two held changes are known to be the same. */
export function fingerprintOf(moves: readonly Move[]): string {
  return digest(canonicalBytes(copyJson([...moves])));
}

/** Whether a change is small enough to be shown to people as a whole. */
export function isShowable(moves: readonly Move[]): boolean {
  return JSON.stringify(moves).length <= MOVES_CHARS_MAX;
}

/** The request by which the house asks for a change. */
export function changeAction(
  ctx: Pick<EngineContext, "chance" | "issuer">,
  moves: readonly Move[],
  editor: Editor,
  terms: readonly Term[],
  directory: Directory,
): OwnAction {
  const because = "Somebody could decide more than before.";
  const classification = {
    effects: [{ effect: "escalate", because, provenance: "operator" }],
    facts: [],
    opaque: [],
  } as const;
  const hold = { policy: POLICY, because: "Letting somebody decide more takes the yes of an administrator.", terms };
  return {
    agent: DIRECTORY_AGENT,
    agentType: "operator",
    // No credential asks: the house does.
    token: DIRECTORY_AGENT as string as TokenId,
    question: questionOf(ctx, moves, editor, directory),
    assessment: ownAssessment(classification, hold, EXPIRES_IN_MS),
    barred: barredBy(editor, directory),
  };
}

function questionOf(
  ctx: Pick<EngineContext, "chance" | "issuer">,
  moves: readonly Move[],
  editor: Editor,
  directory: Directory,
): Question {
  const properties: JsonObject = {
    changes: moves.slice(0, SHOWN_MAX).map((move) => shownText(move, directory)),
    ...(moves.length > SHOWN_MAX ? { more_changes: moves.length - SHOWN_MAX } : {}),
    moves: copyJson([...moves]),
    by: editorText(editor),
    // Without it, whoever has the header could try names against the digest.
    nonce: encodeHex(ctx.chance.bytes(16)),
  };
  const subject =
    editor.kind === "person" ? { type: "person", id: editor.person } : { type: "operator", id: editorText(editor) };
  return parseQuestion({
    subject,
    action: { name: CHANGE_ACTION, properties },
    resource: { type: "directory", id: ctx.issuer },
    context: {},
  });
}

/** A move in words. Whoever lets somebody in is shown by which logins they come: those were free as long as they decided nothing. */
function shownText(move: Move, directory: Directory): string {
  if (move.step !== "join") return moveText(move);
  const accounts = directory.people.get(move.person)?.accounts ?? [];
  const logins = accounts
    .slice(0, LOGINS_SHOWN_MAX)
    .map(({ issuer, subject, strength }) => `${subject} of ${issuer}, ${strength}`);
  const more = accounts.length > LOGINS_SHOWN_MAX ? `; ${accounts.length - LOGINS_SHOWN_MAX} more` : "";
  return logins.length === 0 ? moveText(move) : `${moveText(move)}, who signs in as ${logins.join("; ")}${more}`;
}

/** Who makes a change, in a word. */
export function editorText(editor: Editor): string {
  switch (editor.kind) {
    case "person":
      return editor.person;
    case "operator":
      return editor.claimed === null ? "operator" : `operator, by their word ${editor.claimed}`;
    case "source":
      return editor.source;
    default:
      return editor satisfies never;
  }
}
