import { isJsonObject, parseJson, type JsonObject } from "../core/action/index.ts";
import { readBytes } from "./body.ts";
import { Unavailable, WireError } from "./errors.ts";

/** Bytes of an answer that holds one token. */
const ANSWER_BYTES_MAX = 65_536;
const TIMEOUT_MS = 15_000;

/** Where a platform's token is exchanged. `proof` is a proof of possession (RFC 9449) for a token that is bound to a key. */
export type ExchangeOptions = {
  readonly url: string;
  readonly proof?: string;
  readonly fetch?: typeof fetch;
  readonly signal?: AbortSignal;
};

/** A short token of one agent at one gate. */
export type Exchanged = {
  readonly token: string;
  readonly type: "Bearer" | "DPoP";
  readonly agent: string;
  readonly gate: string;
  readonly expiresInMs: number;
};

/**
 * Exchanges the token of a pipeline or workload for one of Keyturn (RFC 8693). A token is exchanged once: get a new one from
 * the platform for each exchange, also after a failure. `WireError` names why the server refuses; else `Unavailable`.
 */
export async function exchangeToken(subjectToken: string, options: ExchangeOptions): Promise<Exchanged> {
  const form = new URLSearchParams({
    grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
    subject_token: subjectToken,
    subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
  });
  const { status, body } = await call(`${options.url.replace(/\/+$/, "")}/v1/token`, options, {
    method: "POST",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      ...(options.proof === undefined ? {} : { dpop: options.proof }),
    },
    body: form.toString(),
  });
  if (status !== 200) {
    const { code, error, error_description: detail } = body;
    const word = typeof code === "string" ? code : typeof error === "string" ? error : `http_${status}`;
    throw new WireError({ status, code: word, detail: typeof detail === "string" ? detail : "it does not say why" });
  }
  const { access_token: token, token_type: type, expires_in: seconds, agent, gate } = body;
  if (typeof token !== "string" || typeof agent !== "string" || typeof gate !== "string") throw malformed();
  if ((type !== "Bearer" && type !== "DPoP") || typeof seconds !== "number") throw malformed();
  return { token, type, agent, gate, expiresInMs: seconds * 1000 };
}

/** The token of this GitHub Actions job for an audience; null outside such a job, or where it may not have one. */
export async function githubToken(
  audience: string,
  env: Readonly<Record<string, string | undefined>>,
  options: Pick<ExchangeOptions, "fetch" | "signal"> = {},
): Promise<string | null> {
  const { ACTIONS_ID_TOKEN_REQUEST_URL: address, ACTIONS_ID_TOKEN_REQUEST_TOKEN: token } = env;
  if (address === undefined || token === undefined || !URL.canParse(address)) return null;
  const url = new URL(address);
  url.searchParams.set("audience", audience);
  const { status, body } = await call(url.href, options, { headers: { authorization: `Bearer ${token}` } });
  const { value } = body;
  if (status === 200 && typeof value === "string") return value;
  throw new Unavailable({ code: "answer_malformed", message: "GitHub gave this job no token" });
}

async function call(
  url: string,
  { fetch: send = fetch, signal }: Pick<ExchangeOptions, "fetch" | "signal">,
  init: RequestInit,
): Promise<{ readonly status: number; readonly body: JsonObject }> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  let response: Response;
  try {
    // A redirect would carry the token to somebody else.
    const until = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
    response = await send(url, { ...init, redirect: "error", signal: until });
  } catch (cause) {
    throw new Unavailable({ code: "unreachable", message: `\`${new URL(url).origin}\` does not answer`, cause });
  }
  const bytes = await readBytes(response.body, ANSWER_BYTES_MAX);
  try {
    const body = parseJson(bytes);
    if (isJsonObject(body)) return { status: response.status, body };
  } catch (cause) {
    throw malformed(cause);
  }
  throw malformed();
}

function malformed(cause?: unknown): Unavailable {
  const message = "the answer to the exchange is not what RFC 8693 promises";
  return new Unavailable({ code: "answer_malformed", message, ...(cause === undefined ? {} : { cause }) });
}
