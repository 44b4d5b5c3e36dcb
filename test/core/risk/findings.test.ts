import assert from "node:assert/strict";
import { test } from "node:test";
import { openFindings, quoted } from "../../../src/core/risk/index.ts";

test("nothing found is opaque, because nothing was proven", () => {
  const { effects, opaque } = openFindings().done();
  assert.deepEqual(
    effects.map(({ effect }) => effect),
    ["opaque"],
  );
  assert.equal(opaque.length, 1);
});

test("findings stay: the first reason of each, in the order of gravity, and facts as sorted sets", () => {
  const found = openFindings();
  found.effect("delete", "first");
  found.effect("read", "reads");
  found.effect("delete", "second");
  found.trait("unbounded", "all");
  found.trait("unbounded", "again");
  found.name("hosts", "b");
  found.name("hosts", "a");
  found.name("hosts", "b");
  found.fact("count", 2);
  const { effects, traits, facts, opaque } = found.done();
  assert.deepEqual(
    effects.map(({ effect, because, provenance }) => [effect, because, provenance]),
    [
      ["read", "reads", "parsed"],
      ["delete", "first", "parsed"],
    ],
  );
  assert.deepEqual(traits, [{ id: "unbounded", because: "all" }]);
  assert.deepEqual(
    facts.map(({ name, value }) => [name, value]),
    [
      ["count", 2],
      ["hosts", ["a", "b"]],
    ],
  );
  assert.deepEqual(opaque, []);
});

test("a reason that is not understood brings the effect, and many are cut", () => {
  const found = openFindings();
  found.effect("opaque", "as an effect");
  for (let at = 0; at < 40; at += 1) found.opaque(`reason ${at}`);
  const { effects, opaque } = found.done();
  assert.deepEqual(
    effects.map(({ effect, because }) => [effect, because]),
    [["opaque", "as an effect"]],
  );
  assert.equal(opaque.length, 17);
  assert.equal(opaque.at(-1), "and 25 more reasons.");
});

test("joining takes everything over and loses nothing", () => {
  const inner = openFindings();
  inner.effect("delete", "deletes");
  inner.trait("irreversible", "for good");
  inner.name("hosts", "x");
  inner.fact("irreversible", true);
  inner.opaque("odd");
  const outer = openFindings();
  outer.effect("read", "reads");
  outer.name("hosts", "a");
  outer.join(inner.done());
  const whole = outer.done();
  assert.deepEqual(
    whole.effects.map(({ effect }) => effect),
    ["read", "delete", "opaque"],
  );
  assert.deepEqual(whole.opaque, ["odd"]);
  assert.deepEqual(
    whole.facts.map(({ name, value }) => [name, value]),
    [
      ["hosts", ["a", "x"]],
      ["irreversible", true],
    ],
  );
});

test("names of a fact are at most 64, of at most 256 characters, and well-formed", () => {
  const found = openFindings();
  for (let at = 0; at < 100; at += 1) found.name("n", `${at}`);
  found.fact("t", `${"a".repeat(255)}😀`);
  const [list, text] = found.done().facts;
  assert.ok(Array.isArray(list?.value));
  assert.equal(list.value.length, 64);
  assert.ok(typeof text?.value === "string" && text.value.isWellFormed());
});

test("hostile text is quoted so that it cannot pass for our words", () => {
  assert.equal(quoted("ab"), "`ab`");
  assert.equal(quoted("a`\u202e\n"), "`a\\u{60}\\u{202e}\\u{a}`");
  assert.equal(quoted("x".repeat(90)), `\`${"x".repeat(80)}…\``);
});
