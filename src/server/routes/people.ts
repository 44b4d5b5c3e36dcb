import type { JsonObject } from "../../core/action/index.ts";
import type { Refusal, RequestState, RequestStatus, Reviewer } from "../../core/approval/index.ts";
import type { Instant, RequestId } from "../../core/brand.ts";
import { InputError } from "../../core/errors.ts";
import { parseId } from "../../core/ids.ts";
import { loadRequest, submitReview, submitReviewAt, type Intent } from "../../engine/index.ts";
import type { RequestFilter } from "../../ports/store.ts";
import type { OperatorPrincipal, SessionPrincipal } from "../principals.ts";
import type { House } from "../house.ts";
import { signedBy, type Signed } from "../passkeys/signed.ts";
import { HttpProblem, refusalProblem } from "../problem.ts";
import { wholeNumber, type Call, type Routes } from "../route.ts";
import { ReviewBody, type Reviewed } from "../schemas.ts";
import { stream } from "../stream.ts";
import { viewOf, type Reader } from "../views.ts";

/** What people do: look at requests and review them. Who they are comes from their session alone. */
export function peopleRoutes(routes: Routes, house: House): void {
  routes.add({
    method: "GET",
    url: "/v1/requests",
    access: "reader",
    summary: "Requests, newest first: ?status=pending|decided|all&limit=50&cursor=…",
    handler: async ({ who, query }) => list(house, who, query),
  });
  routes.add({
    method: "GET",
    url: "/v1/requests/:id",
    access: "reader",
    summary: "One request, with everything a reviewer has to see",
    handler: async ({ who, params }) => {
      const state = await loadRequest(house.ctx, parseId("request", params["id"]));
      if (state === null)
        throw new HttpProblem({ status: 404, code: "request_unknown", message: "there is no such request" });
      return view(house, who, state);
    },
  });
  routes.add({
    method: "POST",
    url: "/v1/requests/:id/reviews",
    access: "person",
    summary: "Approve or deny what was shown: the digest says what that was",
    body: ReviewBody,
    fresh: "proven",
    handler: async (call) => {
      const { who, state } = await decide(house, call);
      if ("refused" in state) {
        house.metrics.count("reviews_total", { result: "refused" });
        throw refusalProblem(state);
      }
      house.metrics.count("reviews_total", { result: call.body.verdict });
      return { request: view(house, who, state) };
    },
  });
  routes.add({
    method: "GET",
    url: "/v1/stream",
    access: "reader",
    summary: "Every change of every request, as server-sent events",
    handler: async ({ who, request, reply }) =>
      stream(house, request, reply, "reader", "request", (state) => view(house, who, state)),
  });
}

type Reviewing = Pick<Call<"person", Reviewed>, "who" | "known" | "params" | "body">;

/**
 * Decides by what is known here, where its commit proves that this was all. Else, and before anybody is refused, by all that
 * others have recorded, and for whoever the caller is by that.
 */
async function decide(
  house: House,
  { who, known, params, body }: Reviewing,
): Promise<{ readonly who: SessionPrincipal; readonly state: RequestState | Refusal }> {
  const id = parseId("request", params["id"]);
  // What somebody signed is checked against what the store has: there is nothing to win then.
  if (known !== null && known.size === house.knownSize() && body.assertion === undefined) {
    const state = await submitReviewAt(house.ctx, id, intentOf(who, body), known.size);
    if (state !== null) return { who, state };
  }
  const reviewer = known === null ? who : await known.anew();
  const { assertion, nonce } = body;
  const signed = assertion === undefined ? null : await signedBy(house, reviewer, nonce, assertion);
  return { who: reviewer, state: await submitReview(house.ctx, id, intentOf(reviewer, body, signed)) };
}

function intentOf(who: SessionPrincipal, body: Reviewed, signed: Signed | null = null): Intent {
  return {
    // Only what was verified just now is more than the session.
    reviewer: signed === null || "refused" in signed.proof ? reviewerOf(who) : { ...reviewerOf(who), assurance: "A3" },
    account: who.account,
    channel: who.client,
    verdict: body.verdict,
    digest: body.digest,
    card: body.card ?? null,
    reason: body.reason === undefined || body.reason === "" ? null : body.reason,
    nonce: body.nonce,
    ...signed,
  };
}

export function reviewerOf(who: SessionPrincipal): Reviewer {
  return { person: who.person, link: who.link, assurance: who.assurance };
}

/** Whoever came by an identity provider can prove a decision there. */
function readerOf({ signIn }: House, who: SessionPrincipal): Reader {
  const isProvable = signIn !== null && who.proof !== undefined && who.assurance === "A1";
  return { ...reviewerOf(who), ...(isProvable ? { within: "A2" } : {}) };
}

function view(
  house: House,
  who: SessionPrincipal | OperatorPrincipal,
  state: Parameters<typeof viewOf>[0],
): JsonObject {
  const rules = house.rules.current;
  const reader = who.kind === "session" ? readerOf(house, who) : null;
  return viewOf(state, reader, rules, house.ctx.clock.now());
}

const DECIDED: readonly RequestStatus[] = ["approved", "denied", "expired", "cancelled", "failed"];

async function list(
  house: House,
  who: SessionPrincipal | OperatorPrincipal,
  query: Readonly<Record<string, string | undefined>>,
): Promise<JsonObject> {
  const limit = wholeNumber(query["limit"], "limit", { min: 1, max: 200, fallback: 50 });
  const before = cursorOf(query["cursor"]);
  const status = statusesOf(query["status"] ?? "all");
  const filter: RequestFilter = {
    limit: limit + 1,
    ...(status === null ? {} : { status }),
    ...(before === null ? {} : { before }),
  };
  const rows = await house.ctx.store.requests(filter);
  const page = rows.slice(0, limit);
  const states = await Promise.all(page.map((row) => loadRequest(house.ctx, row.id)));
  const last = rows.length > limit ? page.at(-1) : undefined;
  return {
    requests: states.flatMap((state) => (state === null ? [] : [view(house, who, state)])),
    next_cursor: last === undefined ? null : `${last.openedAt}.${last.id}`,
  };
}

function statusesOf(text: string): readonly RequestStatus[] | null {
  switch (text) {
    case "all":
      return null;
    case "pending":
      return ["pending"];
    case "decided":
      return DECIDED;
    default:
      throw new InputError({
        code: "question_invalid",
        message: "`status` is pending, decided or all",
        pointer: "/status",
      });
  }
}

function cursorOf(text: string | undefined): { openedAt: Instant; id: RequestId } | null {
  if (text === undefined) return null;
  const match = /^(\d{1,15})\.(arq_[0-9a-z]{26})$/.exec(text);
  if (match === null)
    throw new InputError({
      code: "question_invalid",
      message: "`cursor` is what `next_cursor` said",
      pointer: "/cursor",
    });
  return { openedAt: Number(match[1]) as Instant, id: parseId("request", match[2]) };
}
