import type { ReactElement } from "react";
import type { Me } from "../model/view.ts";
import { requests } from "../state/requests.ts";
import { DemoBanner } from "./demo-banner.tsx";
import { Link } from "./link.tsx";
import { Mark } from "./mark.tsx";
import { PersonMenu } from "./person-menu.tsx";
import { ThemeButton } from "./theme-button.tsx";

export function Header({ me, onHelp }: { readonly me: Me | null; readonly onHelp: () => void }): ReactElement {
  return (
    <header className="border-b border-line bg-sheet">
      {me === null || me.demo === null ? null : <DemoBanner />}
      <div className="mx-auto flex h-14 w-full max-w-6xl items-center gap-1 px-3 sm:px-6">
        <Link
          to="/"
          className="mr-auto flex shrink-0 items-center gap-2.5 text-[1.0625rem] font-semibold tracking-tight"
        >
          <Mark />
          Keyturn
        </Link>
        {me === null ? null : <ConnectionState />}
        <button type="button" className="button-quiet hidden rounded-md sm:inline-block" onClick={onHelp}>
          Keys <span className="kbd ml-0.5">?</span>
        </button>
        <ThemeButton />
        {me === null ? null : <PersonMenu me={me} />}
      </div>
    </header>
  );
}

const STATES = {
  connecting: { word: "Connecting", dot: "fill-none stroke-faint" },
  live: { word: "Live", dot: "fill-good stroke-good" },
  reconnecting: { word: "Reconnecting", dot: "fill-none stroke-bad" },
} as const;

/** Whether what is on the screen follows the server. */
function ConnectionState(): ReactElement {
  const { connection } = requests.use();
  const { word, dot } = STATES[connection];
  return (
    <p
      role="status"
      aria-label="Connection"
      className="mr-1 ml-2 flex shrink-0 items-center gap-1.5 text-sm whitespace-nowrap text-soft sm:mr-3"
    >
      <svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
        <circle cx="5" cy="5" r="3.75" strokeWidth="1.5" className={dot} />
      </svg>
      {word}
    </p>
  );
}
