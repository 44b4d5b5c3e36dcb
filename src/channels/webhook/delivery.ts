import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { ConfigError } from "../../ports/config.ts";
import { assertReachable, guardedLookup } from "./address.ts";

/** Standard Webhooks asks for 24 to 64 bytes. */
const SECRET_BYTES_MIN = 24;

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
export function readSecret(file: string): Uint8Array {
  const refuse = (message: string, cause?: unknown): ConfigError => {
    const hint = "write `whsec_` and 32 random bytes in base64, such as from `openssl rand -base64 32`";
    const problems = [{ file, line: 0, column: 0, message, hint }];
    return new ConfigError({ code: "config_invalid", problems, ...(cause === undefined ? {} : { cause }) });
  };
  let text: string;
  try {
    text = readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw refuse("the webhook's secret cannot be read", cause);
  }
  const secret = Buffer.from(text.replace(/^whsec_/, ""), "base64");
  if (!text.startsWith("whsec_") || secret.length < SECRET_BYTES_MIN) throw refuse("this is no webhook secret");
  return secret;
}

/** Sends without following redirects, to the very address that was checked; what the receiver says is not read. */
export function postDelivery(
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
