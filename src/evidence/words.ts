/** A moment as the report writes it, in UTC: `2026-11-21 20:05:00`. */
export function moment(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replace("T", " ");
}

/** A day in UTC: `2026-11-21`. */
export function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

/** A count with thousands apart. */
export function number(count: number): string {
  return count.toLocaleString("en");
}

/** A count with its noun. */
export function counted(count: number, one: string, many: string = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`;
}

/** The id of a request or evaluation without the word before it; other streams by their name. */
export function shortStream(stream: string): string {
  return stream.replace(/^(?:request|evaluation)\//, "");
}

/** The middle of some numbers; null of none. */
export function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[middle]];
  return low === undefined || high === undefined ? null : (low + high) / 2;
}
