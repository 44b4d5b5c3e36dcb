import assert from "node:assert/strict";
import { test } from "node:test";
import type { EvaluationId, GateId, Instant } from "../../../src/core/brand.ts";
import {
  attach,
  cancel,
  covers,
  expire,
  outlook,
  recheck,
  review,
  suffices,
} from "../../../src/core/approval/index.ts";
import type {
  Events,
  Refusal,
  RefusalCode,
  RequestEvent,
  RequestState,
  Verdict,
} from "../../../src/core/approval/index.ts";
import { approvalOf, permitOf } from "../../../src/core/ids.ts";
import type { Assurance, Decision } from "../../../src/core/policy/index.ts";
import type { RiskLevel } from "../../../src/core/risk/index.ts";
import {
  after,
  agentOf,
  bar,
  delegation,
  EVALUATION,
  heldFor,
  later,
  MINUTE,
  recorded,
  REQUEST,
  reviewer,
  riskOf,
  rosterOf,
  stateAfter,
  T0,
  termsOf,
  who,
  type Vary,
} from "./fixtures.ts";

const people = { ann: {}, bob: {}, cy: {}, dee: {} };
const groups = { owners: ["ann", "bob", "cy"], security: ["ann", "cy"] };
const roster = rosterOf(people, groups);
const SOON = later(MINUTE);

const approved: RequestEvent = {
  type: "request.approved",
  approval: approvalOf(REQUEST),
  by: [who("ann")],
  approvedUntil: later(30 * MINUTE),
};
const issued: RequestEvent = {
  type: "permit.issued",
  permit: permitOf(REQUEST),
  gate: "sdk" as GateId,
  expiresAt: later(20 * MINUTE),
};
const redeemed: RequestEvent = {
  type: "permit.redeemed",
  permit: permitOf(REQUEST),
  gate: "sdk" as GateId,
  attempt: "attempt-1",
};

/** One request in each way that one can stand. */
const STATES: Readonly<Record<string, RequestState>> = {
  pending: stateAfter({}),
  approved: stateAfter({}, recorded("ann"), approved),
  issued: stateAfter({}, recorded("ann"), approved, issued),
  redeemed: stateAfter({}, recorded("ann"), approved, issued, redeemed),
  unused: stateAfter({}, recorded("ann"), approved, { type: "permit.expired" }),
  denied: stateAfter({}, recorded("bob", "deny"), { type: "request.denied", by: who("bob") }),
  expired: stateAfter({}, { type: "request.expired" }),
  cancelled: stateAfter({}, { type: "request.cancelled", by: "bot" }),
  failed: stateAfter({}, { type: "request.failed", because: "policy" }),
};

function told(answer: Events | Refusal): RefusalCode | readonly string[] {
  return "refused" in answer ? answer.refused : answer.map(({ type }) => type);
}

function act(
  state: RequestState,
  person: string,
  verdict: Verdict,
  at: Instant = SOON,
  digest: string = state.opened.digest,
): Events | Refusal {
  const account = { issuer: "keyturn", subject: person };
  return review(
    state,
    {
      reviewer: reviewer(person),
      account,
      verdict,
      digest,
      reason: "because",
      channel: "console",
      nonce: "nonce-1",
      at,
    },
    roster,
  );
}

test("review: by status and time", () => {
  const closed = ["approved", "issued", "redeemed", "unused", "denied", "cancelled", "failed"];
  for (const name of closed) {
    for (const verdict of ["approve", "deny"] as const)
      assert.equal(told(act(stand(name), "bob", verdict)), "request_closed", name);
  }
  assert.equal(told(act(stand("expired"), "bob", "approve")), "request_expired");
  const { pending } = STATES;
  assert.ok(pending !== undefined);
  const end = pending.opened.expiresAt;
  assert.deepEqual(told(act(pending, "bob", "approve", (end - 1) as Instant)), ["review.recorded", "request.approved"]);
  assert.equal(told(act(pending, "bob", "approve", end)), "request_expired");
  assert.equal(told(act(pending, "bob", "deny", end)), "request_expired");
  assert.equal(told(act(pending, "bob", "approve", SOON, `sha256:${"1".repeat(64)}`)), "digest_changed");
  assert.equal(told(act(pending, "bob", "deny", SOON, "")), "digest_changed");
});

function stand(name: string): RequestState {
  const state = STATES[name];
  if (state === undefined) throw new Error(name);
  return state;
}

test("review: what one more review makes of a request", () => {
  const two: Vary = { terms: termsOf(["owners", 2]) };
  const both: Vary = { terms: termsOf(["owners", 1], ["security", 1]) };
  const rows: readonly (readonly [
    what: string,
    state: RequestState,
    who: string,
    verdict: Verdict,
    told: RefusalCode | readonly string[],
  ])[] = [
    ["one of one", stateAfter({}), "ann", "approve", ["review.recorded", "request.approved"]],
    ["one of two", stateAfter(two), "ann", "approve", ["review.recorded"]],
    ["two of two", stateAfter(two, recorded("bob")), "ann", "approve", ["review.recorded", "request.approved"]],
    ["the same person again", stateAfter(two, recorded("ann")), "ann", "approve", "already_reviewed"],
    ["one denial ends it", stateAfter(two, recorded("bob")), "ann", "deny", ["review.recorded", "request.denied"]],
    [
      "a change of mind ends it",
      stateAfter(two, recorded("ann")),
      "ann",
      "deny",
      ["review.recorded", "request.denied"],
    ],
    ["a barred person approves", stateAfter({ barred: [bar("ann")] }), "ann", "approve", "person_barred"],
    [
      "a barred person denies",
      stateAfter({ barred: [bar("ann")] }),
      "ann",
      "deny",
      ["review.recorded", "request.denied"],
    ],
    ["both groups, one place", stateAfter(both), "ann", "approve", ["review.recorded"]],
    [
      "the other place",
      stateAfter(both, recorded("ann", "approve", ["owners", "security"])),
      "bob",
      "approve",
      ["review.recorded", "request.approved"],
    ],
    [
      "an approval of somebody barred since does not count",
      stateAfter({ ...two, barred: [bar("ann")] }, recorded("ann")),
      "bob",
      "approve",
      ["review.recorded"],
    ],
    ["nobody of the groups", stateAfter({}), "dee", "deny", "not_in_group"],
  ];
  for (const [what, state, person, verdict, expected] of rows)
    assert.deepEqual(told(act(state, person, verdict)), expected, what);
});

test("review: what is recorded is who, where, with what evidence and in which groups", () => {
  const events = act(stateAfter({ terms: termsOf(["owners", 1], ["security", 1]) }), "ann", "approve");
  assert.deepEqual(events, [
    {
      type: "review.recorded",
      review: {
        person: "ann",
        verdict: "approve",
        at: SOON,
        groups: ["owners", "security"],
        assurance: "A1",
        channel: "console",
        account: { issuer: "keyturn", subject: "ann" },
        reason: "because",
        nonce: "nonce-1",
      },
    },
  ]);
  const [, last] = act(stateAfter({}), "ann", "approve") as Events;
  assert.deepEqual(last, {
    type: "request.approved",
    approval: approvalOf(REQUEST),
    by: ["ann"],
    approvedUntil: later(31 * MINUTE),
  });
});

test("review: whoever came to stand behind the action since it was opened is barred as well", () => {
  const later_ = [agentOf(["bob"])];
  const rows: readonly (readonly [what: string, today: typeof roster, person: string])[] = [
    ["a new owner", rosterOf(people, groups, later_), "bob"],
    ["a new deployer", rosterOf(people, groups, [agentOf([], ["bob"])]), "bob"],
    [
      "a new delegate of the barred",
      rosterOf(people, groups, [], [delegation("dee", "bob", later(2 * MINUTE))]),
      "bob",
    ],
  ];
  const state = stateAfter({ barred: [bar("dee")] });
  for (const [what, today, person] of rows) {
    const command = {
      reviewer: reviewer(person),
      account: { issuer: "keyturn", subject: person },
      digest: state.opened.digest,
      reason: null,
      channel: "t",
      nonce: "nonce-1",
      at: SOON,
    };
    assert.equal(told(review(state, { ...command, verdict: "approve" }, today)), "person_barred", what);
    assert.equal(outlook(state, reviewer(person), today, SOON).canApprove, false, what);
    const [voided] = recheck(after(state, [recorded(person)], SOON), today, SOON);
    assert.ok(voided?.type === "review.voided" && voided.refusal.refused === "person_barred", what);
  }
});

test("cancel and expire: by status and time", () => {
  const rows: readonly (readonly [
    name: string,
    cancelled: RefusalCode | readonly string[],
    expiredLate: readonly string[],
  ])[] = [
    ["pending", ["request.cancelled"], ["request.expired"]],
    ["approved", "request_closed", ["permit.expired"]],
    ["issued", "request_closed", ["permit.expired"]],
    ["redeemed", "request_closed", []],
    ["unused", "request_closed", []],
    ["denied", "request_closed", []],
    ["expired", "request_expired", []],
    ["cancelled", "request_closed", []],
    ["failed", "request_closed", []],
  ];
  for (const [name, cancelled, expiredLate] of rows) {
    assert.deepEqual(told(cancel(stand(name), "bot", SOON)), cancelled, name);
    assert.deepEqual(told(expire(stand(name), SOON)), [], `${name} in time`);
    assert.deepEqual(told(expire(stand(name), later(60 * MINUTE))), expiredLate, `${name} late`);
  }
  assert.equal(told(cancel(stand("pending"), "bot", later(10 * MINUTE))), "request_expired");
  assert.deepEqual(told(expire(stand("pending"), later(10 * MINUTE))), ["request.expired"]);
  assert.deepEqual(told(expire(stand("approved"), later(30 * MINUTE - 1))), []);
  assert.deepEqual(told(expire(stand("approved"), later(30 * MINUTE))), ["permit.expired"]);
});

test("attach: bars who is new, voids what they said, raises the terms, and takes nothing away", () => {
  const attempt = {
    evaluation: EVALUATION as EvaluationId,
    gate: "other" as GateId,
    barred: [bar("ann")],
    raise: false,
    reason: "again",
  };
  const state = stateAfter({ barred: [bar("cy")] }, recorded("ann"), approved, issued);
  const events = attach(state, { ...attempt, barred: [bar("ann"), bar("cy")] });
  assert.deepEqual(told(events), ["request.attached", "review.voided"]);
  const joined = after(state, events, SOON);
  assert.deepEqual(
    joined.barred.map(({ person }) => person),
    ["cy", "ann"],
  );
  assert.equal(joined.progress.status, "pending");
  assert.deepEqual(joined.reviews, []);
  assert.deepEqual(told(attach(joined, attempt)), ["request.attached"]);
  assert.equal(after(joined, attach(joined, attempt), SOON).barred.length, 2);

  const raised = after(stateAfter({}), attach(stateAfter({}), { ...attempt, barred: [], raise: true }), SOON);
  assert.deepEqual(raised.terms, termsOf(["owners", 2]));
  assert.deepEqual(after(raised, attach(raised, { ...attempt, barred: [] }), SOON).terms, termsOf(["owners", 2]));
  const denied = stateAfter({}, recorded("ann", "deny"));
  assert.deepEqual(told(attach(denied, attempt)), ["request.attached"], "a denial of somebody barred is none to void");
});

test("recheck: what happened to the people since", () => {
  const state = stateAfter(
    { terms: termsOf(["owners", 1], ["security", 1]) },
    recorded("ann", "approve", ["owners", "security"]),
    recorded("bob"),
  );
  const rows: readonly (readonly [what: string, today: typeof roster, voided: readonly string[]])[] = [
    ["nothing", roster, []],
    ["one is deactivated", rosterOf({ ...people, ann: { active: false } }, groups), ["ann:person_inactive"]],
    ["one has left the directory", rosterOf({ ann: {} }, groups), ["bob:person_unknown"]],
    ["one has left the group", rosterOf(people, { ...groups, owners: ["ann"] }), ["bob:not_in_group"]],
    ["one has left one of two groups", rosterOf(people, { ...groups, security: [] }), ["ann:not_in_group"]],
    ["a group is gone", rosterOf(people, {}), ["ann:not_in_group", "bob:not_in_group"]],
    [
      "left and joined again",
      rosterOf(people, { owners: ["ann", "+bob"], security: ["ann"] }),
      ["bob:member_too_late"],
    ],
  ];
  for (const [what, today, voided] of rows) {
    const events = recheck(state, today, SOON);
    assert.deepEqual(
      events.map((event) => (event.type === "review.voided" ? `${event.person}:${event.refusal.refused}` : event.type)),
      voided,
      what,
    );
  }
  assert.deepEqual(
    recheck(stateAfter({ barred: [bar("ann")] }, recorded("ann", "deny")), rosterOf({}), SOON),
    [],
    "denials stay",
  );
});

const NEVER: Decision = { outcome: "deny", code: "forbidden", because: "no more", policies: [] };
const ALLOW: Decision = { outcome: "allow", policies: [] };

test("covers and suffices: an approval lifts what it meets and nothing else", () => {
  const state = stateAfter({}, recorded("ann", "approve", ["owners"]), approved);
  const rows: readonly (readonly [
    what: string,
    decision: Decision,
    level: RiskLevel,
    refused: RefusalCode | null,
    suffices: boolean,
  ])[] = [
    ["the same", heldFor(termsOf(["owners", 1])), "high", null, true],
    ["allowed by now", ALLOW, "high", null, true],
    ["forbidden by now", NEVER, "high", "policy_denied", false],
    ["more people", heldFor(termsOf(["owners", 2])), "high", "terms_not_met", false],
    ["another group", heldFor(termsOf(["security", 1])), "high", "terms_not_met", false],
    ["one more group", heldFor(termsOf(["owners", 1], ["security", 1])), "high", "terms_not_met", false],
    ["stronger evidence", heldFor(termsOf(["owners", 1]), "A2"), "high", "assurance_too_low", false],
    ["weaker evidence", heldFor(termsOf(["owners", 1]), "A0"), "high", null, true],
    ["lower risk", heldFor(termsOf(["owners", 1])), "low", null, true],
    ["higher risk", heldFor(termsOf(["owners", 1])), "critical", "risk_rose", false],
  ];
  for (const [what, decision, level, refused, enough] of rows) {
    assert.equal(covers(state, decision, riskOf(level))?.refused ?? null, refused, what);
    assert.equal(suffices(stateAfter({}), decision, riskOf(level)), enough, what);
  }
});

test("covers: policy that got milder does not lower what this request asked for", () => {
  const one = heldFor(termsOf(["owners", 1]));
  const half = stateAfter({ terms: termsOf(["owners", 2]) }, recorded("ann"));
  assert.equal(covers(half, one, riskOf("high"))?.refused, "approval_voided");
  assert.equal(covers(half, ALLOW, riskOf("high"))?.refused, "approval_voided");
  const barred = stateAfter({ barred: [bar("ann")] }, recorded("ann"));
  assert.equal(covers(barred, one, riskOf("high"))?.refused, "approval_voided");
  const weak: Assurance = "A0";
  const lone = stateAfter({}, recorded("ann", "approve", ["owners"], weak));
  assert.equal(covers(lone, one, riskOf("high"))?.refused, "assurance_too_low");
});

test("outlook: what a person is told before the click is what the click does", () => {
  const rows: readonly (readonly [
    state: string,
    person: string,
    approve: boolean,
    deny: boolean,
    refusal: RefusalCode | null,
  ])[] = [
    ["pending", "ann", true, true, null],
    ["pending", "dee", false, false, "not_in_group"],
    ["denied", "ann", false, false, "request_closed"],
    ["expired", "ann", false, false, "request_expired"],
  ];
  for (const [name, person, canApprove, canDeny, refusal] of rows) {
    const seen = outlook(stand(name), reviewer(person), roster, SOON);
    assert.deepEqual(
      [seen.canApprove, seen.canDeny, seen.refusal?.refused ?? null],
      [canApprove, canDeny, refusal],
      `${name} ${person}`,
    );
  }
  const own = outlook(stateAfter({ barred: [bar("ann")] }), reviewer("ann"), roster, SOON);
  assert.deepEqual([own.canApprove, own.canDeny, own.refusal?.refused], [false, true, "person_barred"]);
  const late = outlook(stand("pending"), reviewer("ann"), roster, (T0 + 10 * MINUTE) as Instant);
  assert.equal(late.refusal?.refused, "request_expired");
});
