import assert from "node:assert/strict";
import { test } from "node:test";
import { eligibility, isFirm } from "../../../src/core/approval/index.ts";
import type { Ask, LinkStrength, RefusalCode, Verdict } from "../../../src/core/approval/index.ts";
import type { Assurance } from "../../../src/core/policy/index.ts";
import { bar, reviewer, rosterOf, T0, termsOf } from "./fixtures.ts";

const roster = rosterOf(
  { ann: {}, bob: {}, cy: {}, out: {}, gone: { active: false }, new: {}, half: {} },
  { owners: ["ann", "cy", "gone", "+new", "+half"], security: ["bob", "ann", "half"], unrelated: ["out"] },
);
const ask: Ask = { terms: termsOf(["owners", 1], ["security", 1]), barred: [bar("cy")], assurance: "A1", openedAt: T0 };

type Expected = RefusalCode | readonly string[];

test("the rules of eligibility, one by one", () => {
  const rows: readonly (readonly [
    who: string,
    verdict: Verdict,
    assurance: Assurance,
    link: LinkStrength,
    expected: Expected,
  ])[] = [
    ["ann", "approve", "A1", "L3", ["owners", "security"]],
    ["ann", "deny", "A1", "L3", ["owners", "security"]],
    ["bob", "approve", "A1", "L3", ["security"]],
    ["bob", "approve", "A4", "L4", ["security"]],
    ["nobody", "approve", "A1", "L3", "person_unknown"],
    ["nobody", "deny", "A1", "L3", "person_unknown"],
    ["gone", "approve", "A1", "L3", "person_inactive"],
    ["gone", "deny", "A1", "L3", "person_inactive"],
    ["ann", "approve", "A1", "L2", "link_too_weak"],
    ["ann", "approve", "A1", "L1", "link_too_weak"],
    ["ann", "deny", "A1", "L0", "link_too_weak"],
    ["cy", "approve", "A1", "L3", "person_barred"],
    ["cy", "approve", "A4", "L4", "person_barred"],
    ["cy", "deny", "A1", "L3", ["owners"]], // stopping one's own action harms nobody
    ["ann", "approve", "A0", "L3", "assurance_too_low"],
    ["ann", "deny", "A0", "L3", ["owners", "security"]],
    ["out", "approve", "A1", "L3", "not_in_group"],
    ["out", "deny", "A1", "L3", "not_in_group"],
    ["new", "approve", "A1", "L3", "member_too_late"],
    ["new", "deny", "A1", "L3", "member_too_late"],
    ["half", "approve", "A1", "L3", ["security"]], // late in one group, in time in the other
  ];
  for (const [who, verdict, assurance, link, expected] of rows) {
    const answer = eligibility(ask, reviewer(who, assurance, link), verdict, roster);
    const got = "refused" in answer ? answer.refused : answer.groups;
    assert.deepEqual(got, expected, `${who} ${verdict} ${assurance} ${link}`);
  }
  assert.deepEqual((["L0", "L1", "L2", "L3", "L4"] as const).filter(isFirm), ["L3", "L4"]);
});

test("who joined in the very moment of the opening was there before it", () => {
  const groups = new Map(
    [...roster.groups].map(([group, members]) => [group, members.map((m) => ({ ...m, since: T0 }))]),
  );
  assert.deepEqual(eligibility(ask, reviewer("bob"), "approve", { ...roster, groups }), { groups: ["security"] });
});

test("a refusal says why in one sentence, with the relation that bars", () => {
  const answer = eligibility(ask, reviewer("cy"), "approve", roster);
  assert.deepEqual(answer, {
    refused: "person_barred",
    because: "You stand behind this action and cannot approve it: you own the agent (by the test).",
  });
});
