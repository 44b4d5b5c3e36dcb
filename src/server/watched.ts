import type { Append, AppendResult, Store } from "../ports/store.ts";

/** Told of every append as it is asked for; the answer settles later. */
export type Watcher = (change: Append, result: Promise<AppendResult>) => void;

/** A store that somebody watches: how much waits, how long it takes, and what this process writes. */
export class WatchedStore implements Store {
  readonly fault: Store["fault"];
  readonly #store: Store;
  readonly #watchers: Watcher[] = [];
  #waiting = 0;

  constructor(store: Store) {
    this.#store = store;
    this.fault = store.fault;
  }

  /** Appends that were asked for and not answered yet. */
  get waiting(): number {
    return this.#waiting;
  }

  watch(watcher: Watcher): void {
    this.#watchers.push(watcher);
  }

  append(change: Append): Promise<AppendResult> {
    const result = this.#store.append(change);
    this.#waiting += 1;
    const answered = (): void => {
      this.#waiting -= 1;
    };
    result.then(answered, answered);
    for (const watcher of this.#watchers) watcher(change, result);
    return result;
  }

  stream: Store["stream"] = (...given) => this.#store.stream(...given);
  range: Store["range"] = (...given) => this.#store.range(...given);
  headers: Store["headers"] = (...given) => this.#store.headers(...given);
  head: Store["head"] = () => this.#store.head();
  subtrees: Store["subtrees"] = (...given) => this.#store.subtrees(...given);
  slot: Store["slot"] = (...given) => this.#store.slot(...given);
  requests: Store["requests"] = (...given) => this.#store.requests(...given);
  dueTimers: Store["dueTimers"] = (...given) => this.#store.dueTimers(...given);
  nextTimer: Store["nextTimer"] = () => this.#store.nextTimer();
  takeMessages: Store["takeMessages"] = (...given) => this.#store.takeMessages(...given);
  messages: Store["messages"] = (...given) => this.#store.messages(...given);
  messageDone: Store["messageDone"] = (...given) => this.#store.messageDone(...given);
  messageRetry: Store["messageRetry"] = (...given) => this.#store.messageRetry(...given);
  forget: Store["forget"] = () => this.#store.forget();
  document: Store["document"] = (...given) => this.#store.document(...given);
  documents: Store["documents"] = (...given) => this.#store.documents(...given);
  onAdvance: Store["onAdvance"] = (listener) => this.#store.onAdvance(listener);

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#store[Symbol.asyncDispose]());
  }
}
