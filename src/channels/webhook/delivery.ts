import { createHmac } from "node:crypto";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { readSecret } from "../../config/index.ts";
import { assertReachable, guardedLookup } from "./address.ts";

/** Standard Webhooks asks for 24 to 64 bytes: 32 characters of base64 are 24 of them. */
const SECRET = /^whsec_[A-Za-z0-9+/_-]{32,}={0,2}$/;

/** Where deliveries go. */
export type Endpoint = {
  readonly url: string;
  /** Hosts that may be loopback or private addresses. */
  readonly allowPrivate: readonly string[];
};

/** One delivery: the body's bytes and the three headers of Standard Webhooks. */
export type Delivery = { readonly body: string | Uint8Array; readonly headers: Readonly<Record<string, string>> };

/** What the receiver said: its status, and when it wants to be asked again, in milliseconds. */
export type Answer = { readonly status: number; readonly retryAfterMs: number | undefined };

/**
 * Signs a body as Standard Webhooks does: HMAC-SHA256 over `id.timestamp.body`.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function signDelivery(secret: Uint8Array, id: string, seconds: number, body: string): Delivery {
  const signature = createHmac("sha256", secret).update(`${id}.${seconds}.${body}`).digest("base64");
  return {
    body,
    headers: {
      "content-type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": String(seconds),
      "webhook-signature": `v1,${signature}`,
    },
  };
}

/** Reads `whsec_…` from its file; a `ConfigError` says what is wrong with it. */
export function readWebhookSecret(file: string): Uint8Array {
  const text = readSecret(file, {
    message: "this is no webhook secret",
    hint: "write `whsec_` and 32 random bytes in base64, such as from `openssl rand -base64 32`",
    fits: SECRET,
  });
  return Buffer.from(text.slice("whsec_".length), "base64");
}

/**
 * Sends without following redirects, to the very address that was checked; what the receiver says is not read. Rejects with
 * an `AddressError` where the address may not be reached.
 */
export async function postDelivery(
  { url: text, allowPrivate }: Endpoint,
  { body, headers }: Delivery,
  signal: AbortSignal,
): Promise<Answer> {
  const url = new URL(text);
  assertReachable(url, allowPrivate);
  const lookup = guardedLookup(allowPrivate);
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const outgoing = send(url, {
      method: "POST",
      headers: { ...headers, "content-length": Buffer.byteLength(body) },
      lookup,
      agent: false,
      signal,
    });
    outgoing.once("error", reject);
    outgoing.once("response", (answer) => {
      answer.resume();
      resolve({ status: answer.statusCode ?? 0, retryAfterMs: retryAfterOf(answer.headers["retry-after"]) });
    });
    outgoing.end(body);
  });
}

/** RFC 9110 §10.2.3: seconds or a date. */
function retryAfterOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,6}$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}
