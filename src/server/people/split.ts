import type { GroupName, Instant } from "../../core/brand.ts";
import { Draft, joiningOf, loosens, meanwhile, type Move, type Sources } from "../../identity/directory/index.ts";
import type { Editor } from "../../ports/people.ts";

/** A change in two: the state with what applies at once, those moves, and the moves that wait for an administrator. */
export type Split = { readonly now: Sources; readonly applied: readonly Move[]; readonly held: readonly Move[] };

/** What the moves are made on, by whom, and what waits already. */
export type Standing = {
  readonly editor: Editor;
  readonly sources: Sources;
  readonly deciding: ReadonlySet<GroupName>;
  readonly waiting: readonly Move[];
  readonly at: Instant;
};

/** What applies at once, and what has to wait, with all that rests on it. */
export function split(moves: readonly Move[], { editor, sources, deciding, waiting, at }: Standing): Split {
  const draft = new Draft(sources, at);
  const applied: Move[] = [];
  const held: Move[] = [];
  const joining = new Set(joiningOf(waiting, deciding));
  for (const move of moves) {
    // A move that does not fit without one that waits, waits with it.
    if (!loosens(move, editor, draft.sources, deciding, at, joining) && draft.make(move) === null) {
      applied.push(move);
      continue;
    }
    held.push(move);
    for (const person of joiningOf([move], deciding)) joining.add(person);
    const instead = meanwhile(move, draft.sources);
    if (instead !== null && draft.make(instead) === null) applied.push(instead);
  }
  return { now: draft.sources, applied, held };
}
