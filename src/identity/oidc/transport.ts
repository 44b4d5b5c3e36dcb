import { isLoopback } from "./config.ts";
import { OidcError } from "./errors.ts";

/** Milliseconds until a provider must have answered one request, body and all. */
export const PROVIDER_TIMEOUT_MS = 10_000;
/** Bytes of one answer of a provider: the largest key sets and tokens are far smaller. */
export const ANSWER_BYTES_MAX = 1_048_576;

/** Whether a provider may be reached there: over TLS, or on this machine. */
export function isReachable(url: URL): boolean {
  return url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url));
}

export type Fetched = { readonly method: string; readonly headers: Record<string, string>; readonly body?: unknown };

/** Asks a provider, with a limit on everything: no redirects, a time limit, a size limit, TLS except on the loopback. */
export async function fetchFromProvider(address: string, { method, headers, body }: Fetched): Promise<Response> {
  const url = new URL(address);
  if (!isReachable(url)) {
    const message = `the identity provider names an address without TLS (${url.origin}): it has to be https`;
    throw new OidcError({ code: "provider_invalid", message });
  }
  const sent = body === undefined || body === null ? {} : { body: body as NonNullable<RequestInit["body"]> };
  try {
    const signal = AbortSignal.timeout(PROVIDER_TIMEOUT_MS);
    const response = await fetch(url, { method, headers, redirect: "manual", signal, ...sent });
    return new Response(await readLimited(response), response);
  } catch (cause) {
    if (cause instanceof OidcError) throw cause;
    const message = `the identity provider at ${url.origin} does not answer; try again in a while`;
    throw new OidcError({ code: "provider_unavailable", message, cause });
  }
}

async function readLimited(response: Response): Promise<Uint8Array<ArrayBuffer> | null> {
  if (response.body === null) return null;
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body) {
    size += part.length;
    if (size > ANSWER_BYTES_MAX) {
      throw new OidcError({ code: "provider_invalid", message: "the identity provider's answer is too large" });
    }
    parts.push(part);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
