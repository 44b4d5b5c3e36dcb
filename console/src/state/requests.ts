import { newest, news } from "../model/requests.ts";
import type { View } from "../model/view.ts";
import * as api from "../wire/api.ts";
import { type Connection, listen } from "../wire/stream.ts";
import { announce } from "./announce.ts";
import { createStore, type Store } from "./store.ts";

const PENDING_PAGE = 50;
const DECIDED_PAGE = 20;

export type Part = "pending" | "decided";
export type Requests = {
  readonly views: ReadonlyMap<string, View>;
  readonly connection: Connection;
  /** False until the first answer is there: an empty inbox must not be shown before it is known to be empty. */
  readonly loaded: boolean;
  readonly problem: string | null;
  /** Where the next page of each part starts, or null. */
  readonly more: { readonly [part in Part]: string | null };
};

const NOTHING: Requests = {
  views: new Map(),
  connection: "connecting",
  loaded: false,
  problem: null,
  more: { pending: null, decided: null },
};

export const requests: Store<Requests> = createStore(NOTHING);

// Answers that were asked for by the last person must not arrive at the next one.
let era = 0;

/** Forgets everything, as at a change of person. */
export function forget(): void {
  era += 1;
  requests.set(() => NOTHING);
}

/** Takes in views from any source; the one that knows more wins. */
export function take(arrived: readonly View[]): void {
  requests.set((state) => {
    const views = new Map(state.views);
    for (const view of arrived) views.set(view.id, newest(views.get(view.id), view));
    return { ...state, views };
  });
}

/** Reads the first page of both parts again. */
async function reload(): Promise<void> {
  const asked = era;
  try {
    const [pending, decided] = await Promise.all([
      api.getRequests("pending", PENDING_PAGE, null),
      api.getRequests("decided", DECIDED_PAGE, null),
    ]);
    if (asked !== era) return;
    take([...pending.requests, ...decided.requests]);
    await settle(pending.requests, pending.next_cursor === null);
    requests.set((state) => ({
      ...state,
      loaded: true,
      problem: null,
      more: { pending: pending.next_cursor, decided: decided.next_cursor },
    }));
  } catch (error) {
    if (asked === era)
      requests.set((state) => ({ ...state, problem: error instanceof Error ? error.message : String(error) }));
  }
}

/** Whatever is pending here but no longer there was decided while nobody listened: it is asked for by name. */
async function settle(pending: readonly View[], complete: boolean): Promise<void> {
  if (!complete) return;
  const there = new Set(pending.map((view) => view.id));
  const gone = [...requests.get().views.values()].filter((view) => view.status === "pending" && !there.has(view.id));
  await Promise.all(gone.map((view) => load(view.id).catch(() => undefined)));
}

/** Reads the next page of one part. */
export async function loadMore(part: Part): Promise<void> {
  const asked = era;
  const cursor = requests.get().more[part];
  if (cursor === null) return;
  const page = await api.getRequests(part, part === "pending" ? PENDING_PAGE : DECIDED_PAGE, cursor);
  if (asked !== era) return;
  take(page.requests);
  requests.set((state) => ({ ...state, more: { ...state.more, [part]: page.next_cursor } }));
}

/** Reads one request; rejects with ApiError. */
export async function load(id: string): Promise<void> {
  const asked = era;
  const view = await api.getRequest(id);
  if (asked === era) take([view]);
}

/** Keeps everything live until the returned function is called. */
export function follow(): () => void {
  return listen({
    state: (connection) => requests.set((state) => ({ ...state, connection })),
    opened: () => void reload(),
    request: (view) => {
      const said = news(requests.get().views.get(view.id), view);
      take([view]);
      if (said !== null) announce(said);
    },
  });
}
