import type { ReactElement } from "react";
import type { Term } from "../model/view.ts";
import { Literal } from "./visible.tsx";

/** One place of an approval: a lock whose slot stands upright until somebody turns their key in it. */
function Lock({ turned, size }: { readonly turned: boolean; readonly size: number }): ReactElement {
  return (
    <svg viewBox="0 0 24 24" width={size} height={size} aria-hidden="true" className="shrink-0 overflow-visible">
      <circle
        cx="12"
        cy="12"
        r="10.5"
        strokeWidth="1.5"
        className={turned ? "fill-accent stroke-accent" : "fill-sheet stroke-edge"}
      />
      <rect
        x="10.25"
        y="5.5"
        width="3.5"
        height="13"
        rx="1"
        className={`origin-center transition-transform duration-500 ${turned ? "rotate-90 fill-on-accent" : "fill-edge"}`}
      />
    </svg>
  );
}

/** The places of one term as locks; the words beside them say the same. */
export function Locks({ term, size = 24 }: { readonly term: Term; readonly size?: number }): ReactElement {
  // A quorum is small in earnest; a row of fifty locks would say less than the number.
  const shown = Math.min(term.quorum, 8);
  return (
    <span className="flex flex-wrap gap-1">
      {Array.from({ length: shown }, (_, place) => (
        // oxlint-disable-next-line no-array-index-key -- places are numbered
        <Lock key={place} turned={place < term.filled} size={size} />
      ))}
    </span>
  );
}

/** What has to be met: per group its places, how many are filled, how many are open. */
export function Terms({ terms }: { readonly terms: readonly Term[] }): ReactElement {
  return (
    <ul className="space-y-2.5" aria-label="Approvals needed">
      {terms.map((term) => {
        const open = Math.max(0, term.quorum - term.filled);
        return (
          <li key={term.group} className="flex items-center gap-3">
            <Locks term={term} size={28} />
            <div className="min-w-0">
              <p className="leading-5">
                <span className="tabular-nums">
                  <b className="font-semibold">{term.quorum}</b> {term.quorum === 1 ? "person" : "people"} of{" "}
                </span>
                <Literal text={term.group} className="font-semibold" />
              </p>
              <p className="text-sm text-faint">
                {open === 0
                  ? "All have agreed"
                  : term.filled === 0
                    ? "Nobody has agreed"
                    : `${term.filled} agreed, ${open} to go`}
              </p>
            </div>
          </li>
        );
      })}
    </ul>
  );
}
