/** Alphabets that have letters in common to the eye (UTS #39). */
const SCRIPTS = [
  ["Latin", /\p{Script=Latin}/u],
  ["Cyrillic", /\p{Script=Cyrillic}/u],
  ["Greek", /\p{Script=Greek}/u],
  ["Armenian", /\p{Script=Armenian}/u],
  ["Cherokee", /\p{Script=Cherokee}/u],
] as const;

/** Letters that look like a Latin one in most fonts. A word of nothing else reads as a Latin word. */
const LATIN_LIKE: ReadonlySet<string> = new Set(
  "аеорсухіјѕһԁԛԝӏвкмнтАВЕЅЗІЈКМНОРСТУХҮԌԚԜαικνορτυχωΑΒΕΖΗΙΚΜΝΟΡΤΥΧօսոհոցքԼՏՍՕՈ",
);

// Nothing of it looks like another letter of it.
const ASCII = /^[ -~\s]*$/;

/**
 * Why the first suspicious word of a text is not what it seems: the alphabets that it mixes or borrows, or
 * `compatibility` for letters that are styled copies of others. Empty where every word is plain. Names of ours only.
 */
export function lookalike(text: string): readonly string[] {
  if (ASCII.test(text)) return [];
  for (const [word] of text.matchAll(/[\p{L}\p{M}\p{N}]+/gu)) {
    const scripts: string[] = SCRIPTS.filter(([, letters]) => letters.test(word)).map(([name]) => name);
    if (scripts.length > 1) return scripts;
    if (word.normalize("NFKC") !== word.normalize("NFC")) return ["compatibility"];
    if (scripts.length === 1 && scripts[0] !== "Latin" && isLatinLike(word)) return scripts;
  }
  return [];
}

function isLatinLike(word: string): boolean {
  const chars = [...word];
  return chars.length > 1 && chars.every((char) => LATIN_LIKE.has(char) || /\p{Nd}/u.test(char));
}
