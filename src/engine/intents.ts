import { isFirm, refuse, REVIEW_REASON_BYTES_MAX } from "../core/approval/index.ts";
import type { LinkStrength, Roster } from "../core/approval/index.ts";
import type { PersonId, RequestId } from "../core/brand.ts";
import { approvesByClick } from "../core/card/index.ts";
import { utf8Length } from "../core/encoding.ts";
import { InputError } from "../core/errors.ts";
import { parseId } from "../core/ids.ts";
import type { ChannelIntent, IntentAnswer } from "../ports/channel.ts";
import type { Context } from "./context.ts";
import { loadRequest } from "./journal.ts";
import { cardNow } from "./notify.ts";
import { submitReview } from "./reviews.ts";

/** Characters of the nonce of a click. */
const NONCE_CHARS_MAX = 200;

/**
 * What somebody did in a channel becomes a review, or is refused. The channel says whose account it was; whose person
 * that is, and what the person may do, is found in the directory.
 */
export async function submitIntent(ctx: Context, intent: ChannelIntent): Promise<IntentAnswer> {
  checkIntent(intent);
  const who = personOf(ctx.rules().directory, intent.account);
  if (who === null) return { status: "unlinked" };
  const id = requestIdOf(intent.request);
  const state = id === null ? null : await loadRequest(ctx, id);
  if (id === null || state === null) return { status: "refused", refusal: refuse("request_unknown") };
  const { risk, assurance } = state.opened;
  // Stopping is one click everywhere; only letting through may need more evidence than a click is.
  if (intent.verdict === "approve" && state.progress.status === "pending" && !approvesByClick(risk.level, assurance)) {
    return { status: "page" };
  }
  const answer = await submitReview(ctx, id, {
    reviewer: { ...who, assurance: "A1" },
    account: intent.account,
    channel: intent.channel,
    verdict: intent.verdict,
    digest: intent.digest,
    card: intent.card,
    reason: intent.reason === "" ? null : intent.reason,
    nonce: intent.nonce,
  });
  return "refused" in answer
    ? { status: "refused", refusal: answer }
    : { status: "recorded", card: cardNow(ctx, answer) };
}

function checkIntent({ reason, nonce }: ChannelIntent): void {
  if (reason !== null && utf8Length(reason) > REVIEW_REASON_BYTES_MAX) {
    const message = `a reason may have at most ${REVIEW_REASON_BYTES_MAX} bytes of UTF-8; shorten it`;
    throw new InputError({ code: "question_invalid", message, pointer: "/reason" });
  }
  if (nonce === "" || nonce.length > NONCE_CHARS_MAX) {
    const message = `a nonce has 1 to ${NONCE_CHARS_MAX} characters`;
    throw new InputError({ code: "question_invalid", message, pointer: "/nonce" });
  }
}

/** The one person whose account this is, proven on both sides. An account of two people belongs to nobody. */
function personOf(
  roster: Roster,
  { issuer, subject }: ChannelIntent["account"],
): { readonly person: PersonId; readonly link: LinkStrength } | null {
  const found = [...roster.people.values()].flatMap(({ id, accounts }) =>
    accounts
      .filter((account) => account.issuer === issuer && account.subject === subject)
      .map(({ strength }) => ({ person: id, link: strength })),
  );
  const [first] = found;
  if (first === undefined || found.some(({ person }) => person !== first.person)) return null;
  return isFirm(first.link) ? first : null;
}

function requestIdOf(text: string): RequestId | null {
  try {
    return parseId("request", text);
  } catch {
    return null;
  }
}
