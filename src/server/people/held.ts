import { canonicalize, copyJson, isJsonList, type JsonObject } from "../../core/action/index.ts";
import { refuse, type Refusal, type RequestState } from "../../core/approval/index.ts";
import type { PersonId, RequestId } from "../../core/brand.ts";
import {
  askOwn,
  completeOwn,
  loadRequest,
  releaseOwn,
  type EngineContext,
  type OwnReleased,
} from "../../engine/index.ts";
import { moveKey, type Move } from "../../identity/directory/index.ts";
import type { Directory } from "../../ports/directory.ts";
import type { DirectoryStep, Editor } from "../../ports/people.ts";
import type { Append, DocumentChange, Store } from "../../ports/store.ts";
import type { Term } from "../../core/policy/index.ts";
import { changeAction, DIRECTORY_AGENT, fingerprintOf } from "./asking.ts";

/** The part of a change that waits for an administrator. */
export type Held = {
  readonly request: RequestId;
  readonly moves: readonly Move[];
  readonly editor: Editor;
  /** It is what directory.yaml says beyond what is in force. */
  readonly ofFile: boolean;
  readonly fingerprint: string;
  /** People said no; the file still says it. */
  readonly refused: boolean;
};

const KIND = "directory_held";

/** What makes a commit the next change of people: a duplicate where somebody else was faster. */
export type Turn = Required<Pick<Append, "idempotency" | "documents">>;

/** Changes that wait, kept in the store until they are decided. */
export class HeldChanges {
  readonly #held: Map<RequestId, Held>;

  private constructor(held: readonly Held[]) {
    this.#held = new Map(held.map((one) => [one.request, one]));
  }

  static async open(store: Store): Promise<HeldChanges> {
    const documents = await store.documents(KIND);
    // Written by `heldDocument` below and by nothing else.
    return new HeldChanges(documents.map(({ body }) => body as JsonObject & Held));
  }

  get all(): readonly Held[] {
    return [...this.#held.values()];
  }

  get(request: RequestId): Held | undefined {
    return this.#held.get(request);
  }

  ofFile(): Held | undefined {
    return this.all.find(({ ofFile }) => ofFile);
  }

  /** The change that waits for exactly these moves. */
  same(moves: readonly Move[], ofFile: boolean): Held | undefined {
    const fingerprint = fingerprintOf(moves);
    return this.all.find((held) => held.fingerprint === fingerprint && held.ofFile === ofFile);
  }

  /** Asks people, and keeps what waits in the same commit as the request. */
  async ask(
    ctx: EngineContext,
    moves: readonly Move[],
    asked: { readonly editor: Editor; readonly ofFile: boolean; readonly terms: readonly Term[] },
    directory: Directory,
    turn: Turn,
  ): Promise<Held> {
    const { editor, ofFile, terms } = asked;
    const heldAs = (request: RequestId): Held => {
      return { request, moves, editor, ofFile, fingerprint: fingerprintOf(moves), refused: false };
    };
    const action = changeAction(ctx, moves, editor, terms, directory);
    const state = await askOwn(ctx, action, (id) => after(turn, heldDocument(id, heldAs(id))));
    const held = heldAs(state.opened.id);
    this.#held.set(held.request, held);
    return held;
  }

  /** What later moves leave of what waits: who was put out meanwhile must not come in by an older request. */
  overtake(moves: readonly Move[]): readonly Held[] {
    if (this.#held.size === 0) return [];
    const later = new Map(moves.map((move) => [moveKey(move), canonicalize(copyJson(move))]));
    const gone = new Set(moves.flatMap((move) => (move.step === "remove_person" ? [move.person] : [])));
    return this.all.flatMap((held): Held[] => {
      if (held.ofFile) return [];
      const kept = held.moves.filter((move) => {
        const other = later.get(moveKey(move));
        return (other === undefined || other === canonicalize(copyJson(move))) && !isAbout(move, gone);
      });
      return kept.length === held.moves.length ? [] : [{ ...held, moves: kept }];
    });
  }

  /** Memberships that wait, and that a source by now says nothing of: it leaves them out, or drops the group. */
  goneBy(steps: readonly DirectoryStep[]): readonly Move[] {
    const waiting = this.all.flatMap(({ moves }) => moves);
    const joins = waiting.flatMap((move) => (move.step === "join" ? [move] : []));
    return steps.flatMap((step): Move[] => {
      if (step.step !== "put_group" && step.step !== "remove_group") return [];
      const { source, group } = step;
      const named = new Set(step.step === "put_group" ? step.members : []);
      return joins
        .filter((join) => join.source === source && join.group === group && !named.has(join.person))
        .map(({ person }) => ({ step: "leave", source, group, person }));
    });
  }

  /** Remembers what the store has of one by now; null for nothing. */
  set(request: RequestId, held: Held | null): void {
    if (held === null) this.#held.delete(request);
    else this.#held.set(request, held);
  }

  /** Uses up the approval: what waits may be brought into force, now or when this is called again. */
  async release(ctx: EngineContext, held: Held): Promise<OwnReleased<readonly Move[]> | Refusal> {
    return releaseOwn(
      ctx,
      held.request,
      DIRECTORY_AGENT,
      () => Promise.resolve(held.moves),
      (state, moves) => (isShown(state, moves) ? null : refuse("permit_other_action")),
    );
  }

  /** It is in force: says so in its request. */
  async complete(ctx: EngineContext, { state }: OwnReleased<unknown>, applied: number, turn: Turn): Promise<void> {
    const { id } = state.opened;
    const moves = this.#held.get(id)?.moves.length ?? applied;
    await completeOwn(ctx, state, { applied, dropped: moves - applied }, after(turn, heldDocument(id, null)));
    this.#held.delete(id);
  }

  /** How the request of a held change stands. */
  async stateOf(ctx: EngineContext, { request }: Held): Promise<RequestState | null> {
    return loadRequest(ctx, request);
  }
}

function isAbout(move: Move, people: ReadonlySet<PersonId>): boolean {
  if ("person" in move) return people.has(typeof move.person === "string" ? move.person : move.person.id);
  return false;
}

/** Each move is one that people were shown. Fewer than shown is no harm: what goes is overtaken. */
function isShown(state: RequestState, moves: readonly Move[]): boolean {
  const shown = state.opened.question.action.properties?.["moves"];
  if (!isJsonList(shown)) return false;
  const known = new Set(shown.map((move) => canonicalize(move)));
  return moves.every((move) => known.has(canonicalize(copyJson(move))));
}

function after({ idempotency, documents }: Turn, document: DocumentChange): Turn {
  return { idempotency, documents: [...documents, document] };
}

/** One that waits, as the store keeps it; null when nothing is left of it. */
export function heldDocument(request: RequestId, held: Held | null): DocumentChange {
  return { kind: KIND, id: request, body: held === null ? null : (copyJson(held) as JsonObject) };
}
