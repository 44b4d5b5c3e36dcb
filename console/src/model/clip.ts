/** Characters of a string that are shown at once; a longer one shows its head and its tail. */
const TEXT_CHARS_SHOWN = 600;
const HEAD_CHARS = 400;
const TAIL_CHARS = 140;

export type Clipped =
  | { readonly clipped: false; readonly text: string }
  | { readonly clipped: true; readonly head: string; readonly tail: string; readonly hidden: number };

const isLow = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;

/** Head and tail of a long string, never cutting a surrogate pair. Lengths are UTF-16 units, as everywhere on the page. */
export function clip(text: string, shown: number = TEXT_CHARS_SHOWN): Clipped {
  if (text.length <= shown) return { clipped: false, text };
  let from = Math.min(HEAD_CHARS, Math.floor((shown * 2) / 3));
  let to = text.length - Math.min(TAIL_CHARS, Math.floor(shown / 4));
  if (isLow(text.charCodeAt(from))) from -= 1;
  if (isLow(text.charCodeAt(to))) to -= 1;
  return { clipped: true, head: text.slice(0, from), tail: text.slice(to), hidden: to - from };
}
