import { type ReactElement, useEffect } from "react";
import { decidedOf, pendingOf, type Show, step } from "../model/requests.ts";
import type { Me } from "../model/view.ts";
import { EmptyInbox } from "../parts/empty-inbox.tsx";
import { useKeys } from "../parts/keys.ts";
import { Link } from "../parts/link.tsx";
import { RequestList } from "../parts/request-list.tsx";
import { rowId } from "../parts/request-row.tsx";
import { requests } from "../state/requests.ts";
import { inboxPath } from "../state/route.ts";
import { useTitle } from "../state/title.ts";

// Which row was opened last, so that coming back goes on from there.
let last: string | null = null;

const SHOWS: readonly (readonly [show: Show, word: string])[] = [
  ["all", "All"],
  ["pending", "Pending"],
  ["decided", "Decided"],
];

export function Inbox({ me, show }: { readonly me: Me; readonly show: Show }): ReactElement {
  const { views, loaded, problem, more } = requests.use();
  const pending = pendingOf(views.values());
  const decided = decidedOf(views.values());
  const mine = pending.filter((view) => view.me.can_approve).length;
  useTitle(mine > 0 ? `(${mine}) Inbox` : "Inbox");

  const rows = [...(show === "decided" ? [] : pending), ...(show === "pending" ? [] : decided)];
  const ids = rows.map((view) => view.id);
  useKeys({ j: () => move(ids, 1), k: () => move(ids, -1) });
  useEffect(() => {
    if (last !== null) document.getElementById(rowId(last))?.focus({ preventScroll: true });
  }, []);

  return (
    <>
      <div className="mb-4 flex flex-wrap items-end justify-between gap-3">
        <div>
          <h1 className="text-2xl font-semibold tracking-tight">Inbox</h1>
          <p className="text-soft">{summary(loaded, pending.length, mine)}</p>
        </div>
        <nav aria-label="Show" className="flex rounded-lg border border-line bg-sheet p-0.5 text-sm">
          {SHOWS.map(([each, word]) => (
            <Link
              key={each}
              to={inboxPath(each)}
              current={each === show}
              className={`rounded-md px-3 py-1.5 font-medium ${each === show ? "bg-accent-wash text-accent" : "text-soft hover:text-ink"}`}
            >
              {word}
            </Link>
          ))}
        </nav>
      </div>
      {problem === null ? null : (
        <p role="alert" className="mb-4 rounded-md bg-bad-wash px-3 py-2 text-bad">
          {problem}
        </p>
      )}
      {loaded || views.size > 0 ? (
        <div className="space-y-7">
          {show === "decided" ? null : pending.length === 0 && loaded ? (
            <EmptyInbox me={me} quiet={decided.length > 0} />
          ) : (
            <RequestList
              part="pending"
              title="Waiting for review"
              views={pending}
              more={more.pending !== null}
              onOpen={remember}
            />
          )}
          {show === "pending" || (decided.length === 0 && show === "all") ? null : (
            <RequestList
              part="decided"
              title="Decided"
              views={decided}
              more={more.decided !== null}
              onOpen={remember}
            />
          )}
        </div>
      ) : (
        <p className="py-12 text-center text-faint">Loading requests…</p>
      )}
    </>
  );
}

function move(ids: readonly string[], by: 1 | -1): void {
  const focused = ids.find((id) => rowId(id) === document.activeElement?.id) ?? null;
  last = step(ids, focused ?? last, by);
  if (last !== null) document.getElementById(rowId(last))?.focus();
}

function remember(id: string): void {
  last = id;
}

function summary(loaded: boolean, pending: number, mine: number): string {
  if (!loaded) return "Loading…";
  if (pending === 0) return "Nothing is held.";
  const held = `${pending} held action${pending === 1 ? "" : "s"}`;
  if (mine === 0) return `${held}, none for you to decide.`;
  return mine === pending ? `${held}, for you to decide.` : `${held}, ${mine} for you to decide.`;
}
