// A double around a real store: it passes everything on until a test lets it fail, for faults that come on cue.
import { StoreError, type Append, type AppendResult, type Store } from "../../src/ports/store.ts";

/** How the next append fails: before anything is written, or after the commit, when only the answer is lost. */
export type Fault = "before" | "after";

/** A store as its port allows: after one failure every later call rejects, and `fault` resolves. */
export class FailingStore implements Store {
  readonly fault: Promise<StoreError>;
  readonly #real: Store;
  #plan: { readonly fault: Fault; readonly type: string } | null = null;
  #failed: StoreError | null = null;
  readonly #tell: (error: StoreError) => void;

  constructor(real: Store) {
    this.#real = real;
    const { promise, resolve } = Promise.withResolvers<StoreError>();
    this.fault = promise;
    this.#tell = resolve;
  }

  /** The next append that holds an entry of this type fails. */
  failOn(type: string, fault: Fault): void {
    this.#plan = { fault, type };
  }

  async append(change: Append): Promise<AppendResult> {
    this.#check();
    const plan = this.#plan;
    if (plan === null || !change.entries.some(({ type }) => type === plan.type)) return this.#real.append(change);
    if (plan.fault === "after") await this.#real.append(change);
    this.#failed = new StoreError({ code: "store_failed", message: "the disk is gone (a double's word)" });
    this.#tell(this.#failed);
    throw this.#failed;
  }

  #check(): Store {
    if (this.#failed !== null) throw this.#failed;
    return this.#real;
  }

  stream: Store["stream"] = async (...given) => this.#check().stream(...given);
  range: Store["range"] = async (...given) => this.#check().range(...given);
  headers: Store["headers"] = async (...given) => this.#check().headers(...given);
  head: Store["head"] = async () => this.#check().head();
  subtrees: Store["subtrees"] = async (...given) => this.#check().subtrees(...given);
  slot: Store["slot"] = async (...given) => this.#check().slot(...given);
  requests: Store["requests"] = async (...given) => this.#check().requests(...given);
  dueTimers: Store["dueTimers"] = async (...given) => this.#check().dueTimers(...given);
  nextTimer: Store["nextTimer"] = async () => this.#check().nextTimer();
  takeMessages: Store["takeMessages"] = async (...given) => this.#check().takeMessages(...given);
  messages: Store["messages"] = async (...given) => this.#check().messages(...given);
  onAdvance: Store["onAdvance"] = (listener) => this.#real.onAdvance(listener);
  messageDone: Store["messageDone"] = async (...given) => this.#check().messageDone(...given);
  forget: Store["forget"] = async () => this.#check().forget();
  messageRetry: Store["messageRetry"] = async (...given) => this.#check().messageRetry(...given);
  document: Store["document"] = async (...given) => this.#check().document(...given);
  documents: Store["documents"] = async (...given) => this.#check().documents(...given);

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#real[Symbol.asyncDispose]();
  }
}
