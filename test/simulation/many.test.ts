import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { test } from "node:test";
import { simulate, wordsOfFailed } from "./pool.ts";

const SEEDS = 100_000;
const PROGRESS_SEEDS = 10_000;
/** Far more than it takes on two idle cores: a busy machine has time. */
const TIMEOUT_MS = 20 * 60_000;
/** On two cores no other file of tests runs beside this one; on more of them one core is left to those that do. */
const THREADS = Math.max(2, availableParallelism() - 1);

/** What has to have been seen, and how often at least, before silence means anything: a few times less than it is. */
const SEEN: readonly (readonly [times: number, ...what: string[]])[] = [
  [
    1000,
    "evaluate ok",
    "ask ok",
    "read ok",
    "wait ok",
    "review ok",
    "apply ok",
    "redeem ok",
    "complete ok",
    "giveUp ok",
  ],
  [1000, "evaluate lost", "ask lost", "review lost", "apply lost", "apply approval_expired", "apply not_approved"],
  [1000, "review already_reviewed", "review person_barred", "review digest_changed", "review link_too_weak"],
  [1000, "review not_in_group", "review request_closed", "review request_expired"],
  [1000, "redeem not_requester", "redeem permit_redeemed", "redeem permit_other_gate"],
  [200, "redeem permit_expired", "redeem permit_other_action", "redeem lost", "apply permit_redeemed"],
  [200, "review person_inactive", "ask not_requestable", "complete lost", "giveUp request_closed"],
  [
    20,
    "apply approval_voided",
    "apply assurance_too_low",
    "apply contention",
    "apply risk_rose",
    "apply terms_not_met",
  ],
  [20, "redeem approval_voided", "redeem assurance_too_low", "redeem risk_rose", "redeem terms_not_met"],
  [20, "giveUp request_expired", "giveUp lost", "sweep lost", "complete not_redeemed", "review member_too_late"],
  [1, "apply policy_denied", "redeem policy_denied", "redeem approval_expired", "review assurance_too_low"],
  [1, "wait lost", "read lost", "complete outcome_known"],
];

test("a hundred thousand histories keep every law, and see all that can happen", { timeout: TIMEOUT_MS }, async (t) => {
  const since = performance.now();
  const seconds = (): string => `${Math.round((performance.now() - since) / 1000)} s`;
  let next = PROGRESS_SEEDS;
  const range = { from: 1, seeds: SEEDS, threads: THREADS, signal: t.signal };
  const { seeds, operations, commits, told, violations } = await simulate(range, (counts) => {
    if (counts.seeds < next) return;
    next += PROGRESS_SEEDS;
    console.log(`simulated ${counts.seeds} of ${SEEDS} histories in ${seconds()}`);
  });
  assert.equal(violations.length, 0, violations.map(wordsOfFailed).join("\n"));
  assert.equal(seeds, SEEDS);
  t.diagnostic(
    `${seeds} histories, ${operations} operations, ${commits} commits in ${seconds()} on ${THREADS} threads`,
  );
  const missed = SEEN.flatMap(([times, ...names]) =>
    names.filter((what) => (told.get(what) ?? 0) < times).map((what) => `${what}: ${told.get(what) ?? 0} of ${times}`),
  );
  assert.deepEqual(missed, []);
});
