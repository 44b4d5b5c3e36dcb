import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalBytes } from "../../src/core/action/index.ts";
import type { JsonObject } from "../../src/core/action/index.ts";
import { openHeader } from "../../src/core/ledger/index.ts";
import { readHeader } from "../../src/verify/header.ts";

const COMMITMENT = `sha256:${"a1".repeat(32)}`;
const header = (change: JsonObject = {}): JsonObject => ({
  v: 1,
  type: "action.evaluated",
  time: "2026-11-21T20:05:07.089Z",
  stream: "evaluation/eval_1",
  version: 0,
  commitment: COMMITMENT,
  public: { digest: COMMITMENT, gate: "sdk", level: "low" },
  ...change,
});

/** What each of the two says of the same bytes: what it read, or that it refused. */
function bothSay(bytes: Uint8Array): void {
  const say = (read: (bytes: Uint8Array) => object): string => {
    try {
      return JSON.stringify(read(bytes));
    } catch (error) {
      return error instanceof Error && error.name === "InputError" ? "refused" : `fault: ${String(error)}`;
    }
  };
  assert.equal(say(readHeader), say(openHeader), Buffer.from(bytes).toString());
}

test("law: the auditor reads of any header what core reads, and refuses what core refuses", () => {
  const name = fc.oneof(fc.constantFrom("digest", "gate", "a_b", "a", "ab", "aa", "__proto__", "A", "é"), fc.string());
  const value = fc.oneof(fc.string(), fc.nat(), fc.integer(), fc.boolean(), fc.constant(null), fc.jsonValue());
  const time = fc
    .date({ min: new Date("1969-12-30"), max: new Date("2100-01-01"), noInvalidDate: true })
    .map((at) => at.toISOString());
  const content = fc.record({
    public: fc.dictionary(name, value, { noNullPrototype: true }),
    time: fc.oneof(
      time,
      fc.constantFrom("2026-04-31T00:00:00.000Z", "2026-11-21T24:00:00.000Z", "2026-11-21T20:60:00.000Z"),
    ),
    stream: fc.oneof(fc.constantFrom("policy", "request/arq_1", "a/b/c", "A", "request/"), fc.string()),
    type: fc.oneof(fc.constantFrom("a.b", "a", "a.b.c.d", "a.b.c.d.e", "a.B"), fc.string()),
    version: fc.oneof(fc.nat(), fc.constantFrom(-1, 0.5, 2 ** 53 - 1, 1e15)),
  });
  fc.assert(
    fc.property(content, (change) => {
      let bytes: Uint8Array;
      try {
        bytes = canonicalBytes(header(change as JsonObject));
      } catch {
        return; // nothing that could be written
      }
      bothSay(bytes);
    }),
    { numRuns: 2000 },
  );
});

test("law: they agree on every single-bit mutant, and on cuts and joins", () => {
  const bytes = canonicalBytes(header());
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const mutant = Uint8Array.from(bytes);
    mutant[bit >> 3] = (mutant[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    bothSay(mutant);
  }
  fc.assert(
    fc.property(fc.nat(bytes.length), fc.nat(bytes.length), fc.uint8Array({ maxLength: 8 }), (from, to, between) =>
      bothSay(Uint8Array.of(...bytes.subarray(0, from), ...between, ...bytes.subarray(to))),
    ),
    { numRuns: 2000 },
  );
});

test("what a careless reader would take: each is refused by both, or read the same", () => {
  const text = new TextDecoder().decode(canonicalBytes(header()));
  const odd = [
    text.replace('"gate"', '"level"'),
    text.replace('"gate":"sdk",', '"gate":"sdk","gate":"sdk",'),
    text.replace('"gate":"sdk","level":"low"', '"level":"low","gate":"sdk"'),
    text.replace('"level":"low"}', '"level":"low",}'),
    text.replace('"public":{', '"public":{,'),
    text.replace('"public":{', '"public":{"__proto__":"x",'),
    text.replace('"public":{', '"public":{"constructor":"x",'),
    text.replace('"gate":"sdk"', '"gate":01'),
    text.replace('"gate":"sdk"', '"gate":-0'),
    text.replace('"gate":"sdk"', '"gate":9007199254740993'),
    text.replace('"gate":"sdk"', '"gate":"s\\u0064k"'),
    text.replace('"gate":"sdk"', '"gate":"s\tk"'),
    text.replace('"gate":"sdk"', '"gate":"s\u007fk"'),
    text.replace('"gate":"sdk"', '"gate":"sé"'),
    text.replace('"version":0', '"version":00'),
    text.replace('"version":0', '"version":1e3'),
    text.replace('"version":0', '"version":-0'),
    text.replace("{", "{ "),
    `${text}\n`,
    `\ufeff${text}`,
    text.replace(/"public":\{[^}]*\}/, '"public":{}'),
    text.replace('"gate":"sdk"', `"gate":"${"x".repeat(4096)}"`),
    text.replace("20:05:07.089", "20:05:60.000"),
    text.replace("2026-11-21", "2026-02-30"),
  ];
  for (const one of odd) bothSay(new TextEncoder().encode(one));
});
