import { EngineError, recordChanges, type Change, type EngineContext } from "../../engine/index.ts";
import { DIRECTORY_KINDS, readStored, type Sources } from "../../identity/directory/index.ts";
import type { DocumentChange, Store } from "../../ports/store.ts";
import { HeldChanges, type Turn } from "./held.ts";

type Ledger = Pick<EngineContext, "store" | "clock" | "chance">;

/** Which change of people was the last one. */
const TURN = { kind: "directory", id: "turn" } as const;
const READS_MAX = 32;
/** How often a change is worked out anew because somebody else's came first. */
const ROUNDS_MAX = 32;
/** Bytes that tell one attempt at a turn from every other. */
const ATTEMPT_BYTES = 16;

/** What the store has of people, all of it as it was after one and the same change. */
export type Base = { readonly turn: number; readonly sources: Sources | null; readonly held: HeldChanges };

/** Reads people, groups and what waits; again where somebody changed them in between. RangeError where that cannot be read. */
export async function readBase(store: Store): Promise<Base> {
  let turn = await turnOf(store);
  for (let read = 0; read < READS_MAX; read += 1) {
    const [sources, held] = await Promise.all([storedSources(store), HeldChanges.open(store)]);
    const now = await turnOf(store);
    if (now === turn) return { turn, sources, held };
    turn = now;
  }
  throw new EngineError({ code: "contention", message: "people change too fast to be read; try again" });
}

/**
 * Writes changes of people, each as the next one after the state that it was worked out on. Of those who do so on the same
 * state at the same moment, in whatever process, one succeeds; the others read what it made, and begin anew. The key of a
 * turn is never used twice, so that a writer who slept through several of them is refused as well.
 */
export class Turns {
  readonly #ledger: Ledger;
  readonly #onNewer: (base: Base) => Promise<void>;
  #turn: number;
  #last: Promise<unknown> = Promise.resolve();

  /** `turn` is that of the state that is known here; `onNewer` takes over one that somebody else has made. */
  constructor(ledger: Ledger, turn: number, onNewer: (base: Base) => Promise<void>) {
    this.#ledger = ledger;
    this.#turn = turn;
    this.#onNewer = onNewer;
  }

  /** Does the work after all that was given before, on the newest state; all over again where that has just become older. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(() => this.#onNewest(work));
    this.#last = next.catch(() => undefined);
    return next;
  }

  async #catchUp(): Promise<void> {
    const { store } = this.#ledger;
    if ((await turnOf(store)) === this.#turn) return;
    const base = await readBase(store);
    this.#turn = base.turn;
    await this.#onNewer(base);
  }

  /** Writes within `run`; rejects with `contention` where the state is old, and nothing is written. */
  async write(changes: readonly Change[], documents: readonly DocumentChange[]): Promise<void> {
    await this.inCommit(async (turn) => {
      const extra = { ...turn, documents: [...documents, ...turn.documents] };
      const isWritten =
        changes.length > 0
          ? (await recordChanges(this.#ledger, changes, extra)) === "recorded"
          : (await this.#ledger.store.append({ entries: [], ...extra })).status === "appended";
      if (isWritten) return;
      const message = "people are changing at this moment; try again";
      throw new EngineError({ code: "contention", message, retryAfterMs: 500 });
    });
  }

  /** The same for what is written together with a request. */
  async inCommit<T>(work: (turn: Turn) => Promise<T>): Promise<T> {
    const turn = this.#turn + 1;
    const fingerprint = Buffer.from(this.#ledger.chance.bytes(ATTEMPT_BYTES)).toString("base64url");
    const answer = await work({
      idempotency: { key: `people:turn:${turn}`, fingerprint, answer: {} },
      documents: [{ ...TURN, body: { turn } }],
    });
    this.#turn = turn;
    return answer;
  }

  async #onNewest<T>(work: () => Promise<T>): Promise<T> {
    for (let round = 1; ; round += 1) {
      try {
        await this.#catchUp();
        return await work();
      } catch (error) {
        if (!(error instanceof EngineError && error.code === "contention") || round === ROUNDS_MAX) throw error;
      }
    }
  }
}

async function turnOf(store: Store): Promise<number> {
  const turn = (await store.document(TURN.kind, TURN.id))?.body["turn"];
  return typeof turn === "number" ? turn : 0;
}

async function storedSources(store: Store): Promise<Sources | null> {
  const { file, person, group } = DIRECTORY_KINDS;
  const found = await Promise.all([file, person, group].map((kind) => store.documents(kind)));
  return readStored(found.flat());
}
