import { createStore, type Store } from "./store.ts";

/** What a screen reader is told next. */
export const announcement: Store<string> = createStore("");

/** Says something once, politely. */
export function announce(text: string): void {
  // A repeated sentence has to differ to be spoken again.
  announcement.set((last) => (last === text ? `${text}\u00a0` : text));
}
