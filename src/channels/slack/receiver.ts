import { JSON_BYTES_MAX, parseJson } from "../../core/action/index.ts";
import type { JsonObject } from "../../core/action/index.ts";
import { ChannelError } from "../../ports/channel.ts";
import type { Take } from "../../ports/channel.ts";
import type { Clock } from "../../ports/clock.ts";
import { REASON_BLOCK, REASON_VIEW } from "./actions.ts";
import type { SlackApi } from "./api.ts";
import { plainText, richText, section, words } from "./blocks.ts";
import { issuerOf } from "./config.ts";
import type { SlackConfig } from "./config.ts";
import { gestureOf, REASON_BYTES_MAX } from "./gesture.ts";
import type { Gesture, GestureFault, Place } from "./gesture.ts";
import { checkSignature } from "./signature.ts";
import type { Signed, SignatureFault } from "./signature.ts";

/** Bytes of one body that Slack sends. */
const BODY_BYTES_MAX: number = 256 * 1024;
/** Dialogs that were asked for lately: a repeated click opens no second one. */
const TRIGGERS_MAX = 1000;

export type DropReason = SignatureFault | GestureFault | "not_open";

/** What to answer to Slack. */
export type Received = { readonly status: 200 | 401 | 403 | 404 | 503; readonly body: JsonObject | null };

type ReceiverParts = {
  readonly config: SlackConfig;
  readonly api: SlackApi;
  readonly clock: Clock;
  /** The signing secret; null where Slack is only reached through a socket. */
  readonly secret: string | null;
  readonly onDropped: (because: DropReason) => void;
  readonly onFault: (message: string) => void;
};

/**
 * Turns what Slack sends into clicks. It is acknowledged after the click is durable; whether it counts is decided later.
 * Slack's own receivers take a replay, a timestamp of tomorrow and another workspace's click; this one does not.
 */
export class Receiver {
  /** For whoever reads the body. */
  readonly bodyBytesMax: number = BODY_BYTES_MAX;
  readonly #parts: ReceiverParts;
  readonly #asked = new Set<string>();
  #take: Take | null = null;

  constructor(parts: ReceiverParts) {
    this.#parts = parts;
  }

  /** From now on clicks are taken. */
  open(take: Take): void {
    this.#take = take;
  }

  /** One HTTP request of Slack's. */
  async http(signed: Signed): Promise<Received> {
    const { secret, clock } = this.#parts;
    if (secret === null) return { status: 404, body: null };
    const fault =
      signed.body.length > BODY_BYTES_MAX ? "signature_missing" : checkSignature(secret, signed, clock.now());
    if (fault !== null) return this.#drop(fault, 401);
    const payload = payloadOf(signed.body);
    return payload === undefined ? this.#drop("not_understood", 403) : this.receive(payload);
  }

  /** One payload whose sender is proven, by its signature or by the connection. */
  async receive(payload: unknown): Promise<Received> {
    const { config, clock } = this.#parts;
    const at = clock.now();
    if (this.#take === null) return this.#drop("not_open", 503);
    const gesture = gestureOf(payload, config);
    if ("fault" in gesture) return this.#drop(gesture.fault, 403);
    switch (gesture.kind) {
      case "nothing":
        return { status: 200, body: null };
      case "wrong_reason": {
        const said = `A reason may have at most ${REASON_BYTES_MAX} bytes.`;
        return { status: 200, body: { response_action: "errors", errors: { [REASON_BLOCK]: said } } };
      }
      case "ask_reason":
        this.#ask(gesture);
        return { status: 200, body: null };
      case "verdict": {
        const { user, value, verdict, reason, nonce, place } = gesture;
        const account = { issuer: issuerOf(config), subject: user };
        const intent = { channel: "slack", account, ...value, verdict, reason, nonce };
        const taken = await this.#take({ intent, at, reply: { ...place } });
        // Slack shows an error then, and rightly: nothing will come of it.
        if (taken === "late") return { status: 503, body: null };
        return { status: 200, body: reason === null ? null : { response_action: "clear" } };
      }
      default:
        return gesture satisfies never;
    }
  }

  /** Opens the dialog after the acknowledgement: Slack gives three seconds for both. */
  #ask({ trigger, value, user, place }: Extract<Gesture, { kind: "ask_reason" }>): void {
    if (this.#asked.has(trigger)) return;
    if (this.#asked.size >= TRIGGERS_MAX) this.#asked.clear();
    this.#asked.add(trigger);
    const view = {
      type: "modal",
      callback_id: REASON_VIEW,
      title: plainText("Deny this action"),
      submit: plainText("Deny"),
      close: plainText("Back"),
      private_metadata: JSON.stringify({ value, ...place }),
      blocks: [
        {
          type: "input",
          block_id: REASON_BLOCK,
          label: plainText("Why? The agent and the record will have it."),
          element: {
            type: "plain_text_input",
            action_id: REASON_BLOCK,
            multiline: true,
            min_length: 1,
            max_length: REASON_BYTES_MAX,
          },
        },
      ],
    };
    this.#parts.api.call("views.open", { trigger_id: trigger, view }).catch((error: unknown) => {
      this.#parts.onFault(error instanceof ChannelError ? error.message : String(error));
      return this.#noDialog(user, place);
    });
  }

  /** Otherwise the button would seem dead. */
  async #noDialog(user: string, { channel, ts }: Place): Promise<void> {
    const text = "Slack did not open the dialog in time, and nothing was decided. Try again, or deny without a reason.";
    const blocks = [richText([section(words(text))])];
    await this.#parts.api
      .call("chat.postEphemeral", { channel, user, thread_ts: ts, text: "Nothing was decided.", blocks })
      .catch(() => {}); // it was tried; the fault is told already
  }

  #drop(because: DropReason, status: Received["status"]): Received {
    this.#parts.onDropped(because);
    return { status, body: null };
  }
}

/** The one `payload` of a form, parsed strictly; undefined where there is none. */
function payloadOf(body: Uint8Array): unknown {
  try {
    const fields = new URLSearchParams(new TextDecoder("utf-8", { fatal: true }).decode(body)).getAll("payload");
    const [payload] = fields;
    if (payload === undefined || fields.length !== 1) return undefined;
    return parseJson(payload, { bytesMax: JSON_BYTES_MAX, depthMax: 64 });
  } catch {
    return undefined;
  }
}
