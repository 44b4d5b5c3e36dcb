import { type ReactElement, useState } from "react";
import type { View } from "../model/view.ts";
import { loadMore, type Part } from "../state/requests.ts";
import { RequestRow } from "./request-row.tsx";

type Props = {
  readonly part: Part;
  readonly title: string;
  readonly views: readonly View[];
  readonly more: boolean;
  readonly onOpen: (id: string) => void;
};

/** One part of the inbox as a sheet of rows. */
export function RequestList({ part, title, views, more, onOpen }: Props): ReactElement {
  const [loading, setLoading] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const onMore = (): void => {
    setLoading(true);
    setProblem(null);
    void loadMore(part)
      .catch((error: unknown) => setProblem(error instanceof Error ? error.message : String(error)))
      .finally(() => setLoading(false));
  };
  return (
    <section aria-labelledby={`part-${part}`}>
      <h2 id={`part-${part}`} className="mb-2 px-0.5 font-semibold">
        {title} <span className="font-normal text-faint tabular-nums">{more ? `${views.length}+` : views.length}</span>
      </h2>
      {views.length === 0 ? (
        <p className="sheet px-5 py-6 text-faint">Nothing here yet.</p>
      ) : (
        <ul className="sheet divide-y divide-line overflow-hidden">
          {views.map((view) => (
            <RequestRow key={view.id} view={view} onOpen={onOpen} />
          ))}
        </ul>
      )}
      {problem === null ? null : (
        <p role="alert" className="mt-2 text-bad">
          {problem}
        </p>
      )}
      {more ? (
        <button type="button" className="button mt-3 border-edge" disabled={loading} onClick={onMore}>
          {loading ? "Loading…" : "Show more"}
        </button>
      ) : null}
    </section>
  );
}
