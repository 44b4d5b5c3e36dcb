import type { ReactElement } from "react";
import { announcement } from "../state/announce.ts";

/** Tells a screen reader what changed without moving the focus. */
export function Announcer(): ReactElement {
  return (
    <div role="status" aria-live="polite" className="sr-only">
      {announcement.use()}
    </div>
  );
}
