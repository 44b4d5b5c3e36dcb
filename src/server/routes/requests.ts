import { isJsonObject, parseQuestion, type Json, type JsonObject } from "../../core/action/index.ts";
import { refuse, type RequestState } from "../../core/approval/index.ts";
import { InputError } from "../../core/errors.ts";
import { parseId } from "../../core/ids.ts";
import { ask, fingerprint, giveUp, requestFor, requestStream, Wait, waitFor } from "../../engine/index.ts";
import { callerOf } from "../auth.ts";
import type { House } from "../house.ts";
import { Later } from "../later.ts";
import { refusalProblem } from "../problem.ts";
import { proveNewest, wantsReceipt } from "../receipts.ts";
import type { Routes } from "../route.ts";
import { RequestBody } from "../schemas.ts";
import { stream } from "../stream.ts";
import { taskAnswer } from "../views.ts";

const KEY_PATTERN = /^[\x21-\x7e]{1,200}$/;

/** ARAP: from a denial to an approval, seen from the gate. */
export function requestRoutes(routes: Routes, house: House): void {
  const answerOf = (state: RequestState): JsonObject =>
    taskAnswer(state, house.publicUrl, house.ctx.rules().directory, house.ctx.clock.now());
  const provenAnswer = async (state: RequestState): Promise<JsonObject> => ({
    ...answerOf(state),
    ...(await decisionReceipt(house, state)),
  });

  routes.add({
    method: "POST",
    url: "/access/v1/requests",
    access: "gate",
    summary: "Ask people to approve a held action",
    documents: RequestBody,
    handler: async ({ who, raw, request, reply }) => {
      const state = await ask(
        house.ctx,
        callerOf(who, house.ctx.rules()),
        askOf(raw, request.headers["idempotency-key"]),
      );
      house.metrics.count("requests_asked_total");
      void reply
        .code(state.progress.status === "approved" ? 201 : 202)
        .header("location", `/access/v1/requests/${state.opened.id}`);
      return answerOf(state);
    },
  });
  routes.add({
    method: "GET",
    url: "/access/v1/requests/:id",
    access: "gate",
    summary: "How a request stands; `Prefer: wait=55` answers early when it changes, `?receipt=1` proves the decision",
    handler: async ({ who, params, query, request, reply }) => {
      const caller = callerOf(who, house.ctx.rules());
      const id = parseId("request", params["id"]);
      const waitMs = Math.min(waitOf(request.headers["prefer"]), house.ctx.limits.waitMaxMs);
      const found = await (waitMs === 0
        ? requestFor(house.ctx, caller, id)
        : waitFor(house.ctx, caller, id, "pending"));
      const tell = wantsReceipt({ query, request }) ? provenAnswer : answerOf;
      if ("refused" in found) throw refusalProblem(found);
      if (!(found instanceof Wait)) return tell(found);
      void reply.header("preference-applied", `wait=${Math.round(waitMs / 1000)}`);
      return whenOver(found, waitMs, tell);
    },
  });
  routes.add({
    method: "POST",
    url: "/access/v1/requests/:id/cancel",
    access: "gate",
    summary: "Give up a request of one's own",
    handler: async ({ who, params }) => {
      const state = await giveUp(house.ctx, callerOf(who, house.ctx.rules()), parseId("request", params["id"]));
      if ("refused" in state) throw refusalProblem(state);
      return answerOf(state);
    },
  });
  routes.add({
    method: "GET",
    url: "/v1/tasks/stream",
    access: "gate",
    summary: "Every change of this agent's requests, as server-sent events",
    handler: async ({ who, request, reply }) =>
      stream(house, request, reply, "gate", "task", (state) =>
        state.opened.agent === who.agent ? answerOf(state) : null,
      ),
  });
}

/** Holds as little as it can: there are tens of thousands of these. */
function whenOver(wait: Wait, waitMs: number, tell: (state: RequestState) => JsonObject | Promise<JsonObject>): Later {
  return new Later((end) => {
    wait.until(waitMs, (after) =>
      end(
        after.then((state) => {
          if (state === null) throw refusalProblem(refuse("request_unknown"));
          return tell(state);
        }),
      ),
    );
    return () => wait.leave();
  });
}

/** The receipt of the entry that decided a request; nothing while it is pending. */
async function decisionReceipt(house: House, { opened, progress }: RequestState): Promise<JsonObject> {
  const receipt = await proveNewest(house, requestStream(opened.id), `request.${progress.status}`);
  return receipt === null ? {} : { receipt };
}

function askOf(raw: Json, key: string | string[] | undefined): Parameters<typeof ask>[2] {
  const question = parseQuestion(raw);
  const body = isJsonObject(raw) ? raw : {};
  const denial = body["denial"];
  if (!isJsonObject(denial))
    throw new InputError({
      code: "question_invalid",
      message: "`/denial` names the evaluation that was denied",
      pointer: "/denial",
    });
  const { client } = body;
  if (client !== undefined && !isJsonObject(client))
    throw new InputError({ code: "question_invalid", message: "`/client` is an object", pointer: "/client" });
  if (key !== undefined && (typeof key !== "string" || !KEY_PATTERN.test(key))) {
    throw new InputError({ code: "question_invalid", message: "`Idempotency-Key` is 1 to 200 visible characters" });
  }
  return {
    question,
    evaluation: parseId("evaluation", denial["evaluation_id"], "/denial/evaluation_id"),
    client: client ?? null,
    key: key === undefined ? null : { value: key, fingerprint: fingerprint(raw) },
  };
}

/** RFC 7240 §4.3; anything else in the header is a preference that is not applied. */
function waitOf(prefer: string | string[] | undefined): number {
  const seconds = /(?:^|[,;]\s*)wait=(\d{1,4})\b/.exec(typeof prefer === "string" ? prefer : "")?.[1];
  return seconds === undefined ? 0 : Number(seconds) * 1000;
}
