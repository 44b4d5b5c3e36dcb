import { setTimeout as sleep } from "node:timers/promises";
import type { StreamName } from "../../core/brand.ts";
import { Frontier } from "../../core/ledger/index.ts";
import { StoreError } from "../../ports/store.ts";
import { assertExpected, expectationOf, isUnexpected, moveExpected, seenIn } from "./ahead.ts";
import type { Expected } from "./ahead.ts";
import { blob, Damaged, integer, name, text } from "./columns.ts";
import type { Row } from "./columns.ts";
import { loadTree } from "./edges.ts";
import { describe, failureOf, isNoRoom, unavailable } from "./failure.ts";
import { Link } from "./link.ts";
import type { Place, Result, Statement } from "./link.ts";
import type { NoticeHead } from "./notice.ts";
import { planBatch } from "./plan.ts";
import type { Plan, Seen } from "./plan.ts";
import type { Call, Reply } from "./protocol.ts";
import { toMessage } from "./rows.ts";
import { Silence } from "./silence.ts";
import {
  BEGIN,
  callOff,
  CATCH_UP_MAX,
  COMMIT,
  leavesSince,
  lockHead,
  moveHead,
  noteBatch,
  outboxStep,
  probeOf,
  ROLLBACK,
  seeHead,
  tell,
} from "./statements.ts";
import type { Sent, Turn } from "./statements.ts";
import { tablingOf } from "./table.ts";
import { together } from "./together.ts";
import type { Tree } from "./tree.ts";
import { writesOf } from "./writes.ts";

/** Pauses between two tries of a batch. */
const RETRY_MIN_MS = 10;
const RETRY_MAX_MS = 500;

export type WriterOptions = {
  readonly place: Place;
  readonly ledger: string;
  /** By this name others know this writer's commits. */
  readonly id: string;
  /** What those who listen are told of a commit; null where nobody listens. */
  readonly noticeOf: (head: NoticeHead, plan: Plan, calls: readonly Call[]) => string | null;
  /** Told of the number of each commit of this writer. */
  readonly onCommit: (commits: number) => void;
  readonly log: (note: string) => void;
};

/** What a call came to; an error where it alone was refused. */
export type Outcome = Reply | StoreError;

/** The head as it stood under the lock. */
type Head = { readonly frontier: Frontier; readonly commits: number; readonly messages: number };
type Known = { readonly tree: Tree; readonly commits: number; readonly messages: number };
/** A batch that is decided, and the statements that make it so. */
type Made = {
  readonly plan: Plan;
  readonly turn: Turn;
  readonly outbox: ReturnType<typeof outboxOf>;
  readonly tree: Tree;
  readonly statements: readonly Statement[];
};

/** Commits batches one after the other over one connection, and keeps at it when that is lost. */
export class Writer {
  readonly #options: WriterOptions;
  readonly #silence: Silence;
  #link: Link | null = null;
  /** What the ledger looked like after our last commit; null when that is not known. */
  #known: Known | null = null;
  /** Whether nobody else had committed when a batch last looked, or we have caught up since: then it pays to write without looking. */
  #alone = true;
  #batch = 0;
  #away = false;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#silence = new Silence(options.log);
  }

  /**
   * Commits all calls together and answers them in their order, after PostgreSQL has answered COMMIT. Tries until
   * `deadline` (of `performance.now()`), at least once, then throws `store_unavailable`. It throws `Damaged`, or the
   * database's own error, where the ledger cannot be trusted any further.
   */
  async commit(calls: readonly Call[], deadline: number): Promise<readonly Outcome[]> {
    let inDoubt: Sent | null = null;
    for (let pauseMs = RETRY_MIN_MS; ; pauseMs = Math.min(RETRY_MAX_MS, pauseMs * 2)) {
      const sent: Sent[] = [];
      try {
        const link = await this.#linked();
        if (inDoubt !== null && (await this.#landed(link, inDoubt))) return inDoubt.plan.replies;
        inDoubt = null;
        const replies = await this.#run(link, calls, (what) => sent.push(what));
        this.#cameBack();
        return replies;
      } catch (error) {
        if (error instanceof StoreError) throw error;
        this.#known = null;
        const failure = failureOf(error);
        if (failure === "damaged") throw error;
        // A session that lives on has rolled back; of one that is gone nobody knows. A doubt that is older than this try stays.
        if (failure === "lost" || this.#link?.lost === true) {
          this.#drop();
          inDoubt ??= sent.at(-1) ?? null;
        }
        // The same once more, with nobody told of it.
        if (isNoRoom(error) && !this.#silence.isNow) {
          this.#silence.begin();
          continue;
        }
        if (failure === "unfit") return this.#oneByOne(calls, deadline, error);
        this.#wentAway(error);
        if (performance.now() + pauseMs > deadline) throw this.#gaveUp(error, inDoubt !== null);
      }
      await sleep(pauseMs);
    }
  }

  /**
   * Sees what others have committed, so that the next batch can be written without looking. It need not succeed: what is not
   * known is looked up under the lock.
   */
  async catchUp(): Promise<void> {
    const [link, known] = [this.#link, this.#known];
    if (link === null || known === null || link.lost) return;
    const { ledger } = this.#options;
    try {
      const results = await link.run([seeHead(ledger), leavesSince(ledger, known.tree.size)]);
      const head = toHead(results[0]?.rows[0]);
      const leaves = results[1]?.rows.map((row) => blob(row["leaf"])) ?? [];
      const tree = known.tree.copy();
      for (const leaf of leaves) tree.append(leaf);
      // Not the same where somebody committed between the two looks, or there are too many of them.
      if (!same(tree.frontier(), head.frontier.toBytes())) return;
      this.#known = { tree, commits: head.commits, messages: head.messages };
      this.#alone = true;
    } catch {
      // Whatever it is, the next batch finds it too.
    }
  }

  /** Others have committed: the next batch looks before it writes. */
  doubt(): void {
    this.#alone = false;
  }

  close(): void {
    this.#drop();
  }

  async #linked(): Promise<Link> {
    if (this.#link !== null && !this.#link.lost) return this.#link;
    this.#drop();
    this.#link = await Link.open(this.#options.place, "writer");
    this.#link.hold(false); // whoever waits for an answer is held by its time-out
    return this.#link;
  }

  #drop(): void {
    const link = this.#link;
    this.#link = null;
    this.#known = null;
    link?.destroy(new Error("given up"));
  }

  // Whoever holds the head row has the last word. An earlier session of ours that held it has committed by now, or never
  // will; one that was told everything at once may still be reading it, and is called off.
  async #landed(link: Link, sent: Sent): Promise<boolean> {
    const { ledger, id } = this.#options;
    link.takeWarnings();
    const results = await link.run([BEGIN, lockHead(ledger), callOff(ledger, id, sent), COMMIT]);
    // Where a standby must agree: what this commit waits for includes what that one did.
    assertCommitted(link, results.at(-1));
    toHead(results[1]?.rows[0]); // without a head nothing was called off either
    return results[2]?.rowCount === 0;
  }

  async #run(link: Link, calls: readonly Call[], onSent: (sent: Sent) => unknown): Promise<readonly Outcome[]> {
    const expected = this.#alone ? expectationOf(calls) : null;
    if (this.#known !== null && expected !== null) {
      const replies = await this.#runAhead(link, calls, { expected, known: this.#known, onSent });
      if (replies !== null) return replies;
    }
    return this.#undoing(link, async () => {
      const { head, seen, tree } = await this.#look(link, calls);
      const plan = planBatch(calls, seen, tree);
      const outbox = outboxOf(this.#options.ledger, plan, head.messages);
      const turn = this.#turn({ tree, commits: head.commits + 1, messages: outbox.messages }, plan, calls);
      const { first, parts, bytes, rest } = writesOf(turn.ledger, plan, tablingOf(calls.length));
      const write = together([moveHead(turn), ...noteBatch(turn, plan), ...parts], tell(turn), bytes);
      const statements = [...first, write, ...rest, ...outbox.statements, COMMIT];
      return this.#send(link, { plan, turn, outbox, tree, statements }, onSent);
    });
  }

  /** Decides and writes in one round trip; null where the ledger was not as expected, and nothing happened. */
  async #runAhead(
    link: Link,
    calls: readonly Call[],
    { expected, known, onSent }: { expected: Expected; known: Known; onSent: (sent: Sent) => unknown },
  ): Promise<readonly Outcome[] | null> {
    // A copy, since the batch may come to nothing.
    const tree = known.tree.copy();
    const before = tree.frontier();
    const plan = planBatch(calls, seenIn(expected), tree);
    const outbox = outboxOf(this.#options.ledger, plan, known.messages);
    const turn = this.#turn({ tree, commits: known.commits + 1, messages: outbox.messages }, plan, calls);
    const table = tablingOf(calls.length);
    const { parts, bytes, rest } = writesOf(turn.ledger, plan, table);
    const write = together(
      [moveExpected(turn, before), ...noteBatch(turn, plan), ...parts],
      assertExpected(turn, expected, table),
      bytes,
    );
    // A statement that stands alone is its own transaction; in one of several, COMMIT ends also what has failed.
    const isWhole = rest.length === 0 && outbox.statements.length === 0;
    const statements = isWhole ? [write] : [BEGIN, write, ...rest, ...outbox.statements, COMMIT];
    try {
      return await this.#send(link, { plan, turn, outbox, tree, statements }, onSent);
    } catch (error) {
      if (isUnexpected(error)) return null;
      throw error;
    }
  }

  #turn({ tree, commits, messages }: Known, plan: Plan, calls: readonly Call[]): Turn {
    const { ledger, id: writer, noticeOf } = this.#options;
    const batch = (this.#batch += 1);
    const notice = this.#silence.isNow ? null : noticeOf({ writer, commits, ledger }, plan, calls);
    return { ledger, size: tree.size, frontier: tree.frontier(), commits, messages, writer, batch, notice };
  }

  /** Sends what ends in COMMIT, or is one statement, and answers once that is answered. */
  async #send(link: Link, made: Made, onSent: (sent: Sent) => unknown): Promise<readonly Outcome[]> {
    const { plan, turn, outbox, tree, statements } = made;
    link.takeWarnings();
    onSent({ batch: turn.batch, plan });
    const results = await link.run(statements);
    if (statements.length > 1) assertCommitted(link, results.at(-1));
    else assertSure(link);
    const first = statements.length - 1 - outbox.statements.length;
    for (const { reply, at } of outbox.takes) plan.replies[reply] = results[first + at]?.rows.map(toMessage) ?? [];
    this.#known = { tree, commits: turn.commits, messages: turn.messages };
    this.#options.onCommit(turn.commits);
    this.#silence.committed(turn.notice !== null);
    return plan.replies;
  }

  // What has failed leaves no transaction open.
  async #undoing<T>(link: Link, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!link.lost) await link.run([ROLLBACK]).catch(() => link.destroy(new Error("it did not roll back")));
      throw error;
    }
  }

  /** Begins, locks the head, and sees under the lock what the calls need. */
  async #look(link: Link, calls: readonly Call[]): Promise<{ head: Head; seen: Seen; tree: Tree }> {
    const { ledger } = this.#options;
    const probe = probeOf(ledger, calls);
    const cached = this.#known?.tree ?? null;
    const leaves = cached === null ? null : leavesSince(ledger, cached.size);
    const looks = [probe.answers, probe.versions, probe.slots, probe.owned, probe.clock, leaves];
    const asked = looks.filter((look) => look !== null);
    const results = await link.run([BEGIN, lockHead(ledger), ...asked]);
    const rowsOf = (look: Statement | null): readonly Row[] =>
      look === null ? [] : (results[2 + asked.indexOf(look)]?.rows ?? []);
    const head = toHead(results[1]?.rows[0]);
    this.#alone = this.#known === null || this.#known.commits === head.commits;
    const seen: Seen = {
      answers: new Map(rowsOf(probe.answers).map((row) => [name(row["key"]), toAnswer(row)])),
      versions: new Map(
        rowsOf(probe.versions).flatMap((row) =>
          row["version"] === null ? [] : [[name(row["stream"]) as StreamName, integer(row["version"])]],
        ),
      ),
      slots: new Map(
        rowsOf(probe.slots).map((row) => [
          name(row["key"]),
          { holder: name(row["holder"]) as StreamName, owner: name(row["owner"]) },
        ]),
      ),
      owned: new Map(rowsOf(probe.owned).map((row) => [name(row["owner"]), integer(row["held"])])),
      clock: rowsOf(probe.clock).map((row) => integer(row["clock"]))[0],
    };
    const missed = rowsOf(leaves).map((row) => blob(row["leaf"]));
    if (cached === null || missed.length > CATCH_UP_MAX)
      return { head, seen, tree: await loadTree(link, ledger, head) };
    for (const leaf of missed) cached.append(leaf);
    if (!same(cached.frontier(), head.frontier.toBytes()))
      throw new Damaged("entries that are not those under the head");
    return { head, seen, tree: cached };
  }

  // One of them does not fit into the database: its neighbours shall not suffer for it.
  async #oneByOne(calls: readonly Call[], deadline: number, error: unknown): Promise<readonly Outcome[]> {
    if (calls.length === 1) throw unavailable(`the database refuses this append: ${describe(error)}`, error);
    const replies: Outcome[] = [];
    for (const call of calls) {
      const [reply] = await this.commit([call], deadline).catch((one: unknown) => {
        if (one instanceof StoreError) return [one];
        throw one;
      });
      replies.push(reply ?? null);
    }
    return replies;
  }

  #wentAway(error: unknown): void {
    if (this.#away || failureOf(error) === "again") return;
    this.#away = true;
    this.#options.log(
      `the database does not take anything now: ${describe(error)}; nothing is acknowledged until it does`,
    );
  }

  #cameBack(): void {
    if (this.#away) this.#options.log("the database takes appends again");
    this.#away = false;
  }

  #gaveUp(error: unknown, open: boolean): StoreError {
    const because = open
      ? "whether this append is in the ledger is not known; repeat it under its key"
      : "nothing was written; try again";
    return unavailable(`the database does not take anything now: ${describe(error)}; ${because}`, error);
  }
}

/** The outbox steps as statements, with the places whose replies they make, and how many messages were ever queued. */
function outboxOf(
  ledger: string,
  plan: Plan,
  queuedBefore: number,
): { statements: Statement[]; takes: { reply: number; at: number }[]; messages: number } {
  let messages = queuedBefore;
  const takes: { reply: number; at: number }[] = [];
  const statements = plan.outbox.map((step, at) => {
    const statement = outboxStep(ledger, step, messages);
    if (step.kind === "queue") messages += step.messages.length;
    if (step.kind === "take") takes.push({ reply: step.reply, at });
    return statement;
  });
  return { statements, takes, messages };
}

// In a transaction that has failed COMMIT succeeds, and says that it rolled back.
function assertCommitted(link: Link, result: Result | undefined): void {
  if (result?.command !== "COMMIT") throw new Error("the transaction was rolled back");
  assertSure(link);
}

// A server that gives up waiting for its standby says so in a warning, and answers as if nothing were.
function assertSure(link: Link): void {
  const [warning] = link.takeWarnings();
  if (warning === undefined) return;
  const error = new Error(`the commit is in doubt: ${warning}`);
  link.destroy(error);
  throw error;
}

function toHead(row: Row | undefined): Head {
  if (row === undefined) throw new Damaged("no head of this ledger");
  const frontier = Frontier.fromBytes(blob(row["frontier"]));
  if (frontier.size !== integer(row["size"])) throw new Damaged("a head whose size is not that of its tree");
  return { frontier, commits: integer(row["commits"]), messages: integer(row["messages"]) };
}

function toAnswer(row: Row): { fingerprint: string; answer: string; index: number } {
  return { fingerprint: name(row["fingerprint"]), answer: text(row["answer"]), index: integer(row["idx"]) };
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
