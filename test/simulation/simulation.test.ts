import assert from "node:assert/strict";
import { test } from "node:test";
import type { RequestId } from "../../src/core/brand.ts";
import { runHistory } from "./history.ts";
import { isLinearizable, type Observed } from "./linear.ts";
import type { Answer, Operation } from "./operations.ts";
import { raised, seated, type Places } from "./record.ts";
import { Dice } from "../crash/dice.ts";
import { callersOf } from "./world.ts";

test("a seed replays to the same steps, and another one differs", async () => {
  const traces: string[] = [];
  for (const seed of [7, 7, 8]) {
    const lines: string[] = [];
    await runHistory(seed, lines);
    traces.push(lines.join("\n"));
  }
  assert.equal(traces[0], traces[1]);
  assert.notEqual(traces[0], traces[2]);
  assert.ok((traces[0] ?? "").split("\n").length > 10, traces[0]);
});

const REQUEST = "arq_1" as RequestId;
const [CALLER] = callersOf(new Dice(1));
const OK: Answer = { said: "ok" };
const LOST: Answer = { said: "lost" };

function no(code: string): Answer {
  return { said: "refused", code };
}

function is(status: string): Answer {
  return { said: "ok", status };
}

function review(person: string, verdict: "approve" | "deny", nonce = "n"): Operation {
  const shown = { account: person, link: "L3", assurance: "A1", digest: "", nonce } as const;
  return { kind: "review", request: REQUEST, person, verdict, ...shown };
}

function redeem(attempt: string): Operation {
  const permit = { jws: "", request: REQUEST, digest: "", gate: CALLER.gate, expiresAt: 0 };
  return { kind: "redeem", caller: CALLER, permit, digest: "", attempt };
}

const read: Operation = { kind: "read", caller: CALLER, request: REQUEST };
const giveUp: Operation = { kind: "giveUp", caller: CALLER, request: REQUEST };

function complete(report: string): Operation {
  return { kind: "complete", caller: CALLER, request: REQUEST, report };
}

type Line = readonly [from: number, to: number, op: Operation, answer: Answer];

const HISTORIES: readonly (readonly [what: string, fits: boolean, ...history: Line[]])[] = [
  ["nothing at all", true],
  ["one redemption", true, [1, 2, redeem("a"), OK]],
  ["two attempts that both execute", false, [1, 2, redeem("a"), OK], [3, 4, redeem("b"), OK]],
  ["two that both execute at once", false, [1, 4, redeem("a"), OK], [2, 3, redeem("b"), OK]],
  ["one attempt told twice", true, [1, 4, redeem("a"), OK], [2, 9, redeem("a"), OK]],
  ["a retry of what was lost", true, [1, Infinity, redeem("a"), LOST], [3, 4, redeem("a"), OK]],
  [
    "a retry that is refused as a second use",
    false,
    [1, 2, redeem("a"), OK],
    [3, 4, redeem("a"), no("permit_redeemed")],
  ],
  ["a lost one that was the first", true, [1, Infinity, redeem("a"), LOST], [3, 4, redeem("b"), no("permit_redeemed")]],
  ["refused for a use that nobody made", false, [3, 4, redeem("b"), no("permit_redeemed")]],
  ["refused for a use that came later", false, [1, 2, redeem("b"), no("permit_redeemed")], [3, 4, redeem("a"), OK]],
  ["refused for a use at the same time", true, [1, 4, redeem("b"), no("permit_redeemed")], [3, 5, redeem("a"), OK]],
  ["redeemed after a denial", false, [1, 2, review("ann", "deny"), is("denied")], [3, 4, redeem("a"), OK]],
  ["redeemed while a denial came", false, [1, 9, review("ann", "deny"), is("denied")], [3, 4, redeem("a"), OK]],
  ["approved after a denial", false, [1, 2, review("ann", "deny"), is("denied")], [3, 4, review("bob", "approve"), OK]],
  ["the same click again after the end", true, [1, 2, review("ann", "deny"), OK], [3, 4, review("ann", "deny"), OK]],
  ["a denial that is forgotten", false, [1, 2, review("ann", "deny"), is("denied")], [3, 4, read, is("pending")]],
  ["a denial that is not seen yet", true, [1, 5, review("ann", "deny"), is("denied")], [2, 3, read, is("pending")]],
  ["an end that comes and goes", false, [1, 2, read, is("expired")], [3, 4, read, is("pending")]],
  ["given up and then used", false, [1, 2, giveUp, is("cancelled")], [3, 4, redeem("a"), OK]],
  ["reported before it was used", false, [1, 2, complete("x"), OK], [3, 4, redeem("a"), OK]],
  ["two reports that both stand", false, [1, 2, redeem("a"), OK], [3, 4, complete("x"), OK], [5, 6, complete("y"), OK]],
];

test("permit.raced: an order of operations is found where there is one, and only there", () => {
  for (const [what, fits, ...history] of HISTORIES) {
    const observed = history.map(([from, to, op, answer]): Observed => ({ from, to, op, answer }));
    assert.equal(isLinearizable(observed), fits, what);
  }
});

test("quorum.one-person-many-groups: the checker seats people by itself", () => {
  const both = new Set(["owners", "security"]);
  const owner = new Set(["owners"]);
  const one: Places = [["owners", 1]];
  const two: Places = [...one, ["security", 1]];
  const rows: readonly (readonly [Places, readonly ReadonlySet<string>[], boolean])[] = [
    [two, [both], false],
    [two, [both, owner], true],
    [two, [owner, both], true],
    [two, [owner, owner], false],
    [raised(one), [owner], false],
    [raised(one), [owner, owner], true],
    [raised(two), [both, both], true],
    [[], [both], false],
  ];
  for (const [places, groups, expected] of rows) {
    const people = groups.map((of, place) => ({ person: `p${place}`, groups: of }));
    assert.equal(seated(places, people), expected, JSON.stringify([places, groups.map((of) => [...of])]));
  }
});
