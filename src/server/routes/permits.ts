import type { z } from "zod";
import { parseId } from "../../core/ids.ts";
import { completeEvaluation, completePermit, redeem, type Caller, type Receipt } from "../../engine/index.ts";
import type { Refusal } from "../../core/approval/index.ts";
import { callerOf } from "../auth.ts";
import type { House } from "../house.ts";
import { problemOf, refusalProblem } from "../problem.ts";
import { prove, wantsReceipt } from "../receipts.ts";
import type { Routes } from "../route.ts";
import { OutcomeBody, OutcomesBody, RedeemBody } from "../schemas.ts";
import { timeOf } from "../views.ts";

/** Using a permission, once, and telling what came of it. */
export function permitRoutes(routes: Routes, house: House): void {
  routes.add({
    method: "POST",
    url: "/v1/permits/redeem",
    access: "gate",
    // The last look before the action happens: at people, policies and credentials as they are, wherever they changed.
    fresh: true,
    summary: "Use a permit, once; the same attempt gets the same answer",
    body: RedeemBody,
    handler: async ({ who, body }) => {
      const redeemed = await redeem(
        house.ctx,
        callerOf(who, house.ctx.rules()),
        body.permit,
        body.digest,
        body.attempt,
      );
      if ("refused" in redeemed) {
        house.metrics.count("redemptions_total", { result: "refused" });
        throw refusalProblem(redeemed);
      }
      house.metrics.count("redemptions_total", { result: "redeemed" });
      return {
        permit_id: redeemed.id,
        redeemed_at: timeOf(redeemed.at),
        receipt: await prove(house, redeemed.receipt),
      };
    },
  });
  routes.add({
    method: "POST",
    url: "/v1/permits/:id/outcome",
    access: "gate",
    summary: "Report what happened under a permit",
    body: OutcomeBody,
    handler: async ({ who, params, body, query, request }) => {
      const outcome = { status: body.status, details: body.details ?? {} };
      const caller = callerOf(who, house.ctx.rules());
      const answer = await completePermit(house.ctx, caller, parseId("permit", params["id"]), outcome);
      return receiptOf(house, answer, wantsReceipt({ query, request }));
    },
  });
  routes.add({
    method: "POST",
    url: "/v1/evaluations/:id/outcome",
    access: "gate",
    summary: "Report what happened after an action that passed at once",
    body: OutcomeBody,
    handler: async ({ who, params, body, query, request }) => {
      const outcome = { status: body.status, details: body.details ?? {} };
      const caller = callerOf(who, house.ctx.rules());
      const answer = await completeEvaluation(house.ctx, caller, parseId("evaluation", params["id"]), outcome);
      return receiptOf(house, answer, wantsReceipt({ query, request }));
    },
  });
  routes.add({
    method: "POST",
    url: "/v1/evaluations/outcomes",
    access: "gate",
    summary: "Report up to 64 of them at once; each is answered by itself, in order",
    body: OutcomesBody,
    handler: async ({ who, body }) => ({
      outcomes: await completeAll(house, callerOf(who, house.ctx.rules()), body.outcomes),
    }),
  });
}

type Reported = z.infer<typeof OutcomesBody>["outcomes"];

/** Every id is read before anything is recorded. */
async function completeAll(house: House, caller: Caller, outcomes: Reported): Promise<readonly object[]> {
  const read = outcomes.map(({ evaluation, status, details = {} }, at) => ({
    id: parseId("evaluation", evaluation, `/outcomes/${at}/evaluation`),
    outcome: { status, details },
  }));
  // Side by side, so that the store writes them in one commit.
  return Promise.all(
    read.map(async ({ id, outcome }) => {
      const answer = await completeEvaluation(house.ctx, caller, id, outcome);
      return "refused" in answer ? { problem: problemOf(refusalProblem(answer)).problem } : { receipt: answer };
    }),
  );
}

async function receiptOf(house: House, answer: Receipt | Refusal, proven: boolean): Promise<{ receipt: Receipt }> {
  if ("refused" in answer) throw refusalProblem(answer);
  return { receipt: proven ? await prove(house, answer) : answer };
}
