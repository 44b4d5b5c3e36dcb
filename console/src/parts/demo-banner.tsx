import type { ReactElement } from "react";

/** Says that this is no real installation. */
export function DemoBanner(): ReactElement {
  return (
    <p className="bg-warn-wash px-3 py-1.5 text-center text-sm text-balance text-warn">
      Demo: you can act as anyone. A real installation signs people in.
    </p>
  );
}
