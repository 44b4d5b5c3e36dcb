import type { JsonObject } from "../../core/action/index.ts";
import { refuse, type Refusal, type RequestState } from "../../core/approval/index.ts";
import type { Person } from "../../core/approval/index.ts";
import type { GroupName, PersonId, RequestId } from "../../core/brand.ts";
import { voidStaleReviews, withdrawOwn, type Change, type EngineContext } from "../../engine/index.ts";
import {
  accountKey,
  compose,
  decidingGroups,
  documentsOf,
  Draft,
  entriesOf,
  isArmed,
  movesOf,
  movesToFile,
  SOURCES_EMPTY,
  type Composed,
  type DirectoryEntry,
  type Move,
  type Sources,
  type WrittenContent,
} from "../../identity/directory/index.ts";
import type { Directory } from "../../ports/directory.ts";
import type { DirectoryChanged, DirectoryStep, Editor, People, Source } from "../../ports/people.ts";
import type { DocumentChange } from "../../ports/store.ts";
import type { Term } from "../../core/policy/index.ts";
import type { PeopleConfig } from "../config.ts";
import { linkChanges } from "../links.ts";
import { DIRECTORY_AGENT, isShowable, termsFor } from "./asking.ts";
import { readBase, Turns, type Base } from "./base.ts";
import { isTighter, withEdits } from "./edits.ts";
import { heldDocument, type Held, type HeldChanges } from "./held.ts";
import { split, type Split } from "./split.ts";

type Ledger = Pick<EngineContext, "store" | "clock" | "chance">;

/** Whether the ledger tells of the directory by steps since it last told the whole of it. */
const TOLD = { kind: "directory", id: "told" } as const;
/** Steps of one change. */
export const STEPS_MAX = 20_000;

/** A change that is being applied. */
type Wanted = {
  readonly moves: readonly Move[];
  readonly editor: Editor;
  readonly documents: readonly DocumentChange[];
  readonly ofFile: boolean;
  /** Policies that changed together with it, as `Edit.on` names them. */
  readonly policies: readonly string[];
};

type Listener = (before: Directory, after: Directory) => unknown;

/**
 * Holds the roster in force: what directory.yaml says and what the store has, together. Changes apply one after the other;
 * each is an entry of the ledger and durable before the new roster serves. What loosens waits for an administrator, once
 * there is more than one. Where another instance has changed people in the same moment, what it made of them is read, and
 * the change worked out anew on that.
 */
export class PeopleKeeper implements People {
  readonly #ledger: Ledger;
  readonly #config: PeopleConfig;
  #held: HeldChanges;
  #composed: Composed;
  #ctx: EngineContext | null = null;
  readonly #turns: Turns;
  readonly #listeners: Listener[] = [];
  /** Groups that policies and settings name; those of roles come on top. */
  #named: ReadonlySet<GroupName> = new Set();
  /** What the file says and is not asked for yet, because nothing can be asked before the house stands. */
  #unasked: Wanted | null = null;
  /** Nothing was ever recorded: the first change records the whole. */
  #isNew: boolean;

  private constructor(ledger: Ledger, config: PeopleConfig, { turn, sources, held }: Base) {
    this.#ledger = ledger;
    this.#config = config;
    this.#held = held;
    this.#composed = compose(sources ?? SOURCES_EMPTY, null);
    this.#isNew = sources === null;
    this.#turns = new Turns(ledger, turn, (newer) => this.#takeOver(newer));
  }

  /** Reads what the store has; RangeError where that cannot be read. */
  static async open(ledger: Ledger, config: PeopleConfig): Promise<PeopleKeeper> {
    return new PeopleKeeper(ledger, config, await readBase(ledger.store));
  }

  /** The house stands: from now on people can be asked, and what they agreed to comes into force by itself. */
  async connect(ctx: EngineContext): Promise<void> {
    this.#ctx = ctx;
    ctx.bus.attend((state) => {
      if (state.opened.agent === DIRECTORY_AGENT) this.#changed(state);
    });
    await this.#turns.run(async () => {
      await this.#retell();
      for (const held of this.#held.all) {
        if (held.moves.length === 0) await this.#withdraw(ctx, held.request);
        else await this.#settle(held);
      }
      const unasked = this.#unasked;
      await this.#supersede(unasked?.moves ?? []);
      if (unasked !== null) await this.#hold(ctx, unasked.moves, unasked, this.#termsNow(unasked));
      this.#unasked = null;
    });
  }

  /** A large directory is recorded by steps. At each start it is told as a whole, so that older steps may be erased. */
  async #retell(): Promise<void> {
    const told = await this.#ledger.store.document(TOLD.kind, TOLD.id);
    if (told?.body["by_steps"] !== true) return;
    const entries = entriesOf(null, this.directory);
    const changes = entries.map((entry) => changeOf(entry, { kind: "source", source: "keyturn" }));
    await this.#turns.write(changes, [{ ...TOLD, body: { by_steps: false } }]);
  }

  /** The roster in force. */
  get directory(): Directory {
    return this.#composed.directory;
  }

  /** What waits for an administrator, or was refused and still stands in the file. */
  get held(): readonly Held[] {
    return this.#held.all;
  }

  /** Groups whose members decide something. */
  get deciding(): ReadonlySet<GroupName> {
    return decidingGroups(this.#composed.sources, this.#named);
  }

  /** Where each person, group and link comes from. */
  get sources(): Sources {
    return this.#composed.sources;
  }

  /** Names the groups that policies and settings rest on, beside those of roles. */
  guard(groups: Iterable<GroupName>): void {
    this.#named = new Set(groups);
  }

  /** Told after each change, in order; a change has happened when what its listeners do is done as well. */
  onChange(listener: Listener): void {
    this.#listeners.push(listener);
  }

  holderOf(issuer: string, subject: string): Person | undefined {
    const holder = this.#composed.sources.holders.get(accountKey({ issuer, subject }));
    return holder === undefined ? undefined : this.directory.people.get(holder);
  }

  groupsOf(source: Source, person: PersonId): readonly GroupName[] {
    const groups = [...this.#composed.sources.groups];
    return groups.flatMap(([group, sources]) => (sources.get(source)?.has(person) === true ? [group] : []));
  }

  membersOf(source: Source, group: GroupName): readonly PersonId[] | undefined {
    const members = this.#composed.sources.groups.get(group)?.get(source);
    return members === undefined ? undefined : [...members.keys()];
  }

  change(
    steps: readonly DirectoryStep[],
    editor: Editor,
    documents: readonly DocumentChange[] = [],
  ): Promise<DirectoryChanged> {
    if (steps.length > STEPS_MAX) return Promise.resolve(tooLarge());
    return this.#turns.run(() => {
      const moves = [...movesOf(steps, this.#composed.sources), ...this.#held.goneBy(steps)];
      return this.#apply({ moves, editor, documents, ofFile: false, policies: [] });
    });
  }

  /** What the directory would be if all that the file says were in force; a refusal where it does not fit what the store has. */
  preview(written: WrittenContent): Directory | Refusal {
    const drafted = this.#draft(movesToFile(written, this.#composed.sources));
    return "refused" in drafted ? drafted : compose(drafted, this.#composed).directory;
  }

  /** Brings the file's part into force; `policies` are those that changed with it, and bar their editor likewise. */
  adopt(written: WrittenContent, claimed: string | null, policies: readonly string[] = []): Promise<DirectoryChanged> {
    return this.#turns.run(() => {
      const moves = movesToFile(written, this.#composed.sources);
      return this.#apply({ moves, editor: { kind: "operator", claimed }, documents: [], ofFile: true, policies });
    });
  }

  /** Reads the store again, where another instance has changed it. */
  reloadPeople(): Promise<void> {
    return this.#turns.run(() => Promise.resolve());
  }

  async #takeOver({ sources, held }: Base): Promise<void> {
    this.#held = held;
    if (sources === null) return;
    this.#isNew = false;
    await this.#replace(compose(sources, this.#composed));
  }

  #draft(moves: readonly Move[]): Sources | Refusal {
    const draft = new Draft(this.#composed.sources, this.#ledger.clock.now());
    for (const move of moves) {
      const refusal = draft.make(move);
      if (refusal !== null) return refusal;
    }
    return draft.sources;
  }

  async #apply(wanted: Wanted): Promise<DirectoryChanged> {
    const drafted = this.#draft(wanted.moves);
    if ("refused" in drafted) return { status: "refused", refusal: drafted };
    const terms = this.#mustHold(wanted) ? this.#termsNow(wanted) : null;
    const { now, applied, held } =
      terms === null ? { now: drafted, applied: wanted.moves, held: [] } : this.#split(wanted);
    if (held.length > 0 && !isShowable(held)) return tooLarge();
    const overtaken = this.#held.overtake(wanted.moves);
    // In the same commit: nobody whom it puts out may come in by an older request, whatever happens after it.
    const less = overtaken.map((one) => heldDocument(one.request, one));
    const after = this.#withEdits(now, { ...wanted, moves: applied });
    await this.#record(after, wanted.editor, [...wanted.documents, ...less]);
    for (const one of overtaken) await this.#leave(one);
    if (wanted.ofFile) await this.#supersede(held);
    if (held.length === 0) return { status: "applied" };
    // Whom this very change put out is not asked.
    if (this.#ctx !== null) return this.#hold(this.#ctx, held, wanted, this.#termsNow(wanted) ?? terms);
    this.#unasked = { ...wanted, moves: held };
    return { status: "applied" };
  }

  #mustHold({ editor, ofFile }: Wanted): boolean {
    if (!isArmed(this.#composed.sources)) return false;
    const [kind] = editor.kind === "source" ? editor.source.split(":") : ["links"];
    return this.#config.hold.some((source) => source === (ofFile ? "file" : kind === "keyturn" ? "links" : kind));
  }

  #termsNow({ editor, ofFile }: Wanted): readonly Term[] | null {
    return termsFor(editor, this.directory, editor.kind === "operator" && !ofFile);
  }

  #split({ moves, editor }: Wanted): Split {
    const waiting = this.#held.all.flatMap((one) => one.moves);
    const { sources } = this.#composed;
    return split(moves, { editor, sources, deciding: this.deciding, waiting, at: this.#ledger.clock.now() });
  }

  async #hold(
    ctx: EngineContext,
    moves: readonly Move[],
    { editor, ofFile }: Wanted,
    terms: readonly Term[] | null,
  ): Promise<DirectoryChanged> {
    const known = this.#held.same(moves, ofFile);
    if (known !== undefined) return { status: "held", request: known.request };
    if (terms === null) return { status: "applied" };
    const asked = { editor, ofFile, terms };
    const { request } = await this.#turns.inCommit((turn) => this.#held.ask(ctx, moves, asked, this.directory, turn));
    return { status: "held", request };
  }

  /** The file says something else now than what was asked for. */
  async #supersede(held: readonly Move[]): Promise<void> {
    const known = this.#held.ofFile();
    if (known === undefined || this.#ctx === null) return;
    if (held.length === 0 || this.#held.same(held, true) === undefined) {
      await this.#withdraw(this.#ctx, known.request);
    }
  }

  /** What is left of one that later moves overtook; where nothing is, nobody is asked any more. */
  async #leave(held: Held): Promise<void> {
    this.#held.set(held.request, held);
    if (held.moves.length === 0 && this.#ctx !== null) await this.#withdraw(this.#ctx, held.request);
  }

  /** Nobody needs it any more. */
  async #withdraw(ctx: EngineContext, request: RequestId): Promise<void> {
    await this.#turns.write([], [heldDocument(request, null)]);
    this.#held.set(request, null);
    await withdrawOwn(ctx, request, DIRECTORY_AGENT);
  }

  /** A request of ours has changed, here or elsewhere: in the next turn, what it decided happens, at whoever is first. */
  #changed({ opened: { id }, progress }: RequestState): void {
    const waits =
      progress.status === "pending" || (progress.status === "approved" && progress.permit.status !== "none");
    if (waits && this.#held.get(id) !== undefined) return;
    void this.#turns
      .run(async () => {
        const held = this.#held.get(id);
        if (held !== undefined) await this.#settle(held);
      })
      .catch(() => undefined); // a store that fails ends the server by itself; else the next start goes on
  }

  async #settle(held: Held): Promise<void> {
    const ctx = this.#ctx;
    const state = ctx === null ? null : await this.#held.stateOf(ctx, held);
    if (ctx === null || held.refused || state?.progress.status === "pending") return;
    if (state?.progress.status === "approved" && state.progress.permit.status !== "expired") {
      return this.#perform(ctx, held);
    }
    // The file still says what people refused: it is not asked again until the file changes.
    if (!held.ofFile || state?.progress.status !== "denied") return this.#withdraw(ctx, held.request);
    const refused = { ...held, refused: true };
    await this.#turns.write([], [heldDocument(held.request, refused)]);
    this.#held.set(held.request, refused);
  }

  async #perform(ctx: EngineContext, held: Held): Promise<void> {
    const released = await this.#held.release(ctx, held);
    if ("refused" in released) return;
    const draft = new Draft(this.#composed.sources, this.#ledger.clock.now());
    const fitting = released.plan.filter((move) => draft.make(move) === null);
    const wanted = { moves: fitting, editor: held.editor, documents: [], ofFile: held.ofFile, policies: [] };
    await this.#record(this.#withEdits(draft.sources, wanted), held.editor, [], held.request);
    await this.#turns.inCommit((turn) => this.#held.complete(ctx, released, fitting.length, turn));
  }

  /** Remembers who changed what, as long as it bars. */
  #withEdits(after: Sources, { moves, editor, policies }: Wanted): Sources {
    const { sources: before, directory } = this.#composed;
    const edited = { moves, editor, policies, before, directory, deciding: this.deciding };
    return withEdits(after, edited, this.#config.editorDays, this.#ledger.clock.now());
  }

  async #record(
    sources: Sources,
    editor: Editor,
    extra: readonly DocumentChange[],
    request: RequestId | null = null,
  ): Promise<void> {
    const before = this.#composed;
    const after = compose(sources, before);
    const documents = [...documentsOf(before.sources, after.sources), ...extra];
    const isChanged = this.#isNew || before.directory.digest !== after.directory.digest;
    const changes = isChanged ? this.#changes(after, editor, request) : [];
    if (changes.some(({ payload }) => typeof payload["base"] === "string")) {
      documents.push({ ...TOLD, body: { by_steps: true } });
    }
    if (changes.length > 0 || documents.length > 0) await this.#turns.write(changes, documents);
    this.#isNew = false;
    await this.#replace(after);
    if (this.#ctx !== null && isTighter(before.directory, after.directory)) await voidStaleReviews(this.#ctx);
  }

  #changes(after: Composed, editor: Editor, request: RequestId | null): readonly Change[] {
    const before = this.#isNew ? null : this.#composed.directory;
    const by = { ...editor, ...(request === null ? {} : { request }) };
    const changes = entriesOf(before, after.directory).map((entry) => changeOf(entry, by));
    const links = linkChanges(before, after.directory);
    if (links === null) return changes;
    const publics = { directory: after.directory.digest, added: links.added.length, removed: links.removed.length };
    return [...changes, { type: "link.changed", payload: links, publics }];
  }

  async #replace(after: Composed): Promise<void> {
    const before = this.#composed.directory;
    this.#composed = after;
    if (before.digest === after.directory.digest && before.edits === after.directory.edits) return;
    await Promise.all(this.#listeners.map(async (listener) => listener(before, after.directory)));
  }
}

function changeOf({ payload, digest }: DirectoryEntry, by: JsonObject): Change {
  return { type: "directory.changed", payload: { ...payload, by }, publics: { directory: digest } };
}

function tooLarge(): DirectoryChanged {
  return { status: "refused", refusal: refuse("directory_full", "what people can be shown in one change") };
}
