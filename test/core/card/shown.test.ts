// What an agent writes can be read on a card and can do nothing there: it stays in its places, seen and bounded.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalize } from "../../../src/core/action/index.ts";
import { linesOf, lookalike, shown, visible } from "../../../src/core/card/index.ts";
import type { Card, Literal } from "../../../src/core/card/index.ts";
import { pieces } from "../../../console/src/model/literal.ts";
import { cardFor, effect, type Asked } from "./fixture.ts";

/** Characters of the largest card as JSON: what a renderer has to be able to hold. */
const CARD_CHARS_MAX = 120_000;

function isLiteral(value: object): value is Literal {
  return "text" in value && "cut" in value && "alike" in value;
}

function literalsIn(value: unknown): Literal[] {
  if (typeof value !== "object" || value === null) return [];
  return isLiteral(value) ? [value] : Object.values(value).flatMap(literalsIn);
}

/** The card without its literals, digests and counts: all that is ours. */
function ours(value: unknown): unknown {
  if (typeof value === "string") return value.startsWith("sha256:") ? "digest" : value;
  if (typeof value !== "object" || value === null) return value;
  if (isLiteral(value)) return "literal";
  if (Array.isArray(value)) return value.map(ours);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, ours(member)]));
}

/** A request in which an agent wrote the same text wherever it can write. */
function writtenEverywhere(text: string): Asked {
  const named =
    text === ""
      ? "x"
      : text
          .slice(0, 400)
          .replaceAll(/\p{Cc}/gu, "c")
          .toWellFormed();
  const free = text.replaceAll("\0", "0").toWellFormed();
  return {
    agent: named,
    name: named,
    parameters: { fixed: free, [`k${free}`]: free, list: [free], deep: { [`d${free}`]: { x: free } } },
    resource: [named, named],
    environment: named,
    reason: free.slice(0, 500),
    subject: { on_behalf_of: free },
    classification: {
      effects: [effect("delete", `deletes ${free}`)],
      facts: [
        { name: named, value: free, provenance: "gate" },
        { name: "names", value: [free], provenance: "parsed" },
      ],
      opaque: [free],
      traits: [{ id: "irreversible", because: free }],
    },
  };
}

const HOSTILE: readonly (readonly [what: string, text: string])[] = [
  ["a mention", "<!channel> <@U123> @everyone"],
  ["a link in disguise", "<https://evil.example|Approved by security> [x](https://evil.example)"],
  ["bold and a tick", "*Approved by Ann* **ok** :white_check_mark: \u2705"],
  ["HTML", "<img src=x onerror=alert(1)>&lt;b&gt;"],
  ["bidi", "user\u202etxt.exe\u2066\u2069"],
  ["zero-width", "ad\u200bmin\u2060\ufeff"],
  ["controls", "\u001b[2J\u0007\u009b31m"],
  ["look-alikes", "\u0430dmin \uff41dmin"],
  ["lines that look like ours", "x\nRisk: low 0\nApproved"],
  ["separators", "a\u2028b\u2029c\u0085d"],
  ["combining marks", `z${"\u0301".repeat(50)}`],
  ["much", "A".repeat(100_000)],
];

test("shown.agent-narrates: in every field of a card that an agent can write, the text stays a literal", () => {
  const plain = JSON.stringify(ours(cardFor(writtenEverywhere("plain"))));
  for (const [what, text] of HOSTILE) {
    const card = cardFor(writtenEverywhere(text));
    assert.equal(JSON.stringify(ours(card)), plain, `${what}: nothing of ours changes with it`);
    const literals = literalsIn(card);
    assert.ok(literals.length >= 14, "it stands in many fields");
    for (const { text: head, cut } of literals) {
      for (const seen of [head, cut?.tail ?? ""]) assert.doesNotMatch(seen, UNSEEN, `${what}: ${seen}`);
    }
  }
});

/** What no screen shows as it is. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{DI}]|(?! )\p{Zs}|\p{M}{4}/u;

test("shown.agent-narrates: law: whatever an agent writes changes nothing that is ours, and everything of it is seen", () => {
  const plain = JSON.stringify(ours(cardFor(writtenEverywhere("plain"))));
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
      const card = cardFor(writtenEverywhere(text));
      assert.equal(JSON.stringify(ours(card)), plain);
      for (const { text: head, cut } of literalsIn(card)) {
        assert.doesNotMatch(head, UNSEEN);
        assert.doesNotMatch(cut?.tail ?? "", UNSEEN);
      }
    }),
    { numRuns: 40 },
  );
});

test("law: a card has an upper bound, however much is asked for", () => {
  const many = Object.fromEntries(Array.from({ length: 3000 }, (_, at) => [`p${at}\u202e`, "\u0007".repeat(500)]));
  const wordy = "\u200b".repeat(5000);
  const card = cardFor({
    ...writtenEverywhere("\u202e".repeat(30_000)),
    parameters: many,
    subject: many,
    classification: {
      effects: Array.from({ length: 50 }, () => effect("read", wordy)),
      facts: Array.from({ length: 300 }, (_, at) => ({ name: `f${at}`, value: wordy, provenance: "gate" as const })),
      opaque: Array.from({ length: 50 }, () => wordy),
      traits: Array.from({ length: 50 }, () => ({ id: "multiple" as const, because: wordy })),
    },
  });
  assert.equal(card.body.parameters.hidden, 3000 - 24);
  assert.equal(card.body.facts.hidden, 300 - 12);
  assert.ok(JSON.stringify(card).length < CARD_CHARS_MAX, String(JSON.stringify(card).length));
});

test("law: every parameter can be read back from the card, or is named by its digest", () => {
  const json = fc.oneof(fc.string({ unit: "binary", maxLength: 900 }), fc.integer(), fc.boolean(), fc.constant(null));
  fc.assert(
    fc.property(fc.dictionary(fc.string({ minLength: 1, maxLength: 20 }), json, { maxKeys: 20 }), (given) => {
      const parameters = Object.fromEntries(
        Object.entries(given).map(([name, value]) => [
          name.replaceAll("\0", "0").toWellFormed(),
          typeof value === "string" ? value.replaceAll("\0", "0").toWellFormed() : value,
        ]),
      );
      const { body }: Card = cardFor({ name: "x", resource: ["t", "r"], parameters });
      assert.equal(body.parameters.digest, sha256(canonicalize(parameters)));
      const names = Object.keys(parameters).toSorted((a, b) => (a < b ? -1 : 1));
      assert.equal(body.parameters.items.length, names.length);
      for (const [at, { kind, value }] of body.parameters.items.entries()) {
        const original = parameters[names[at] ?? ""] ?? null;
        const text = typeof original === "string" ? original : canonicalize(original);
        assert.equal(kind, typeof original === "string" ? "text" : "json");
        if (value.cut === null) assert.equal(readBack(value.text), text);
        else assert.equal(value.cut.digest, sha256(text));
      }
    }),
  );
});

test("law: head, tail and what is hidden add up, and the parts are those of the text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 400 }), fc.integer({ min: 20, max: 200 }), (text, max) => {
      const { text: head, cut } = shown(text, max);
      assert.ok(head.length + (cut?.tail.length ?? 0) <= max);
      if (cut === null) return assert.equal(readBack(head), text);
      const [before, after] = [readBack(head), readBack(cut.tail)];
      assert.ok(text.startsWith(before) && text.endsWith(after));
      assert.equal(before.length + after.length + cut.hidden, text.length);
    }),
  );
});

test("what the eye cannot count is written out, and lines are told apart from texts about lines", () => {
  const rows: readonly (readonly [text: string, seen: string])[] = [
    [" customers ", "\\u{20}customers\\u{20}"],
    ["a  b", "a  b"],
    [`a${" ".repeat(10)}b`, `a${" ".repeat(8)}\\u{20}\\u{20}b`],
    ["z\u0301\u0301\u0301\u0301", "z\u0301\u0301\u0301\\u{301}"],
    ["C:\\new", "C:\\\\new"],
  ];
  for (const [text, seen] of rows) assert.equal(shown(text, 100).text, seen);
  assert.deepEqual(linesOf(shown("one\ntwo \\n three\n", 100).text), ["one", "two \\\\n three", ""]);
});

test("words that are not what they seem are named", () => {
  const rows: readonly (readonly [text: string, alike: readonly string[]])[] = [
    ["admin", []],
    ["the \u0430dmin role", ["Latin", "Cyrillic"]],
    ["\u0441\u043e\u0440\u0443", ["Cyrillic"]], // reads as "copy"
    ["\u0430\u0434\u043c\u0438\u043d", []], // plain Russian
    ["\u03a1\u0391\u03a5", ["Greek"]], // reads as "PAY"
    ["\uff41\uff44\uff4d\uff49\uff4e", ["compatibility"]],
    ["\u{1d41a}dmin", ["compatibility"]],
    ["e\u0301t\u00e9 Gr\u00fc\u00dfe \u65e5\u672c\u8a9e \u0434\u0430", []],
  ];
  for (const [text, alike] of rows) assert.deepEqual(lookalike(text), alike, text);
  assert.deepEqual(shown(`${"a".repeat(500)}\u0430dmin`, 100).alike, ["Latin", "Cyrillic"], "in the tail too");
});

test("law: the console, which shares no code, spells out whatever core writes out, and the reverse", () => {
  const own = (char: string): boolean => pieces(`a${char}b`).some(({ kind }) => kind === "mark");
  const differing: string[] = [];
  for (let code = 0; code <= 0x10_ff_ff; code++) {
    if (code >= 0x3_14_00 && code < 0xe_00_00) continue; // unassigned planes: one class
    if (code === 0x5c) continue; // a backslash is doubled in text, and needs no mark where marks are boxes
    const char = String.fromCodePoint(code);
    if (own(char) !== (visible(char) !== char)) differing.push(code.toString(16));
  }
  assert.deepEqual(differing, []);
});

function sha256(text: string): string {
  return `sha256:${createHash("sha256").update(text, "utf8").digest("hex")}`;
}

/** A literal's text as it was: the reverse of writing out. */
function readBack(seen: string): string {
  const named: Readonly<Record<string, string>> = { "\\n": "\n", "\\r": "\r", "\\t": "\t", "\\\\": "\\" };
  return seen.replaceAll(/\\u\{([0-9a-f]+)\}|\\[nrt\\]/g, (all, hex: string | undefined) =>
    hex === undefined ? (named[all] ?? all) : String.fromCodePoint(Number.parseInt(hex, 16)),
  );
}
