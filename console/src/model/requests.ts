import { instant } from "./time.ts";
import type { View } from "./view.ts";

export type Show = "all" | "pending" | "decided";

const time = (at: string | null): number => instant(at) ?? 0;

/** Pending requests, the one that runs out first on top. */
export function pendingOf(views: Iterable<View>): readonly View[] {
  return [...views]
    .filter((view) => view.status === "pending")
    .toSorted((a, b) => time(a.expires_at) - time(b.expires_at) || a.id.localeCompare(b.id));
}

/** Decided requests, the newest decision on top. */
export function decidedOf(views: Iterable<View>): readonly View[] {
  return [...views]
    .filter((view) => view.status !== "pending")
    .toSorted(
      (a, b) => time(b.closed_at ?? b.expires_at) - time(a.closed_at ?? a.expires_at) || a.id.localeCompare(b.id),
    );
}

/**
 * How far a request has come, most telling first. Reviews are only ever added or voided, also where a voided one opens
 * an approved request again; a permit may expire and be issued anew, so only its use counts.
 */
function progress(view: View): readonly number[] {
  const voided = view.reviews.filter((review) => review.voided).length;
  const closed = view.status === "pending" ? 0 : 1;
  const used = view.permit?.status === "redeemed" ? 1 : 0;
  return [view.reviews.length + voided, closed, used, view.outcome === null ? 0 : 1];
}

/** Of two answers that may have overtaken each other, the one that knows more. At a tie the later arrival. */
export function newest(held: View | undefined, arrived: View): View {
  if (held === undefined) return arrived;
  const then = progress(held);
  const now = progress(arrived);
  const at = then.findIndex((value, part) => value !== now[part]);
  return at !== -1 && (then[at] ?? 0) > (now[at] ?? 0) ? held : arrived;
}

/** What a change is worth saying aloud, or null. `me` is the person who is signed in. */
export function news(held: View | undefined, arrived: View): string | null {
  const what = arrived.title ?? arrived.action.name;
  if (held === undefined)
    return arrived.status === "pending" ? `New request, ${arrived.risk.level} risk: ${what}` : null;
  if (held.status !== arrived.status) return `${what}: ${arrived.status}`;
  if (held.reviews.length < arrived.reviews.length) return `${what}: a new review`;
  if (held.permit?.status !== arrived.permit?.status && arrived.permit?.status === "redeemed")
    return `${what}: released`;
  if (held.outcome === null && arrived.outcome !== null) return `${what}: outcome ${arrived.outcome.status}`;
  return null;
}

/** The neighbour in a list, for j and k; the first entry where nothing is chosen yet. */
export function step(ids: readonly string[], chosen: string | null, by: 1 | -1): string | null {
  const at = chosen === null ? -1 : ids.indexOf(chosen);
  if (at === -1) return ids[0] ?? null;
  return ids[Math.min(ids.length - 1, Math.max(0, at + by))] ?? null;
}
