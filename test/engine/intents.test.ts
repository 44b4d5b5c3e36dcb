import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "../../src/core/errors.ts";
import { cardDigest } from "../../src/core/card/index.ts";
import { cardNow, loadRequest, submitIntent, submitReview } from "../../src/engine/index.ts";
import type { RequestState } from "../../src/core/approval/index.ts";
import type { ChannelIntent, IntentAnswer } from "../../src/ports/channel.ts";
import { dropTable, exportRows } from "../support/actions.ts";
import { Bench, intent } from "../support/bench.ts";
import { HOUR } from "../support/clock.ts";
import { at } from "../support/json.ts";
import { CATALOGUE, DIRECTORY, edited, POLICIES } from "../support/rules.ts";

const CHAT = "https://chat.example.com";
/** Chat accounts: dee's is an administrator's word, the others are proven on both sides. */
const LINKS: readonly (readonly [before: string, after: string])[] = [
  ["accounts: [{ issuer: ", `accounts: [{ issuer: "${CHAT}", subject: U-CY, strength: L4 }, { issuer: `],
  ["subject: U-ANN, strength: L2", "subject: U-ANN, strength: L3"],
  ["{ id: bob, ", `{ id: bob, accounts: [{ issuer: "${CHAT}", subject: U-BOB, strength: L3 }], `],
  ["{ id: dee, ", `{ id: dee, accounts: [{ issuer: "${CHAT}", subject: U-DEE, strength: L2 }], `],
  ["{ id: fay, ", `{ id: fay, accounts: [{ issuer: "${CHAT}", subject: U-FAY, strength: L3 }], `],
];
const LINKED = LINKS.reduce((text, [before, after]) => edited(text, before, after), DIRECTORY);

function click(state: RequestState, subject: string, more: Partial<ChannelIntent> = {}): ChannelIntent {
  return {
    channel: "slack",
    account: { issuer: CHAT, subject },
    request: state.opened.id,
    digest: state.opened.digest,
    card: null,
    verdict: "approve",
    reason: null,
    nonce: `n-${subject}`,
    ...more,
  };
}

function said(answer: IntentAnswer): string {
  return answer.status === "refused" ? answer.refusal.refused : answer.status;
}

test("a click is worth what its account is worth", async () => {
  using bench = new Bench({}, { directory: LINKED });
  const medium = await bench.ask(dropTable("orders"));
  const high = await bench.ask(exportRows(12_000));
  const other = `sha256:${"0".repeat(64)}`;
  const rows: readonly (readonly [what: string, intent: ChannelIntent, said: string])[] = [
    ["a stranger", click(medium, "U-NOBODY"), "unlinked"],
    [
      "an account of another service with the same name",
      click(medium, "U-ANN", { account: { issuer: "https://evil", subject: "U-ANN" } }),
      "unlinked",
    ],
    ["an account named like a person", click(medium, "ann"), "unlinked"],
    ["an account that only an administrator vouched for", click(medium, "U-DEE"), "unlinked"],
    ["the owner of the agent", click(medium, "U-CY"), "person_barred"],
    ["another request's digest", click(medium, "U-ANN", { digest: high.opened.digest }), "digest_changed"],
    ["a card that was never shown", click(medium, "U-ANN", { card: other }), "digest_changed"],
    [
      "a request that is not there",
      click(medium, "U-ANN", { request: "arq_00000000000000000000000000" }),
      "request_unknown",
    ],
    ["no request at all", click(medium, "U-ANN", { request: "../x" }), "request_unknown"],
    ["an approval of high risk", click(high, "U-ANN"), "page"],
    ["somebody of no group that is asked", click(high, "U-FAY", { verdict: "deny" }), "not_in_group"],
    ["the denial of high risk", click(high, "U-ANN", { verdict: "deny", reason: "no" }), "recorded"],
    ["an approval afterwards", click(high, "U-BOB"), "request_closed"],
    [
      "an approval of medium risk",
      click(medium, "U-ANN", { card: cardDigest(cardNow(bench.ctx, medium)) }),
      "recorded",
    ],
    ["the same click again", click(medium, "U-ANN"), "recorded"],
    ["another click of the same person", click(medium, "U-ANN", { nonce: "second" }), "already_reviewed"],
    ["the second person", click(medium, "U-BOB"), "recorded"],
  ];
  for (const [what, given, expected] of rows) assert.equal(said(await submitIntent(bench.ctx, given)), expected, what);
  assert.equal((await loadRequest(bench.ctx, medium.opened.id))?.progress.status, "approved");
  bench.clock.pass(3 * HOUR);
  const late = await bench.ask(dropTable("late"));
  bench.clock.pass(48 * HOUR);
  assert.equal(said(await submitIntent(bench.ctx, click(late, "U-BOB"))), "request_expired");
});

test("a policy that asks for more than a click never gets an approval by one, and denying is one click at every risk", async () => {
  const catalogue = edited(
    CATALOGUE,
    "  audit.delete:",
    "  vault.dump: { effects: [export, escalate, ddl] }\n  audit.delete:",
  );
  const grave = { ...exportRows(12_000), action: { name: "vault.dump", properties: {} } };
  const asked = [dropTable("orders"), exportRows(12_000), grave];
  for (const word of ["A1", "reauthenticate", "passkey"]) {
    const policies = POLICIES.replaceAll('@expires("1h")', `@expires("1h") @assurance("${word}")`);
    using bench = new Bench({}, { directory: LINKED, policies, catalogue });
    const levels: string[] = [];
    for (const question of asked) {
      const state = await bench.ask(question);
      const { level } = state.opened.risk;
      levels.push(level);
      const expected = word === "A1" && level === "medium" ? "recorded" : "page";
      const what = `${word}, ${level}`;
      assert.equal(said(await submitIntent(bench.ctx, click(state, "U-ANN"))), expected, what);
      const before = await loadRequest(bench.ctx, state.opened.id);
      assert.equal(before?.reviews.length, expected === "page" ? 0 : 1, what);
      const denied = click(state, "U-BOB", { verdict: "deny", nonce: "no" });
      assert.equal(said(await submitIntent(bench.ctx, denied)), "recorded", what);
      assert.equal((await loadRequest(bench.ctx, state.opened.id))?.progress.status, "denied", what);
    }
    assert.deepEqual(levels, ["medium", "high", "critical"]);
  }
});

test("an account that two people have belongs to nobody, and a person who is gone decides nothing", async () => {
  const left = edited(LINKED, "{ id: bob, ", "{ id: bob, active: false, ");
  using bench = new Bench({}, { directory: left });
  const state = await bench.ask(dropTable("orders"));
  assert.equal(said(await submitIntent(bench.ctx, click(state, "U-BOB"))), "person_inactive");
  const { directory } = bench.rules;
  const shared = new Map(directory.people);
  const [ann, fay] = [...shared.values()].filter(({ id }) => id === "ann" || id === "fay");
  assert.ok(ann !== undefined && fay !== undefined);
  shared.set(fay.id, { ...fay, accounts: ann.accounts });
  bench.rules = { ...bench.rules, directory: { ...directory, people: shared } };
  assert.equal(said(await submitIntent(bench.ctx, click(state, "U-ANN"))), "unlinked");
});

test("the card that was looked at is in the entry, and another one is refused whatever channel it comes from", async () => {
  using bench = new Bench({}, { directory: LINKED });
  const state = await bench.ask(dropTable("orders"));
  const card = cardDigest(cardNow(bench.ctx, state));
  const review = intent("ann", state.opened.digest, "approve", "n-1");
  const wrong = await submitReview(bench.ctx, state.opened.id, { ...review, card: card.replace(/.$/, "x") });
  assert.ok("refused" in wrong && wrong.refused === "digest_changed");
  bench.rules = { ...bench.rules, titles: new Map([["table.drop", "Tidy up"]]) };
  const retitled = await submitReview(bench.ctx, state.opened.id, { ...review, card });
  assert.ok("refused" in retitled && retitled.refused === "digest_changed", "the operator has renamed it since");
  const now = cardDigest(cardNow(bench.ctx, state));
  const done = await submitReview(bench.ctx, state.opened.id, { ...review, card: now });
  assert.ok(!("refused" in done));
  const recorded = (await bench.entries()).find(({ type }) => type === "review.recorded");
  assert.equal(at(recorded?.payload, "review", "card"), now);
  const silent = await bench.review("bob", state);
  assert.ok(
    !("refused" in silent) &&
      silent.reviews.every(({ person, card: seen }) => (person === "bob") === (seen === undefined)),
  );
});

test("what a channel passes on is bounded", async () => {
  using bench = new Bench({}, { directory: LINKED });
  const state = await bench.ask(dropTable("orders"));
  for (const more of [{ reason: "é".repeat(1025) }, { nonce: "" }, { nonce: "x".repeat(201) }]) {
    await assert.rejects(submitIntent(bench.ctx, click(state, "U-ANN", more)), InputError);
  }
});
