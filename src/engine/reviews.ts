import {
  expire,
  refuse,
  review,
  type Refusal,
  type RefusalCode,
  type RequestEvent,
  type RequestState,
  type ReviewCommand,
  type ReviewProof,
  type Reviewer,
  type Verdict,
} from "../core/approval/index.ts";
import type { Instant, RequestId } from "../core/brand.ts";
import { cardFace } from "../core/card/index.ts";
import type { DocumentChange } from "../ports/store.ts";
import type { Context } from "./context.ts";
import { EngineError } from "./errors.ts";
import { commitRequest, isLate, loadRequest, type CommitExtra } from "./journal.ts";
import { cardNames } from "./notify.ts";
import { settleExpired } from "./requests.ts";

/** A person's intent. `reviewer` and `account` come from the authenticated session; only the rest from a body. */
export type Intent = {
  readonly reviewer: Reviewer;
  readonly account: { readonly issuer: string; readonly subject: string };
  readonly channel: string;
  readonly verdict: Verdict;
  readonly digest: string;
  readonly reason: string | null;
  /** One click: the same nonce twice is one review. */
  readonly nonce: string;
  /** The digest of the card that was looked at, where the channel says it; another one than today's is refused. */
  readonly card?: string | null;
  /** What was signed for it, verified; or why what was sent does not hold: it is recorded then like every refusal. */
  readonly proof?: ReviewProof | Refusal | null;
  /** Written in the same commit as the review. */
  readonly documents?: readonly DocumentChange[];
};

const ROUNDS_MAX = 16;

/** Refusals that say something about who tried: they belong in the ledger. The rest is a late or repeated click. */
const TELLING: ReadonlySet<RefusalCode> = new Set([
  "person_barred",
  "person_inactive",
  "not_in_group",
  "member_too_late",
  "link_too_weak",
  "assurance_too_low",
  "passkey_revoked",
  "assertion_invalid",
  "digest_changed",
]);
/** Refused tries that one request records; the rest is refused without an entry, so clicking cannot fill the ledger. */
export const REFUSALS_RECORDED_MAX = 32;

/** Applies one review, whoever else reviews at the same moment: the loser of a race is decided anew. */
export async function submitReview(ctx: Context, id: RequestId, intent: Intent): Promise<RequestState | Refusal> {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    // What is remembered may be behind: it is enough for a review that its version lets in, and for nothing else.
    const remembered = round === 0 ? ctx.around.latest.of(id) : null;
    const state = remembered ?? (await loadRequest(ctx, id));
    if (state === null) return refuse("request_unknown");
    const at = ctx.clock.now();
    const events = judge(ctx, state, intent, at);
    if (remembered !== null && !Array.isArray(events)) continue;
    if (events === "repeated") return state;
    if (await settleExpired(ctx, state)) continue;
    if ("refused" in events) return recordRefusal(ctx, state, intent, events);
    const result = await commitRequest(ctx, state, events, at, besides(intent));
    if (result.status === "committed") return result.state;
    if (isLate(result)) return refuse("request_expired");
  }
  throw new EngineError({
    code: "contention",
    message: "too many reviews at this moment; try again",
    retryAfterMs: 500,
  });
}

/**
 * The same on what is known at this instance of a ledger of `size` entries: recorded, if at its commit the ledger has no
 * more. Null, and nothing is written, where it has, or where what is known comes to anything else: that may be behind.
 */
export async function submitReviewAt(
  ctx: Context,
  id: RequestId,
  intent: Intent,
  size: number,
): Promise<RequestState | null> {
  const state = ctx.around.latest.of(id) ?? (await loadRequest(ctx, id));
  const at = ctx.clock.now();
  if (state === null || expire(state, at).length > 0) return null;
  const events = judge(ctx, state, intent, at);
  if (events === "repeated" || "refused" in events) return null;
  const result = await commitRequest(ctx, state, events, at, { at: size, ...besides(intent) });
  return result.status === "committed" ? result.state : null;
}

function besides({ documents = [] }: Intent): CommitExtra {
  return documents.length === 0 ? {} : { documents };
}

/** What a review comes to. */
function judge(
  ctx: Context,
  state: RequestState,
  intent: Intent,
  at: Instant,
): readonly RequestEvent[] | Refusal | "repeated" {
  if (isRepeated(state, intent)) return "repeated";
  const { proof = null } = intent;
  if (proof !== null && "refused" in proof) return proof;
  return review(state, { ...intent, proof, card: cardSeen(ctx, state, intent), at }, ctx.rules().directory);
}

function cardSeen(ctx: Context, state: RequestState, { card }: Intent): NonNullable<ReviewCommand["card"]> | null {
  if (card === undefined || card === null) return null;
  return { shown: card, now: cardFace(state.opened, cardNames(ctx.rules())).digest };
}

/** The same click once more, its first answer lost or still under way: it is answered as the first was, even after the end. */
function isRepeated(state: RequestState, { reviewer, verdict, nonce }: Intent): boolean {
  return state.reviews.some((r) => r.person === reviewer.person && r.verdict === verdict && r.nonce === nonce);
}

async function recordRefusal(
  ctx: Context,
  state: RequestState,
  intent: Intent,
  refusal: Refusal,
): Promise<RequestState | Refusal> {
  if (!TELLING.has(refusal.refused)) return refusal;
  if (state.version >= REFUSALS_RECORDED_MAX + state.reviews.length) return refusal;
  const { person } = intent.reviewer;
  // Best effort under a race: the refusal stands whether or not this entry wins.
  await commitRequest(
    ctx,
    state,
    [{ type: "review.refused", person, verdict: intent.verdict, refusal }],
    ctx.clock.now(),
  );
  return refusal;
}
