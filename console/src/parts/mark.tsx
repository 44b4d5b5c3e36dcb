import type { ReactElement } from "react";

/** The product's mark: a lock whose key has been turned. */
export function Mark(): ReactElement {
  return (
    <svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" className="shrink-0">
      <circle cx="12" cy="12" r="10" fill="none" strokeWidth="2.5" className="stroke-accent" />
      <rect x="4.5" y="10" width="15" height="4" rx="1.2" className="fill-accent" />
    </svg>
  );
}
