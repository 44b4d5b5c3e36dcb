import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { JsonObject } from "../../src/core/action/index.ts";
import { codeOf } from "../support/flow.ts";
import { House } from "../support/house.ts";

let house: House;
before(async () => {
  house = await House.open();
});
after(() => house[Symbol.asyncDispose]());

const good: JsonObject = {
  resource: { type: "table", id: "t" },
  facts: { rows: 5 },
  valid_for: "15m",
  source: "statistics",
};

const refused: readonly (readonly [what: string, body: JsonObject, pointer: string])[] = [
  ["no facts", { ...good, facts: {} }, "/facts"],
  ["too many", { ...good, facts: Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`f${n}`, n])) }, "/facts"],
  ["a name that is none", { ...good, facts: { "Rows!": 5 } }, "/facts/Rows!"],
  ["rows as a text", { ...good, facts: { rows: "5" } }, "/facts/rows"],
  ["rows below zero", { ...good, facts: { rows: -1 } }, "/facts/rows"],
  ["half a row", { ...good, facts: { rows: 0.5 } }, "/facts/rows"],
  ["an object", { ...good, facts: { x: { y: 1 } } }, "/facts/x"],
  ["a list of numbers", { ...good, facts: { x: [1] } }, "/facts/x"],
  ["a long text", { ...good, facts: { x: "x".repeat(1_025) } }, "/facts/x"],
  ["no end", { ...good, valid_for: "0m" }, "/valid_for"],
  ["too long", { ...good, valid_for: "31d" }, "/valid_for"],
  ["a time that is none", { ...good, valid_for: "soon" }, "/valid_for"],
  ["nothing that it is about", { facts: { rows: 5 }, valid_for: "15m", source: "s" }, "/resource"],
  ["two things", { ...good, digest: `sha256:${"0".repeat(64)}` }, "/resource"],
  ["a digest that is none", { facts: { rows: 5 }, valid_for: "15m", source: "s", digest: "x" }, "/digest"],
  ["no source", { ...good, source: "" }, "/source"],
  ["something else", { ...good, because: "x" }, "/because"],
];

for (const [what, body, pointer] of refused) {
  test(`POST /v1/facts refuses: ${what}`, async () => {
    const size = await house.size();
    const answer = await house.operator.post("/v1/facts", body);
    assert.deepEqual([answer.status, codeOf(answer), answer.body["pointer"]], [400, "question_invalid", pointer]);
    assert.equal(await house.size(), size, "nothing was recorded");
  });
}

test("facts are the operator's to state, with an entry that says what and who", async () => {
  const size = await house.size();
  assert.equal((await (await house.gate()).post("/v1/facts", good)).status, 403);
  assert.equal((await (await house.person("ann")).post("/v1/facts", good)).status, 403);
  const stated = await house.operator.post("/v1/facts", good);
  assert.deepEqual([stated.status, stated.body["resolved"]], [200, []]);
  const entry = (await house.entries(size)).find(({ type }) => type === "facts.stated");
  const { until: _until, ...payload } = (entry?.payload ?? {}) as JsonObject;
  assert.deepEqual(payload, {
    about: { resource: { type: "table", id: "t" } },
    facts: [{ name: "rows", value: 5 }],
    source: "statistics",
  });
  assert.deepEqual(entry?.publics, { facts: 1 });
});

test("a wait that nobody knows is not found, and its id has a form", async () => {
  const gate = await house.gate();
  const unknown = await gate.get(`/v1/deferrals/dfr_${"0".repeat(26)}`);
  assert.deepEqual([unknown.status, codeOf(unknown)], [404, "deferral_unknown"]);
  assert.equal((await gate.get("/v1/deferrals/dfr_1")).status, 400);
  assert.equal((await house.operator.get(`/v1/deferrals/dfr_${"0".repeat(26)}`)).status, 403);
});
