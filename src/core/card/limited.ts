/** The first items of a list and how many there are beside them. */
export type Limited<T> = { readonly items: readonly T[]; readonly hidden: number };

/** At most `max` items, each made by `make`. */
export function limited<S, T>(list: readonly S[], max: number, make: (item: S) => T): Limited<T> {
  const items = list.slice(0, max).map((item) => make(item));
  return { items, hidden: list.length - items.length };
}
