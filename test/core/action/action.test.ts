import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  NAME_CHARS_MAX,
  REASON_BYTES_MAX,
  canonicalAction,
  parseQuestion,
  questionInOrder,
} from "../../../src/core/action/index.ts";
import type { Json, JsonObject } from "../../../src/core/action/index.ts";

type Vectors = { actions: { name: string; question: JsonObject; canonical: string; digest: string }[] };
const vectors = JSON.parse(
  readFileSync(new URL("../../../spec/vectors/canonical.json", import.meta.url), "utf8"),
) as Vectors;

const minimal: JsonObject = {
  subject: { type: "agent", id: "bot" },
  action: { name: "read" },
  resource: { type: "db", id: "crm" },
};
const withContext = (context: Json): JsonObject => ({ ...minimal, context });

test("canonical actions and digests are those of the vectors", () => {
  for (const { name, question, canonical, digest } of vectors.actions) {
    const action = canonicalAction(parseQuestion(question));
    assert.equal(action.text, canonical, name);
    assert.equal(action.digest, digest, name);
    assert.deepEqual(canonicalAction(questionInOrder(parseQuestion(question))), action, name);
  }
});

test("a question is refused with the pointer of the member", () => {
  const long = "n".repeat(NAME_CHARS_MAX + 1);
  const subject = { type: "agent", id: "bot" };
  const refused: [Json, string][] = [
    [null, ""],
    [[], ""],
    ["question", ""],
    [{ ...minimal, subject: null }, "/subject"],
    [{ action: { name: "a" }, resource: { type: "t", id: "i" } }, "/subject"],
    [{ ...minimal, subject: { id: "bot" } }, "/subject/type"],
    [{ ...minimal, subject: { ...subject, id: 7 } }, "/subject/id"],
    [{ ...minimal, subject: { ...subject, id: "" } }, "/subject/id"],
    [{ ...minimal, subject: { ...subject, id: long } }, "/subject/id"],
    [{ ...minimal, subject: { ...subject, id: "a\nb" } }, "/subject/id"],
    [{ ...minimal, subject: { ...subject, id: "a\u009bb" } }, "/subject/id"],
    [{ ...minimal, subject: { ...subject, properties: [] } }, "/subject/properties"],
    [{ ...minimal, subject: { ...subject, properties: null } }, "/subject/properties"],
    [{ ...minimal, subject: { ...subject, "x/y": 1 } }, "/subject/x~1y"],
    [{ ...minimal, action: "read" }, "/action"],
    [{ ...minimal, action: {} }, "/action/name"],
    [{ ...minimal, action: { name: "read", parameters: { all: true } } }, "/action/parameters"],
    [{ ...minimal, action: { name: "read", properties: "all" } }, "/action/properties"],
    [{ ...minimal, resource: { type: "db" } }, "/resource/id"],
    [{ ...minimal, resource: { type: "db", id: "crm", url: "x" } }, "/resource/url"],
    [withContext(null), "/context"],
    [withContext("production"), "/context"],
    [withContext({ environment: "" }), "/context/environment"],
    [withContext({ environment: null }), "/context/environment"],
    [withContext({ reason: ["because"] }), "/context/reason"],
    [withContext({ reason: "é".repeat(REASON_BYTES_MAX / 2) + "!" }), "/context/reason"],
    [withContext({ session: 1 }), "/context/session"],
    [withContext({ approval: "apr_x" }), "/context/approval"],
    [withContext({ approval: {} }), "/context/approval/id"],
    [withContext({ declared: [] }), "/context/declared"],
    [withContext({ declared: { effect: ["read"] } }), "/context/declared/effect"],
    [withContext({ declared: { effects: "read" } }), "/context/declared/effects"],
    [withContext({ declared: { effects: ["read", 7] } }), "/context/declared/effects/1"],
    [withContext({ declared: { effects: Array.from({ length: 33 }, () => "read") } }), "/context/declared/effects"],
    [withContext({ declared: { facts: ["rows"] } }), "/context/declared/facts"],
    [withContext({ declared: { facts: { rows: null } } }), "/context/declared/facts/rows"],
    [withContext({ declared: { facts: { rows: { n: 1 } } } }), "/context/declared/facts/rows"],
    [withContext({ declared: { facts: { tags: ["a", 1] } } }), "/context/declared/facts/tags"],
    [withContext({ declared: { facts: { "": 1 } } }), "/context/declared/facts/"],
    [
      withContext({ declared: { facts: Object.fromEntries(Array.from({ length: 257 }, (_, n) => [`f${n}`, n])) } }),
      "/context/declared/facts",
    ],
  ];
  for (const [json, pointer] of refused) {
    assert.throws(
      () => parseQuestion(json),
      { name: "InputError", code: "question_invalid", pointer },
      JSON.stringify(json).slice(0, 90),
    );
  }
});

test("a batch's questions are refused with their place in the batch", () => {
  assert.throws(() => parseQuestion({ ...minimal, action: 1 }, "/evaluations/3"), { pointer: "/evaluations/3/action" });
});

test("what AuthZEN says to ignore is ignored, and what is at the limit is accepted", () => {
  const name = "n".repeat(NAME_CHARS_MAX);
  const context = {
    environment: name,
    reason: "é".repeat(REASON_BYTES_MAX / 2),
    declared: { effects: ["read"], facts: { rows: 1, ratio: 0.5, personal: true, tags: ["a"], table: "t" } },
    approval: { id: "apr_x", state: "opaque" },
    session: "s",
    anything: { else: 1 },
  };
  const question = parseQuestion({ ...minimal, context, options: 1, toString: 2 });
  const { anything: _, approval: __, ...kept } = context;
  assert.deepEqual(question, { ...minimal, context: { ...kept, approval: { id: "apr_x" } } });
  assert.deepEqual(parseQuestion(minimal), { ...minimal, context: {} });
});

test("inherited members are not members", () => {
  assert.throws(
    () => parseQuestion({ ...minimal, subject: Object.create({ type: "agent", id: "bot" }) as JsonObject }),
    { pointer: "/subject/type" },
  );
});

test("shown.differs: every change inside the action changes the digest, none outside does", () => {
  const base = withContext({ environment: "production" });
  const digestOf = (json: Json): string => canonicalAction(parseQuestion(json)).digest;
  const expected = digestOf(base);
  const inside: JsonObject[] = [
    minimal,
    withContext({ environment: "Production" }),
    { ...base, subject: { type: "agent", id: "bot " } },
    { ...base, subject: { type: "agent", id: "bot", properties: {} } },
    { ...base, action: { name: "read", properties: { limit: 1 } } },
    { ...base, action: { name: "reаd" } }, // a Cyrillic а
    { ...base, resource: { type: "db", id: "CRM" } },
  ];
  assert.equal(new Set([expected, ...inside.map(digestOf)]).size, inside.length + 1);
  const outside: JsonObject[] = [
    withContext({ environment: "production", reason: "please", session: "s", approval: { id: "a" }, trace: "t" }),
    withContext({ environment: "production", declared: { effects: ["delete"] } }),
    { ...base, id: "request-7" },
  ];
  for (const json of outside) assert.equal(digestOf(json), expected);
});
