import type { Json } from "../core/action/index.ts";
import { isJsonObject, parseJson } from "../core/action/index.ts";
import { WireError } from "./errors.ts";

/** Characters of a problem's code or detail that we repeat. */
export const PROBLEM_CHARS_MAX = 2_000;
/** The longest `Retry-After` that is believed, in milliseconds. */
export const RETRY_AFTER_MAX_MS: number = 60 * 60 * 1000;

/** Reads an error answer: RFC 9457 where it is one, else what the status alone says. Never throws. */
export function problemOf(status: number, headers: Pick<Headers, "get">, bytes: Uint8Array): WireError {
  const body = bodyOf(bytes);
  const code = member(body, "code") ?? `http_${status}`;
  const detail = member(body, "detail") ?? member(body, "title") ?? `the server answered with status ${status}`;
  return new WireError({
    status,
    code,
    detail,
    pointer: member(body, "pointer") ?? "",
    retryAfterMs: retryAfterOf(headers.get("retry-after")),
  });
}

function bodyOf(bytes: Uint8Array): Json {
  try {
    return parseJson(bytes);
  } catch {
    return null; // a proxy's HTML page: the status has to do
  }
}

function member(body: Json, name: string): string | null {
  const value = isJsonObject(body) ? body[name] : undefined;
  return typeof value === "string" && value !== "" ? value.slice(0, PROBLEM_CHARS_MAX) : null;
}

/** RFC 9110 §10.2.3: seconds, or a date. */
function retryAfterOf(header: string | null): number | null {
  if (header === null) return null;
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), RETRY_AFTER_MAX_MS);
}
