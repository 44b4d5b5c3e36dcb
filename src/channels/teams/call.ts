import { jsonAt, parseJson } from "../../core/action/index.ts";
import type { Json } from "../../core/action/index.ts";
import { ChannelError } from "../../ports/channel.ts";

/** Milliseconds for one call of Microsoft's. */
export const CALL_MS_MAX = 4000;
/** Bytes of one answer. */
const ANSWER_BYTES_MAX: number = 256 * 1024;
/** Where 429 does not say for how long. */
const RETRY_AFTER_MS_DEFAULT = 5000;

export type Answer = { readonly status: number; readonly body: Json | null; readonly retryAfterMs: number | null };

type Call = {
  readonly method: "GET" | "POST" | "PUT";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
};

/** One call: bounded in time and size, and to this very address, since a redirection could carry the token elsewhere. */
export async function call({ method, url, headers, body }: Call, signal?: AbortSignal): Promise<Answer> {
  const timeout = AbortSignal.timeout(CALL_MS_MAX);
  try {
    const response = await fetch(url, {
      method,
      headers,
      redirect: "error",
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      ...(body === undefined ? {} : { body }),
    });
    const text = await textOf(response);
    return {
      status: response.status,
      body: jsonOf(text),
      retryAfterMs: retryAfterOf(response.headers.get("retry-after")),
    };
  } catch (cause) {
    if (cause instanceof ChannelError) throw cause;
    throw unavailable(`${new URL(url).host} cannot be reached`, cause);
  }
}

/** The error that an answer of this kind stands for. */
export function failureOf({ status, body, retryAfterMs }: Answer, what: string): ChannelError {
  const message = `Microsoft answered ${status}${codeOf(body)} to ${what}`;
  if (status === 429) {
    return new ChannelError({
      code: "channel_rate_limited",
      message,
      retryAfterMs: retryAfterMs ?? RETRY_AFTER_MS_DEFAULT,
    });
  }
  // Not installed there, blocked, removed, or not taken as it is; a wrong secret or an outage may be mended.
  const stays = [400, 403, 404, 405, 410, 413, 415];
  return new ChannelError({ code: stays.includes(status) ? "channel_refused" : "channel_unavailable", message });
}

export function unavailable(message: string, cause?: unknown): ChannelError {
  return new ChannelError({ code: "channel_unavailable", message, ...(cause === undefined ? {} : { cause }) });
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > ANSWER_BYTES_MAX) throw unavailable(`${new URL(response.url).host} answers too much`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function jsonOf(text: string): Json | null {
  try {
    return parseJson(text, { bytesMax: ANSWER_BYTES_MAX, depthMax: 32 });
  } catch {
    return null;
  }
}

/** RFC 9110 §10.2.3: seconds or a date. */
function retryAfterOf(header: string | null): number | null {
  if (header === null) return null;
  if (/^\d{1,6}$/.test(header)) return Math.max(1, Number(header)) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(1000, at - Date.now());
}

/** Microsoft's own word for it, where there is one: `{"error": {"code": …}}`. */
function codeOf(body: Json | null): string {
  const code = jsonAt(body ?? undefined, "error", "code") ?? jsonAt(body ?? undefined, "error");
  return typeof code === "string" && /^[\w.-]{1,80}$/.test(code) ? ` (${code})` : "";
}
