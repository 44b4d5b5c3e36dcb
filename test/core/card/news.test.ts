import assert from "node:assert/strict";
import { test } from "node:test";
import type { RequestEvent } from "../../../src/core/approval/index.ts";
import { cardOf, isEnd, newsLines } from "../../../src/core/card/index.ts";
import type { Instant } from "../../../src/core/brand.ts";
import { NAMES, reviewOf, stateOf, T0 } from "./fixture.ts";

type Change = RequestEvent["type"];
const ASKED = { name: "table.drop", resource: ["table", "orders"] as const };
const card = cardOf(stateOf(ASKED, reviewOf("ann", "fine"), reviewOf("bob")), NAMES, (T0 + 5000) as Instant);

test("the thread names each review that is told, and only those", () => {
  const said = (changes: readonly Change[]): readonly string[] => newsLines(card, changes).map((one) => one.said);
  const both = said(["request.opened", "review.recorded", "review.recorded"]);
  assert.equal(both.length, 2);
  assert.match(both[0] ?? "", /^ANN Surname approved\. So far /);
  assert.match(both[1] ?? "", /^BOB Surname approved\. So far /);
  assert.match(said(["review.recorded"]).join(), /^BOB /, "the newest is the news");
  assert.deepEqual(
    newsLines(card, ["review.recorded", "review.recorded"]).map(({ reason }) => reason?.text ?? null),
    ["fine", null],
  );
  assert.deepEqual(said(["request.opened", "permit.issued"]), []);
});

test("who waits for the end hears of ends alone", () => {
  const rows: readonly (readonly [Change, boolean])[] = [
    ["request.opened", false],
    ["review.recorded", false],
    ["review.voided", false],
    ["permit.issued", false],
    ["permit.redeemed", false],
    ["request.approved", true],
    ["request.denied", true],
    ["request.expired", true],
    ["request.cancelled", true],
    ["permit.expired", true],
    ["action.completed", true],
  ];
  for (const [change, expected] of rows) assert.equal(isEnd([change]), expected, change);
});
