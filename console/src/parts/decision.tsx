import { type ReactElement, useEffect, useRef, useState } from "react";
import type { Shown } from "../model/shown.ts";
import { clock, timeLeft } from "../model/time.ts";
import type { View } from "../model/view.ts";
import { shortDigest } from "../model/words.ts";
import { useNow } from "../wire/clock.ts";
import { CopyButton } from "./copy-button.tsx";
import { Countdown } from "./countdown.tsx";
import { useKeys } from "./keys.ts";
import { BarredPeople, Reviews } from "./people.tsx";
import { Terms } from "./places.tsx";
import { Progress } from "./progress.tsx";
import { ReviewForm } from "./review-form.tsx";

type Props = { readonly view: View; readonly shown: Shown };

/** Everything that a reviewer needs to decide, and the two buttons. */
export function Decision({ view, shown }: Props): ReactElement {
  const approve = useRef<HTMLButtonElement>(null);
  const deny = useRef<HTMLButtonElement>(null);
  // The digest that this page was opened with. A request never changes its digest: if it does, something is wrong.
  const [opened] = useState(view.digest);
  const now = useNow();
  const over = timeLeft(view.expires_at, now).tone === "over";
  // A key only chooses the button, and Enter presses it: no stray key ever approves anything.
  useKeys({
    a: () => approve.current?.focus(),
    d: () => deny.current?.focus(),
  });
  const pending = view.status === "pending";
  const first = useRef(true);
  useEffect(() => {
    // When the buttons go away under the reader's hands, the focus would fall back to the top of the page.
    if (!first.current && document.activeElement === document.body) {
      document.getElementById("decision")?.focus({ preventScroll: true });
    }
    first.current = false;
  }, [view.status, view.me.can_approve]);
  return (
    <section aria-labelledby="decision" className="sheet overflow-hidden">
      <h2 id="decision" tabIndex={-1} className="sr-only">
        Decision
      </h2>
      {pending ? (
        <div className="flex flex-wrap items-baseline justify-between gap-x-4 border-b border-line px-4 py-3 sm:px-5">
          <Countdown until={view.expires_at} big />
          <span className="text-sm text-faint">until {clock(view.expires_at, now)}</span>
        </div>
      ) : (
        <div className="border-b border-line">
          <Progress view={view} />
        </div>
      )}
      <div className="px-4 py-4 sm:px-5">
        <Terms terms={view.terms} />
      </div>
      {pending ? (
        <div className="border-t border-line">
          {over ? (
            <p className="px-4 py-4 sm:px-5">The time to review has run out. Nothing will run.</p>
          ) : (
            <ReviewForm view={view} blocked={blockedBy(view, shown, opened)} approve={approve} deny={deny} />
          )}
        </div>
      ) : null}
      <Reviews view={view} />
      <BarredPeople view={view} />
      <Under view={view} shown={shown} />
    </section>
  );
}

function blockedBy(view: View, shown: Shown, opened: string): string | null {
  if (view.digest !== opened) return "The action under this request has changed since you opened it. Approving is off.";
  if (shown.is === "different") return `Approving is off: ${shown.because}. Tell whoever runs this server.`;
  return null;
}

function Under({ view, shown }: Props): ReactElement {
  return (
    <div className="flex items-center gap-1.5 border-t border-line bg-well px-4 py-2.5 text-sm text-faint sm:px-5">
      <p className="min-w-0 flex-1">
        Digest <code className="font-mono text-xs text-soft">{shortDigest(view.digest)}</code>
        {shown.is === "same" ? ", computed again in this browser: it matches what is shown" : ""}
        {shown.is === "unknown" ? ", not checked: the page came by plain HTTP" : ""}
      </p>
      <CopyButton text={view.digest} what="the digest" />
    </div>
  );
}
