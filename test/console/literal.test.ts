import { test } from "node:test";
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { clip } from "../../console/src/model/clip.ts";
import { mixedScript, pieces } from "../../console/src/model/literal.ts";

/** Pieces as one line: text as it is, marks in angle brackets. */
const spelled = (text: string, edges?: "both" | "start" | "end"): string =>
  pieces(text, edges)
    .map((piece) =>
      piece.kind === "text" ? piece.text : `<${piece.label}${piece.count > 1 ? `×${piece.count}` : ""}>`,
    )
    .join("");

test("shown.agent-narrates: characters that a screen hides or reorders are spelled out", () => {
  const table: readonly (readonly [text: string, spelled: string])[] = [
    ["plain text, äöü 漢字 שלום", "plain text, äöü 漢字 שלום"],
    ["", ""],
    ["a\u202eb", "a<U+202E RLO>b"],
    ["\u2066x\u2069", "<U+2066 LRI>x<U+2069 PDI>"],
    ["pay\u200bpal", "pay<U+200B ZWSP>pal"],
    ["\ufeffx", "<U+FEFF BOM>x"],
    ["a\u0000b", "a<U+0000 NUL>b"],
    ["\u001b[31mred", "<U+001B ESC>[31mred"],
    ["one\ntwo\tthree\r\n", "one<\\n>two<\\t>three<\\r><\\n>"],
    ["non\u00a0break", "non<U+00A0 NBSP>break"],
    ["soft\u00adhyphen", "soft<U+00AD SHY>hyphen"],
    ["tag\u{e0041}\u{e0042}", "tag<U+E0041><U+E0042>"],
    ["lone\ud800", "lone<U+D800>"],
    ["filler\u3164", "filler<U+3164>"],
    ["vs\ufe0f", "vs<U+FE0F>"],
    ["braille\u2800blank", "braille<U+2800>blank"],
    ["\u200b\u200b\u200b", "<U+200B ZWSP×3>"],
    [" lead", "<space>lead"],
    ["trail  ", "trail<space×2>"],
    ["mid  dle", "mid  dle"],
    ["  ", "<space×2>"],
    ["z\u0301\u0301\u0301\u0301\u0301", "z\u0301\u0301\u0301<U+0301×2>"],
  ];
  for (const [text, expected] of table) equal(spelled(text), expected, JSON.stringify(text));
});

test("the cut ends of a clipped string are not its edges", () => {
  equal(spelled(" a ", "start"), "<space>a ");
  equal(spelled(" a ", "end"), " a<space>");
});

test("a line feed breaks the line where it stands, and only it", () => {
  deepEqual(
    pieces("a\n\u2028b").map((piece) => piece.kind === "mark" && piece.breaks),
    [false, true, false, false],
  );
});

test("law: what is left as text has nothing in it that a screen would hide", () => {
  const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/u;
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      ok(pieces(text).every((piece) => piece.kind === "mark" || !unseen.test(piece.text)));
    }),
  );
});

test("law: pieces lose nothing: as many characters come out as went in", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      let chars = 0;
      for (const piece of pieces(text)) chars += piece.kind === "text" ? Array.from(piece.text).length : piece.count;
      equal(chars, Array.from(text).length);
    }),
  );
});

test("a word that mixes look-alike alphabets is named", () => {
  const table: readonly (readonly [text: string, scripts: readonly string[] | null])[] = [
    ["admin", null],
    ["\u0430dmin", ["Latin", "Cyrillic"]],
    ["the role \u0430dmin", ["Latin", "Cyrillic"]],
    ["админ", null],
    ["english и русский", null],
    ["\u03bfrder", ["Latin", "Greek"]],
    ["漢字kana", null],
    ["α_beta", null],
    ["", null],
  ];
  for (const [text, scripts] of table) deepEqual(mixedScript(text)?.scripts ?? null, scripts, text);
});

test("a long string shows head and tail and says how much is missing", () => {
  deepEqual(clip("short"), { clipped: false, text: "short" });
  deepEqual(clip("x".repeat(600)), { clipped: false, text: "x".repeat(600) });
  const cut = clip(`${"a".repeat(1000)}tail`);
  ok(cut.clipped);
  equal(cut.head.length + cut.hidden + cut.tail.length, 1004);
  ok(cut.tail.endsWith("tail"));
});

test("law: clipping neither loses a character nor cuts one in two", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme", minLength: 0, maxLength: 300 }),
      fc.integer({ min: 8, max: 40 }),
      (text, shown) => {
        const cut = clip(text, shown);
        if (!cut.clipped) return equal(cut.text, text);
        ok(cut.head.isWellFormed() && cut.tail.isWellFormed());
        ok(text.startsWith(cut.head) && text.endsWith(cut.tail));
        ok(cut.hidden > 0);
        return equal(cut.head.length + cut.hidden + cut.tail.length, text.length);
      },
    ),
  );
});
