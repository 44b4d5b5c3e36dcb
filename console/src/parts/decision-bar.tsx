import { type ReactElement, type RefObject, useEffect, useState } from "react";
import type { View } from "../model/view.ts";
import { Countdown } from "./countdown.tsx";
import { Locks } from "./places.tsx";

/** On a phone the decision stands below what is to be decided; this bar keeps the time in sight and leads there. */
export function DecisionBar({
  view,
  panel,
}: {
  readonly view: View;
  readonly panel: RefObject<HTMLElement | null>;
}): ReactElement | null {
  const [inSight, setInSight] = useState(false);
  useEffect(() => {
    const { current } = panel;
    if (current === null) return undefined;
    const observer = new IntersectionObserver(([entry]) => setInSight(entry?.isIntersecting ?? false), {
      threshold: 0.1,
    });
    observer.observe(current);
    return () => observer.disconnect();
  }, [panel]);
  if (view.status !== "pending" || inSight) return null;
  const lead = (): void => {
    panel.current?.scrollIntoView({ block: "start" });
    document.getElementById("decision")?.focus({ preventScroll: true });
  };
  return (
    <div className="fixed inset-x-0 bottom-0 z-10 flex items-center gap-3 border-t border-line bg-sheet px-4 pt-2.5 pb-[max(0.625rem,env(safe-area-inset-bottom))] lg:hidden">
      <div className="flex min-w-0 flex-1 flex-wrap items-center gap-x-3 gap-y-1">
        <Countdown until={view.expires_at} />
        {view.terms.map((term) => (
          <Locks key={term.group} term={term} size={18} />
        ))}
      </div>
      <button
        type="button"
        className="button enabled:bg-accent enabled:text-on-accent enabled:hover:bg-accent-hover"
        onClick={lead}
      >
        {view.me.can_approve ? "Go to decision" : "See decision"}
      </button>
    </div>
  );
}
