import type { JsonObject } from "../core/action/index.ts";
import type { Person, Refusal, RequestEvent, Verdict } from "../core/approval/index.ts";
import type { AgentId, Digest, GroupName, Instant } from "../core/brand.ts";
import type { Card } from "../core/card/index.ts";

/** Whom a request concerns, by the directory at the moment of sending. */
export type Audience = {
  readonly groups: readonly GroupName[];
  /** Who could still fill a place: eligible, not barred, and not heard yet. Empty when nobody is waited for. */
  readonly approvers: readonly Person[];
  readonly agent: AgentId;
  /** The people behind the action: they are told what becomes of it. They may deny, and never approve. */
  readonly requesters: readonly Person[];
  /** Where the policies that hold it want it told besides: `@notify` of each, such as `slack:#payments`. */
  readonly routes?: readonly string[];
};

/** One piece of news of one request. */
export type Notice = {
  /** The same for the same news however often it is delivered: the receiver's idempotency key. */
  readonly id: string;
  readonly card: Card;
  readonly cardDigest: Digest;
  /** What has happened since the channel was last told, oldest first. */
  readonly changes: readonly RequestEvent["type"][];
  readonly audience: Audience;
  /** The request's page: opening it decides nothing. */
  readonly page: string;
};

/** Where a channel has put a card: its own words, without secrets, at most `REFERENCE_BYTES_MAX` as JSON. */
export type Reference = JsonObject;

/** UTF-8 bytes of a reference as JSON, and of the name of a place. */
export const REFERENCE_BYTES_MAX = 2048;
export const PLACE_BYTES_MAX = 512;
/** Places in which one channel shows one request. */
export const PLACES_MAX = 64;

export type ChannelErrorCode =
  /** Not now: lost connection, time-out, an answer of 5xx. */
  | "channel_unavailable"
  /** Too fast: nothing is sent to the channel until `retryAfterMs` is over. */
  | "channel_rate_limited"
  /** Never: this place does not take this card, however often it is tried. */
  | "channel_refused"
  /** What the reference named is not there any more. */
  | "message_gone";

/** Why a channel could not deliver. Anything else that it throws counts as `channel_unavailable`. */
export class ChannelError extends Error {
  override readonly name = "ChannelError";
  readonly code: ChannelErrorCode;
  readonly retryAfterMs: number | undefined;

  constructor(options: { code: ChannelErrorCode; message: string; retryAfterMs?: number; cause?: unknown }) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/**
 * A way to reach people. It shows cards and brings back intents, and decides nothing: it never learns who may approve.
 *
 * - Every call may come twice with the same `notice.id` (the answer was lost, the server was killed): the second one does
 *   no harm, and where the service knows idempotency keys, nothing at all.
 * - A card whose `present` was taken, but whose answer was lost, is put up again, and nobody can close the first one: what
 *   is clicked there is refused with a reason, which the channel says where it was clicked.
 * - Notices of one request come one after the other, in the order of its entries; different requests at the same time.
 * - A call ends when the signal aborts, at the latest; it resolves only after the service has taken the message.
 * - It fails with a `ChannelError`. The outbox repeats, waits and gives up; a channel does not.
 * - Nothing of a card is dropped silently: what has no room is said to be missing.
 */
export interface Channel {
  /** The name in reviews, entries and metrics: lower-case letters, digits, `-`; unique in the installation. */
  readonly name: string;
  /**
   * `latest`: what stands somewhere shows how it is now; states in between may be skipped, and what is over before it was
   * shown is not shown at all. `every`: each change is a message of its own.
   */
  readonly tells: "latest" | "every";
  /** The places where this request is to be shown, by the channel's routing; the same names for the same places. */
  places(notice: Notice): readonly string[] | Promise<readonly string[]>;
  /** Shows a card where there was none. */
  present(place: string, notice: Notice, signal: AbortSignal): Promise<Reference>;
  /** Replaces what `present` or `update` left there; answers where it stands from now on. */
  update(place: string, reference: Reference, notice: Notice, signal: AbortSignal): Promise<Reference>;
  /** The last update: nothing more will come, and the reference is forgotten. */
  close(place: string, reference: Reference, notice: Notice, signal: AbortSignal): Promise<void>;
  /** Says once that the time to review is nearly over. */
  remind(place: string, reference: Reference, notice: Notice, signal: AbortSignal): Promise<void>;
}

/**
 * What somebody did in a channel, as the channel authenticated it: `account` is what the service vouches for, never a
 * name from a message. It carries no authority: core decides whose account that is and what the person may do.
 */
export type ChannelIntent = {
  readonly channel: string;
  readonly account: { readonly issuer: string; readonly subject: string };
  readonly request: string;
  /** The action's digest and the card's, as they stood on what was clicked. */
  readonly digest: string;
  readonly card: string | null;
  readonly verdict: Verdict;
  readonly reason: string | null;
  /** One click: the same nonce twice is one review. */
  readonly nonce: string;
};

/** What became of an intent, for the channel to say. */
export type IntentAnswer =
  | { readonly status: "recorded"; readonly card: Card }
  | { readonly status: "refused"; readonly refusal: Refusal }
  /** No person belongs to this account firmly enough: offer a one-time link, and nothing else. */
  | { readonly status: "unlinked" }
  /** A click is not evidence enough to approve this: open the request's page. */
  | { readonly status: "page" };

/** Where channels hand intents in; the answer comes when the review is durable, or refused. */
export type Intake = (intent: ChannelIntent) => Promise<IntentAnswer>;

/** One gesture of somebody in a chat, with what the channel needs to answer it: its own words, without secrets. */
export type Click = {
  /** `nonce` is the same for the same gesture, however often it is delivered or replayed. */
  readonly intent: ChannelIntent;
  /** When the channel received it. */
  readonly at: Instant;
  /** At most `REFERENCE_BYTES_MAX` as JSON. */
  readonly reply: Reference;
};

/** `late`: it took too long to keep it, the person has been shown an error, and nothing will come of the click. */
export type Taken = "taken" | "seen" | "late";

/** Keeps a click durably, and decides later: a channel acknowledges after this, and not before. */
export type Take = (click: Click) => Promise<Taken>;

/** What to tell who clicked, and nobody else. */
export type ClickAnswer =
  | { readonly status: "recorded"; readonly card: Card }
  | { readonly status: "refused"; readonly because: string }
  /** Nothing was decided. `link` joins the account to a person, once; null where nobody can be signed in. */
  | { readonly status: "unlinked"; readonly link: string | null }
  /** Nothing was decided: a click is not evidence enough. */
  | { readonly status: "page"; readonly page: string }
  /** Nothing was decided: for too long nobody could say whether the account still stands. */
  | { readonly status: "late" };

/**
 * A channel in which people click. It brings clicks in, and learns afterwards what to say to whom.
 *
 * - It hands in what the service itself signed or sent over a connection of ours, from the workspace that is named in
 *   the settings, and drops the rest.
 * - `vouch` and `answer` fail as the calls of a `Channel` do, and are then repeated for a while.
 */
export interface Clickable extends Channel {
  /** Brings clicks in until the signal aborts; faults of the connection are its own to mend. */
  listen(take: Take, signal: AbortSignal): Promise<void>;
  /** Why clicks do not come in at the moment, for the operator; null, or no such method, where nothing is known. */
  trouble?(): string | null;
  /** Asks the service whether this account may speak at all. */
  vouch(click: Click, signal: AbortSignal): Promise<Vouched>;
  /** Tells the person who clicked, where only they see it. */
  answer(click: Click, said: ClickAnswer, signal: AbortSignal): Promise<void>;
}

/** What the service says of an account: a full member, with the name and address it has there as hints, or why not. */
export type Vouched =
  | { readonly status: "vouched"; readonly name: string | null; readonly email: string | null }
  | { readonly status: "doubted"; readonly because: string };

/** A login that was just used, and how: what a person is shown before it becomes theirs. */
export type UsedLogin = {
  readonly issuer: string;
  readonly subject: string;
  readonly name: string;
  readonly email: string | null;
  readonly evidence: string;
};

/** Makes a one-time link with which the holder of this login joins it to a person; null where that is not possible. */
export type OfferLink = (login: UsedLogin) => Promise<string | null>;
