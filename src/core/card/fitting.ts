import type { Limited } from "./limited.ts";

/** What of a list has room, drawn. `hidden` counts all the rest, also what the list itself leaves out. */
export type Fitting<T> = { readonly drawn: readonly T[]; readonly hidden: number; readonly size: number };

/** Draws items one after the other until one has no room any more; `size` is what the drawn ones take of it. */
export function fitting<S, T>(
  list: Limited<S>,
  room: number,
  draw: (item: S) => T,
  sizeOf: (drawn: T) => number,
): Fitting<T> {
  const drawn: T[] = [];
  let size = 0;
  for (const item of list.items) {
    const one = draw(item);
    const more = sizeOf(one);
    if (size + more > room) break;
    size += more;
    drawn.push(one);
  }
  return { drawn, hidden: list.items.length - drawn.length + list.hidden, size };
}
