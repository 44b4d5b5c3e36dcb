import type { Store } from "../../src/ports/store.ts";

/** A real store as a process sees it that may be stopped in the middle: its appends wait while it is. */
export type Paused = {
  readonly store: Store;
  /** From now on appends wait; resolves when the next one does. */
  stop(): Promise<void>;
  /** What waited goes on. */
  wake(): void;
};

/** The same store, for one process that can be stopped. */
export function pausable(real: Store): Paused {
  let stopped: { readonly heard: () => void; readonly over: Promise<void>; readonly wake: () => void } | null = null;
  const append: Store["append"] = async (change) => {
    stopped?.heard();
    await stopped?.over;
    return real.append(change);
  };
  const store = new Proxy(real, {
    get: (target, name) => {
      if (name === "append") return append;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return {
    store,
    stop: () => {
      const heard = Promise.withResolvers<void>();
      const over = Promise.withResolvers<void>();
      stopped = { heard: heard.resolve, over: over.promise, wake: over.resolve };
      return heard.promise;
    },
    wake: () => {
      stopped?.wake();
      stopped = null;
    },
  };
}
