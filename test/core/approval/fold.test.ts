import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { GateId, Instant, PersonId } from "../../../src/core/brand.ts";
import {
  applyEvent,
  attach,
  cancel,
  expire,
  foldRequest,
  isLive,
  isOpen,
  recheck,
  review,
  seatingOf,
  statusAt,
} from "../../../src/core/approval/index.ts";
import type {
  Events,
  Recorded,
  Refusal,
  RequestEvent,
  RequestState,
  Roster,
} from "../../../src/core/approval/index.ts";
import { approvalOf, permitOf } from "../../../src/core/ids.ts";
import {
  bar,
  EVALUATION,
  later,
  MINUTE,
  openedWith,
  recorded,
  REQUEST,
  reviewer,
  rosterOf,
  T0,
  termsOf,
  who,
} from "./fixtures.ts";

const PEOPLE = ["ann", "bob", "cy", "dee"];
const everyone = Object.fromEntries(PEOPLE.map((id) => [id, {}]));

const events: Readonly<Record<string, RequestEvent>> = {
  opened: { type: "request.opened", request: openedWith() },
  attached: {
    type: "request.attached",
    evaluation: EVALUATION,
    gate: "sdk" as GateId,
    barred: [bar("cy")],
    raise: false,
    reason: null,
  },
  recorded: recorded("ann"),
  refused: {
    type: "review.refused",
    person: who("cy"),
    verdict: "approve",
    refusal: { refused: "person_barred", because: "x" },
  },
  voided: { type: "review.voided", person: who("ann"), refusal: { refused: "person_inactive", because: "x" } },
  approved: {
    type: "request.approved",
    approval: approvalOf(REQUEST),
    by: [who("ann")],
    approvedUntil: later(30 * MINUTE),
  },
  denied: { type: "request.denied", by: who("bob") },
  expired: { type: "request.expired" },
  cancelled: { type: "request.cancelled", by: "bot" },
  failed: { type: "request.failed", because: "x" },
  issued: { type: "permit.issued", permit: permitOf(REQUEST), gate: "sdk" as GateId, expiresAt: later(MINUTE) },
  redeemed: { type: "permit.redeemed", permit: permitOf(REQUEST), gate: "sdk" as GateId, attempt: "a" },
  unused: { type: "permit.expired" },
  completed: { type: "action.completed", outcome: { status: "succeeded", at: T0, details: {} } },
};

function fold(...names: readonly string[]): RequestState | null {
  return foldRequest(
    names.map((name, index): Recorded => {
      const event = events[name];
      if (event === undefined) throw new Error(name);
      return { event, at: later(index) };
    }),
  );
}

test("the fold takes every way that there is, and no other", () => {
  const ways: readonly (readonly [way: string, stands: string])[] = [
    ["opened", "pending"],
    ["opened attached refused recorded", "pending"],
    ["opened recorded approved", "approved none"],
    ["opened recorded approved issued issued", "approved issued"],
    ["opened recorded approved issued redeemed", "approved redeemed"],
    ["opened recorded approved issued redeemed refused completed", "approved redeemed"],
    ["opened recorded approved issued unused", "approved expired"],
    ["opened recorded approved unused", "approved expired"],
    ["opened recorded approved issued voided", "pending"],
    ["opened recorded approved voided recorded approved issued redeemed", "approved redeemed"],
    ["opened denied refused", "denied"],
    ["opened expired", "expired"],
    ["opened cancelled", "cancelled"],
    ["opened failed", "failed"],
  ];
  for (const [way, stands] of ways) {
    const state = fold(...way.split(" "));
    const progress = state?.progress;
    assert.equal(
      progress?.status === "approved" ? `approved ${progress.permit.status}` : progress?.status,
      stands,
      way,
    );
    assert.equal(state?.version, way.split(" ").length, way);
  }
  assert.equal(foldRequest([]), null);
});

test("a final status never changes: whatever comes after it is a fault", () => {
  const finals = [
    "opened denied",
    "opened expired",
    "opened cancelled",
    "opened failed",
    "opened recorded approved unused",
    "opened recorded approved issued redeemed completed",
  ];
  for (const way of finals) {
    for (const name of Object.keys(events)) {
      if (name === "refused") continue;
      assert.throws(() => fold(...way.split(" "), name), Error, `${way} + ${name}`);
    }
  }
  const faults = [
    "attached",
    "opened opened",
    "opened issued",
    "opened redeemed",
    "opened unused",
    "opened completed",
    "opened recorded approved completed",
    "opened recorded approved approved",
    "opened recorded approved denied",
    "opened recorded approved cancelled",
    "opened recorded approved expired",
    "opened recorded approved failed",
    "opened recorded approved recorded",
    "opened recorded approved issued redeemed voided",
    "opened recorded approved issued redeemed issued",
    "opened recorded approved issued redeemed redeemed",
    "opened recorded approved issued redeemed unused",
  ];
  for (const way of faults) assert.throws(() => fold(...way.split(" ")), Error, way);
});

type Step =
  | { readonly do: "review"; readonly person: string; readonly verdict: "approve" | "deny" }
  | { readonly do: "attach"; readonly person: string; readonly raise: boolean }
  | { readonly do: "cancel" | "expire" | "recheck" | "issue" | "redeem" }
  | { readonly do: "leave" | "join"; readonly person: string }
  | { readonly do: "pass"; readonly ms: number };

const person = fc.constantFrom(...PEOPLE);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("review" as const),
      person,
      verdict: fc.constantFrom("approve" as const, "approve" as const, "approve" as const, "deny" as const),
    }),
  },
  fc.record({ do: fc.constant("attach" as const), person, raise: fc.boolean() }),
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom("expire" as const, "recheck" as const, "issue" as const, "redeem" as const),
    }),
  },
  fc.record({ do: fc.constantFrom("cancel" as const, "expire" as const, "expire" as const) }),
  fc.record({ do: fc.constantFrom("leave" as const, "join" as const), person }),
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("pass" as const),
      ms: fc.constantFrom(0, 1000, MINUTE, 5 * MINUTE, 31 * MINUTE),
    }),
  },
);

type World = { state: RequestState; now: Instant; members: Set<string>; roster: Roster };

/** What the engine would append for a step: the commands of core decide, nothing else does. */
function decide({ state, now, roster }: World, taken: Step): Events | Refusal {
  switch (taken.do) {
    case "review": {
      const account = { issuer: "keyturn", subject: taken.person };
      return review(
        state,
        {
          reviewer: reviewer(taken.person),
          account,
          verdict: taken.verdict,
          digest: state.opened.digest,
          reason: null,
          channel: "t",
          nonce: "nonce-1",
          at: now,
        },
        roster,
      );
    }
    case "attach":
      return isLive(state, now)
        ? attach(state, {
            evaluation: EVALUATION,
            gate: "sdk" as GateId,
            barred: [bar(taken.person)],
            raise: taken.raise,
            reason: null,
          })
        : [];
    case "cancel":
      return cancel(state, "bot", now);
    case "expire":
      return expire(state, now);
    case "recheck":
      return isLive(state, now) && state.progress.status === "approved" ? recheck(state, roster, now) : [];
    case "issue":
    case "redeem": {
      const usable =
        isLive(state, now) &&
        state.progress.status === "approved" &&
        recheck(state, roster, now).length === 0 &&
        seatingOf(state).complete;
      if (!usable) return [];
      if (taken.do === "issue")
        return [{ type: "permit.issued", permit: permitOf(REQUEST), gate: "sdk" as GateId, expiresAt: now }];
      return [{ type: "permit.redeemed", permit: permitOf(REQUEST), gate: "sdk" as GateId, attempt: "a" }];
    }
    case "leave":
    case "join":
    case "pass":
      return [];
    default:
      return taken satisfies never;
  }
}

function move(world: World, taken: Step): void {
  if (taken.do === "pass") world.now = (world.now + taken.ms) as Instant;
  if (taken.do === "leave") world.members.delete(taken.person);
  if (taken.do === "join") world.members.add(`+${taken.person}`);
  world.roster = rosterOf(everyone, { owners: [...world.members], security: ["ann", "bob"] });
}

/** What must hold of every request at every moment, and between two of them. */
function assertSound(before: RequestState, after: RequestState): void {
  if (!isOpen(before)) assert.deepEqual(after, before, "a final state changed");
  const reviewers = after.reviews.map((one) => one.person);
  assert.equal(new Set(reviewers).size, reviewers.length, "a person counts twice");
  for (const known of before.barred) assert.ok(after.barred.includes(known), "a bar was taken away");
  const places = (state: RequestState): number => state.terms.reduce((sum, term) => sum + term.quorum, 0);
  assert.ok(places(after) >= places(before), "the terms got milder");
  const { progress } = after;
  if (progress.status === "approved" && progress.permit.status === "redeemed" && before !== after) {
    const seated = seatingOf(after).terms.flatMap((term) => term.people) as readonly PersonId[];
    assert.ok(seatingOf(after).complete, "released without its people");
    for (const one of seated) assert.ok(!after.barred.some((b) => b.person === one), "released by somebody barred");
  }
}

test("whatever people, gates and time do in whatever order: a request stays sound and its end is final", () => {
  const reached = new Map<string, number>();
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 30, size: "max" }),
      fc.constantFrom(termsOf(["owners", 1]), termsOf(["owners", 2]), termsOf(["owners", 1], ["security", 1])),
      (steps, terms) => {
        const opened: RequestEvent = { type: "request.opened", request: openedWith({ terms, barred: [bar("dee")] }) };
        const entries: Recorded[] = [{ event: opened, at: T0 }];
        const world: World = {
          state: applyEvent(null, { event: opened, at: T0 }),
          now: T0,
          members: new Set(PEOPLE),
          roster: rosterOf(everyone),
        };
        for (const taken of steps) {
          move(world, taken);
          const before = world.state;
          const decided = decide(world, taken);
          if ("refused" in decided) continue;
          for (const event of decided) {
            world.state = applyEvent(world.state, { event, at: world.now });
            entries.push({ event, at: world.now });
          }
          assertSound(before, world.state);
        }
        assert.deepEqual(foldRequest(entries), world.state);
        const { progress } = world.state;
        const end =
          progress.status === "approved" ? `approved ${progress.permit.status}` : statusAt(world.state, world.now);
        reached.set(end, (reached.get(end) ?? 0) + 1);
      },
    ),
    { numRuns: 1500 },
  );
  // A property that never comes to the interesting places proves nothing.
  for (const end of ["approved redeemed", "approved expired", "denied", "cancelled", "expired"])
    assert.ok((reached.get(end) ?? 0) > 0, end);
});
