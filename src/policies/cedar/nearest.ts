/** The known word that somebody who wrote `written` most likely meant: at most two edits away, or null. */
export function nearest(written: string, known: readonly string[]): string | null {
  let best: string | null = null;
  let least = Math.min(2, Math.ceil(written.length / 3)) + 1;
  for (const word of known) {
    const edits = distance(written, word, least);
    if (edits < least) [best, least] = [word, edits];
  }
  return best;
}

/** Levenshtein's distance, row by row; lengths that differ by `limit` or more need no rows. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit || a.length > 100) return limit;
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const here = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = (above[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      here.push(Math.min(replaced, (above[column] ?? 0) + 1, (here[column - 1] ?? 0) + 1));
    }
    above = here;
  }
  return above[b.length] ?? limit;
}
