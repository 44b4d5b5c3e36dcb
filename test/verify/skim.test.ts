import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalBytes } from "../../src/core/action/index.ts";
import type { Json, JsonObject } from "../../src/core/action/index.ts";
import { contradictionByBytes } from "../../src/verify/shown.ts";
import { bindingOf, readPayload } from "../../src/verify/payload.ts";
import { commitPayload } from "../../src/core/ledger/index.ts";

const shownBy = (type: string, publics: JsonObject): Parameters<typeof contradictionByBytes>[0] => ({
  type,
  shown: (name) => publics[name],
});
const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;
const text = fc.oneof(
  fc.constantFrom("allow", "deny", "a", "", 'a"b', "a\\", "é", "}", ",", '","digest":"a'),
  fc.string(),
);
// A member of this name is refused on the way in, wherever it stands.
const written = (value: Json): Uint8Array | null => {
  try {
    return JSON.stringify(value).includes("__proto__") ? null : canonicalBytes(value);
  } catch {
    return null;
  }
};

test("law: walking over the bytes of an evaluation finds what parsing finds", () => {
  const others = fc.dictionary(
    fc.oneof(fc.constantFrom("agent", "classification", "question", "zeta"), fc.string()),
    json,
    {
      noNullPrototype: true,
    },
  );
  const decision = fc.record(
    { outcome: text, policies: json, assurance: json },
    { noNullPrototype: true, requiredKeys: [] },
  );
  fc.assert(
    fc.property(
      others,
      decision,
      text,
      text,
      fc.record({ outcome: text, digest: text, gate: text }),
      (more, said, digest, gate, shown) => {
        const payload: JsonObject = { ...more, decision: said as JsonObject, digest, gate };
        const bytes = written(payload);
        if (bytes === null) return;
        const publics: JsonObject = { ...shown };
        const first =
          shown.outcome !== said.outcome
            ? "outcome"
            : shown.digest !== digest
              ? "digest"
              : shown.gate !== gate
                ? "gate"
                : null;
        const because = contradictionByBytes(shownBy("action.evaluated", publics), bytes);
        assert.equal(because, first === null ? null : `the header shows another \`${first}\` than the payload`);
        const same = { outcome: said.outcome ?? "none", digest, gate };
        const expected = said.outcome === undefined ? "the header shows another `outcome` than the payload" : null;
        assert.equal(contradictionByBytes(shownBy("action.evaluated", same), bytes), expected);
      },
    ),
    { numRuns: 2000 },
  );
});

test("a decoy deeper in the payload, or in a string, is not taken for the member", () => {
  const publics = { outcome: "allow", digest: "sha256:1", gate: "sdk" };
  const honest = { agent: "a", decision: { outcome: "allow" }, digest: "sha256:1", gate: "sdk" };
  const decoy = { decision: { outcome: "allow" }, digest: "sha256:1", gate: "sdk" };
  const said = (payload: JsonObject): string | null =>
    contradictionByBytes(shownBy("action.evaluated", publics), canonicalBytes(payload));
  assert.equal(said(honest), null);
  for (const classification of [decoy, [decoy], { x: [decoy] }, JSON.stringify(decoy), `,${JSON.stringify(decoy)}`]) {
    assert.equal(said({ ...honest, classification }), null);
    assert.match(said({ ...honest, classification, decision: { outcome: "deny" } }) ?? "", /`outcome`/);
    assert.match(said({ ...honest, classification, digest: "sha256:2" }) ?? "", /`digest`/);
    assert.match(said({ ...honest, classification, gate: "exec" }) ?? "", /`gate`/);
    assert.match(said({ classification, digest: "sha256:1", gate: "sdk" }) ?? "", /`outcome`/);
  }
  const completed = (payload: JsonObject): string | null =>
    contradictionByBytes(shownBy("action.completed", { status: "failed" }), canonicalBytes(payload));
  assert.equal(completed({ outcome: { at: 1, details: { status: "succeeded" }, status: "failed" } }), null);
  assert.match(completed({ outcome: { details: { status: "failed" }, status: "succeeded" } }) ?? "", /`status`/);
  assert.match(completed({ details: { outcome: { status: "failed" } } }) ?? "", /`status`/);
});

test("bytes that are no JSON are walked over without fault, and never for ever", () => {
  const any = fc.uint8Array({ maxLength: 200 });
  const near = fc
    .array(fc.constantFrom('"', "{", "}", "[", "]", ",", ":", "\\", '"decision":', '"outcome":', '"digest":', "a"))
    .map((parts) => new TextEncoder().encode(parts.join("")));
  fc.assert(
    fc.property(fc.oneof(any, near), fc.constantFrom("action.evaluated", "action.completed"), (bytes, type) => {
      contradictionByBytes(shownBy(type, { outcome: "allow", digest: "d", gate: "g", status: "s" }), bytes);
    }),
    { numRuns: 5000 },
  );
});

test("law: a payload is read as core's canonical form reads it, and nothing else is", () => {
  fc.assert(
    fc.property(json, (value) => {
      const bytes = written(value);
      if (bytes !== null) assert.deepEqual(canonicalBytes(readPayload(bytes)), bytes);
    }),
  );
  const odd = [
    "",
    "{",
    '{"a":1,"a":2}',
    '{"a": 1}',
    '{"a":1}\n',
    '{"__proto__":{}}',
    '{"a":1.0}',
    '{"a":-0}',
    '{"a":"\\u0061"}',
  ];
  const more = [
    '{"a":"\\u0000"}',
    '{"a":"\\ud800"}',
    '{"a":01}',
    "\ufeff{}",
    "{}{}",
    '{"a":9007199254740993}',
    "[".repeat(100_000),
  ];
  for (const one of [...odd, ...more]) {
    assert.throws(() => readPayload(new TextEncoder().encode(one)), { name: "ShapeError" }, one.slice(0, 40));
  }
  assert.throws(() => readPayload(Uint8Array.of(0x22, 0xff, 0x22)), { name: "ShapeError" });
});

test("law: a commitment is to one payload and one salt", () => {
  const salt = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40_000 }), salt, fc.nat(), (payload, grain, at) => {
      const header = new TextEncoder().encode(`{"commitment":"${commitPayload(payload, grain)}","public":{}`);
      const binding = (payload: Uint8Array | null, salt: Uint8Array | null): string =>
        bindingOf({ header, payload, salt });
      assert.equal(binding(payload, grain), "bound");
      const other = Uint8Array.from(grain);
      other[at % 32] = (other[at % 32] ?? 0) ^ 1;
      assert.equal(binding(payload, other), "broken");
      assert.equal(binding(Uint8Array.of(...payload, 0), grain), "broken");
      assert.equal(binding(Uint8Array.of(...grain, ...payload), new Uint8Array(0)), "broken");
      assert.deepEqual(
        [binding(null, null), binding(payload, null), binding(null, grain)],
        ["erased", "halved", "halved"],
      );
    }),
    { numRuns: 50 },
  );
});
