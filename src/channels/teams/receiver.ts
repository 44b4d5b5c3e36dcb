import { parseJson } from "../../core/action/index.ts";
import type { Json, JsonObject } from "../../core/action/index.ts";
import { ChannelError } from "../../ports/channel.ts";
import type { Take } from "../../ports/channel.ts";
import type { Clock } from "../../ports/clock.ts";
import { Envelope, gestureOf, REASON_BYTES_MAX } from "./activity.ts";
import type { ActivityFault, Gesture } from "./activity.ts";
import { issuerOf } from "./config.ts";
import type { TeamsConfig } from "./config.ts";
import { SigningKeys } from "./keys.ts";
import { checkToken } from "./token.ts";
import type { TokenFault } from "./token.ts";

/** Bytes of one activity. */
export const TEAMS_BODY_BYTES_MAX: number = 256 * 1024;
/** For so long a click waits for what became of it; Teams shows an error to who clicked after some ten seconds. */
export const ANSWER_WAIT_MS = 2500;

export type DropReason = TokenFault | ActivityFault | "not_open" | "keys_unavailable";

/** What to answer to Teams. */
export type Received = { readonly status: 200 | 401 | 403 | 503; readonly body: JsonObject | null };

type ReceiverParts = {
  readonly config: TeamsConfig;
  readonly clock: Clock;
  readonly onDropped: (because: DropReason) => void;
  /** Waits at most so long for an answer; tests do not. */
  readonly waitMs?: number;
};

type Incoming = { readonly authorization: string | undefined; readonly body: Uint8Array };

/**
 * Turns activities into clicks. One is acknowledged after the click is durable, with what became of it where that is known
 * soon enough. Microsoft's own libraries take a replay, a foreign tenant and a key of another channel; this one does not.
 */
export class Receiver {
  readonly #parts: ReceiverParts;
  readonly #keys: SigningKeys;
  readonly #waiting = new Map<string, (text: string) => void>();
  #take: Take | null = null;

  constructor(parts: ReceiverParts) {
    this.#parts = parts;
    this.#keys = new SigningKeys(parts.config.cloud, parts.clock);
  }

  /** From now on clicks are taken. */
  open(take: Take): void {
    this.#take = take;
  }

  /** Gives the one who clicked, and still waits, their answer; false where nobody waits any more. */
  tell(nonce: string, text: string): boolean {
    const waiting = this.#waiting.get(nonce);
    waiting?.(text);
    return waiting !== undefined;
  }

  /** One HTTP request. */
  async http({ authorization, body }: Incoming): Promise<Received> {
    const { config, clock } = this.#parts;
    const raw = body.length > TEAMS_BODY_BYTES_MAX ? undefined : parsedBody(body);
    const envelope = Envelope.safeParse(raw);
    if (!envelope.success) return this.#drop("not_understood", 403);
    const { serviceUrl } = envelope.data;
    const expected = { app: config.app, issuer: config.cloud.issuer, serviceUrl };
    const fault = await checkToken(authorization, expected, this.#keys, clock.now()).catch(unreachable);
    if (fault !== null) return this.#drop(fault, fault === "keys_unavailable" ? 503 : 401);
    if (this.#take === null) return this.#drop("not_open", 503);
    const gesture = gestureOf(raw, config, clock.now());
    if ("fault" in gesture) return this.#drop(gesture.fault, 403);
    switch (gesture.kind) {
      case "nothing":
        return { status: 200, body: null };
      case "wrong_reason":
        return said(`Nothing was decided: a reason may have at most ${REASON_BYTES_MAX} bytes.`);
      case "verdict":
        return this.#decide(gesture, this.#take);
      default:
        return gesture satisfies never;
    }
  }

  async #decide(gesture: Extract<Gesture, { kind: "verdict" }>, take: Take): Promise<Received> {
    const { config, clock, waitMs = ANSWER_WAIT_MS } = this.#parts;
    const { user, place, request, digest, card, verdict, reason, nonce } = gesture;
    const account = { issuer: issuerOf(config, place.tenant), subject: user };
    const intent = { channel: "teams", account, request, digest, card, verdict, reason, nonce };
    const told = Promise.withResolvers<string | null>();
    // A second delivery of the same click must not take the first one's answer.
    const isFirst = !this.#waiting.has(nonce);
    if (isFirst) this.#waiting.set(nonce, told.resolve);
    const timer = setTimeout(() => told.resolve(null), waitMs);
    try {
      const taken = await take({ intent, at: clock.now(), reply: { ...place } });
      switch (taken) {
        case "late":
          return failed("Nothing was decided: it took too long to keep your click. Try again.");
        case "seen":
          return said("This click is known already.");
        case "taken":
          return said((await told.promise) ?? "Received. The card changes as soon as it is decided.");
        default:
          return taken satisfies never;
      }
    } finally {
      clearTimeout(timer);
      if (isFirst) this.#waiting.delete(nonce);
    }
  }

  #drop(because: DropReason, status: Received["status"]): Received {
    this.#parts.onDropped(because);
    return { status, body: null };
  }
}

/** The answer to an `adaptiveCard/action` as a line below the card, seen by who clicked alone. */
function said(text: string): Received {
  const body = { statusCode: 200, type: "application/vnd.microsoft.activity.message", value: text };
  return { status: 200, body };
}

function failed(message: string): Received {
  const value = { code: "Unavailable", message };
  return { status: 200, body: { statusCode: 500, type: "application/vnd.microsoft.error", value } };
}

/** Nobody can say whose signature it is: not a fault of ours, and anybody can bring it about. */
function unreachable(error: unknown): "keys_unavailable" {
  if (error instanceof ChannelError) return "keys_unavailable";
  throw error;
}

function parsedBody(body: Uint8Array): Json | undefined {
  try {
    return parseJson(body, { bytesMax: TEAMS_BODY_BYTES_MAX, depthMax: 32 });
  } catch {
    return undefined;
  }
}
