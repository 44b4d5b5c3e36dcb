import { parseJson } from "../core/action/index.ts";
import { parseId } from "../core/ids.ts";
import { backoffDelay, mayPass, pause, reasonOf } from "./backoff.ts";
import type { Me, SignedIn, View, ViewPage } from "./people.ts";
import { readMe, readReviewed, readSignedIn, readView, readViewPage } from "./people.ts";
import { readEvents } from "./sse.ts";
import { STREAM_SILENCE_MS } from "./tasks.ts";
import type { Transport } from "./transport.ts";

export type ReviewRequest = {
  readonly verdict: "approve" | "deny";
  /** The digest that was shown: another one is refused. */
  readonly digest: string;
  /** `card_digest` of the view that was shown. */
  readonly card?: string;
  readonly reason?: string;
  /** One per decision of the person: the same nonce sent again is the same review. */
  readonly nonce: string;
};

export type ViewFilter = { readonly status?: string; readonly limit?: number; readonly cursor?: string };

/** `connected` says that changes may have been missed: fetch the list again. */
export type RequestChange =
  | { readonly type: "connected" }
  | { readonly type: "lost"; readonly error: Error }
  | { readonly type: "request"; readonly view: View };

type Signal = { readonly signal?: AbortSignal | undefined };

/** What a signed-in person may do; reading is open to the operator too. */
export type PersonOperations = {
  /** Trades the one-time code of a sign-in link for a session; never repeated, because a code works once. */
  signIn(code: string, options?: Signal): Promise<SignedIn>;
  signOut(options?: Signal): Promise<void>;
  me(options?: Signal): Promise<Me>;
  requests(filter?: ViewFilter, options?: Signal): Promise<ViewPage>;
  view(id: string, options?: Signal): Promise<View>;
  review(id: string, review: ReviewRequest, options?: Signal): Promise<View>;
  /** Every change from now on, reconnecting for ever; ends only by the signal or a refusal. */
  requestChanges(options?: Signal): AsyncGenerator<RequestChange, void, undefined>;
};

export function personOperations(transport: Transport): PersonOperations {
  const read = async (path: string, options: Signal = {}): ReturnType<Transport["json"]> =>
    transport.json({ method: "GET", path, idempotent: true, signal: options.signal, bytesMax: PAGE_BYTES_MAX });
  const change = { method: "POST", idempotent: false } as const;
  return {
    signIn: async (code, { signal } = {}) =>
      readSignedIn(await transport.json({ ...change, path: "/v1/sign-in", body: { code, client: "cli" }, signal }), ""),
    signOut: async ({ signal } = {}) => {
      await transport.json({ ...change, idempotent: true, path: "/v1/sign-out", body: {}, signal });
    },
    me: async (options) => readMe(await read("/v1/me", options), ""),
    requests: async (filter = {}, options) => readViewPage(await read(`/v1/requests${queryOf(filter)}`, options), ""),
    view: async (id, options) => readView(await read(viewPath(id), options), ""),
    review: async (id, review, { signal } = {}) => {
      const call = { ...change, idempotent: true, path: `${viewPath(id)}/reviews`, body: { ...review }, signal };
      return readReviewed(await transport.json(call), "").request;
    },
    requestChanges: (options = {}) => changes(transport, options.signal),
  };
}

/** A page of requests may be larger than one request is. */
const PAGE_BYTES_MAX: number = 32 * 1024 * 1024;

async function* changes(transport: Transport, signal?: AbortSignal): AsyncGenerator<RequestChange, void, undefined> {
  for (let attempt = 0; ; attempt++) {
    const stop = new AbortController();
    let silence = setTimeout(() => stop.abort(), STREAM_SILENCE_MS);
    const onAbort = (): void => stop.abort();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      const call = { method: "GET", path: "/v1/stream", idempotent: false, signal } as const;
      const body = await transport.open(call, "text/event-stream", stop);
      yield { type: "connected" };
      const heard = (): void => {
        attempt = 0;
        clearTimeout(silence);
        silence = setTimeout(() => stop.abort(), STREAM_SILENCE_MS);
      };
      for await (const { event, data } of readEvents(body, heard)) {
        if (event === "request") yield { type: "request", view: readView(parseJson(data), "") };
      }
    } catch (error) {
      if (signal?.aborted === true) throw reasonOf(signal);
      if (!mayPass(error) || !(error instanceof Error)) throw error;
      yield { type: "lost", error };
    } finally {
      clearTimeout(silence);
      signal?.removeEventListener("abort", onAbort);
      stop.abort();
    }
    await pause(backoffDelay(attempt, Math.random()), signal);
  }
}

function viewPath(id: string): string {
  return `/v1/requests/${parseId("request", id)}`;
}

function queryOf(filter: ViewFilter): string {
  const query = new URLSearchParams();
  if (filter.status !== undefined) query.set("status", filter.status);
  if (filter.limit !== undefined) query.set("limit", String(filter.limit));
  if (filter.cursor !== undefined) query.set("cursor", filter.cursor);
  return query.size === 0 ? "" : `?${query.toString()}`;
}
