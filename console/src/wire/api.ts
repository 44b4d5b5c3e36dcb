import type { Me, Page, Person, Statement, Verdict, View } from "../model/view.ts";
import { noteServerTime } from "./clock.ts";

/** What the server answered instead of a result: RFC 9457. `status` 0 means that it did not answer. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string;

  constructor(options: { status: number; code: string; message: string }) {
    super(options.message);
    this.status = options.status;
    this.code = options.code;
  }
}

const REQUEST_TIMEOUT_MS = 20_000;

/** Asks the server; an `ApiError` for everything but a result. */
export async function call<T>(method: "GET" | "POST", path: string, body?: object): Promise<T> {
  const init: RequestInit = {
    method,
    credentials: "same-origin",
    cache: "no-store",
    redirect: "error",
    headers: {
      accept: "application/json, application/problem+json",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  };
  if (body !== undefined) init.body = JSON.stringify(body);
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch {
    throw new ApiError({
      status: 0,
      code: "unreachable",
      message: "The server did not answer. Nothing is known to have changed; try again.",
    });
  }
  noteServerTime(response.headers.get("date"));
  const answer = await readJson(response);
  if (response.ok && answer !== null) return answer as T;
  throw problem(response.status, answer);
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return null;
  }
}

function problem(status: number, answer: unknown): ApiError {
  const body = typeof answer === "object" && answer !== null ? answer : {};
  const text = (member: "code" | "detail" | "title"): string | null => {
    const value: unknown = member in body ? body[member as keyof typeof body] : null;
    return typeof value === "string" && value !== "" ? value : null;
  };
  return new ApiError({
    status,
    code: text("code") ?? "unexpected_answer",
    message: sentence(text("detail") ?? text("title") ?? `The server answered ${status} without saying why.`),
  });
}

/** The server's words stand in the middle of a line elsewhere; here they stand alone. */
function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?:]$/.test(first) ? first : `${first}.`;
}

const one = (id: string): string => `/v1/requests/${encodeURIComponent(id)}`;

/** Who is signed in; null when nobody is. */
export async function getMe(): Promise<Me | null> {
  try {
    return await call<Me>("GET", "/v1/me");
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}

export async function signIn(code: string): Promise<void> {
  await call<{ person: Person }>("POST", "/v1/sign-in", { code });
}

export async function signOut(): Promise<void> {
  await call<object>("POST", "/v1/sign-out", {});
}

export async function actAs(person: string): Promise<void> {
  await call<{ person: Person }>("POST", "/v1/demo/act-as", { person });
}

export async function getRequests(status: "pending" | "decided", limit: number, cursor: string | null): Promise<Page> {
  const query = new URLSearchParams({ status, limit: String(limit) });
  if (cursor !== null) query.set("cursor", cursor);
  return call<Page>("GET", `/v1/requests?${query.toString()}`);
}

export async function getRequest(id: string): Promise<View> {
  return call<View>("GET", one(id));
}

/** `digest` is the one that was on the screen; `nonce` makes a repeated post one review. */
export type ReviewIntent = {
  readonly verdict: Verdict;
  readonly digest: string;
  readonly card?: string;
  readonly nonce: string;
  readonly reason?: string;
  readonly assertion?: Assertion;
};

/** What an authenticator signed; bytes in base64url, here and below. */
export type Assertion = {
  readonly credential: string;
  readonly authenticator_data: string;
  readonly client_data_json: string;
  readonly signature: string;
};
type Listed = { readonly type: "public-key"; readonly id: string };
/** What the server says of a signature to be made. */
export type RequestAsked = {
  readonly rpId: string;
  readonly timeout: number;
  readonly userVerification: UserVerificationRequirement;
  readonly allowCredentials: readonly Listed[];
};
/** What the server says of a passkey to be made. */
export type CreationAsked = Omit<PublicKeyCredentialCreationOptions, "challenge" | "user" | "excludeCredentials"> & {
  readonly challenge: string;
  readonly user: { readonly id: string; readonly name: string; readonly displayName: string };
  readonly excludeCredentials: readonly Listed[];
};
export type Enrolment = {
  readonly credential: string;
  readonly client_data_json: string;
  readonly attestation_object: string;
  /** A passkey that is enrolled already signs for the new one. */
  readonly vouch?: Assertion;
};
export type Passkey = { readonly id: string; readonly synced: boolean; readonly since: string };
/** One's own passkeys; `because` says why none can be enrolled now. */
export type Passkeys = {
  readonly passkeys: readonly Passkey[];
  readonly can_enrol: boolean;
  readonly because: string | null;
};

export async function postChallenge(
  id: string,
  intent: ReviewIntent,
): Promise<{ readonly statement: Statement; readonly options: RequestAsked }> {
  return call("POST", `${one(id)}/reviews/challenge`, intent);
}

export async function getPasskeys(): Promise<Passkeys> {
  return call("GET", "/v1/me/passkeys");
}

export async function postPasskeyChallenge(): Promise<CreationAsked> {
  return (await call<{ options: CreationAsked }>("POST", "/v1/me/passkeys/challenge", {})).options;
}

export async function enrolPasskey(made: Enrolment): Promise<{ readonly status: "applied" | "held" }> {
  return call("POST", "/v1/me/passkeys", made);
}

export async function revokePasskey(id: string): Promise<void> {
  await call<object>("POST", `/v1/me/passkeys/${encodeURIComponent(id)}/revoke`, {});
}

export async function postReview(id: string, intent: ReviewIntent): Promise<View> {
  const { request } = await call<{ request: View }>("POST", `${one(id)}/reviews`, intent);
  return request;
}
