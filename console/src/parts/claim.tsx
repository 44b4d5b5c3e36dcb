import { type ReactElement, useState } from "react";
import { clip } from "../model/clip.ts";
import { grouped } from "../model/words.ts";
import type { View } from "../model/view.ts";
import { Gap, More } from "./text-value.tsx";
import { Literal, Visible } from "./visible.tsx";

/** What the agent says of itself, kept apart from everything that is known: plain text, never markup. */
export function Claim({ view }: { readonly view: View }): ReactElement {
  const [all, setAll] = useState(false);
  const { reason } = view.claim;
  if (reason === null) {
    return (
      <section aria-label="The reason" className="px-4 py-4 sm:px-6">
        <p className="text-sm text-faint">No reason was given.</p>
      </section>
    );
  }
  const cut = clip(reason);
  return (
    <section aria-labelledby="claim" className="px-4 py-4 sm:px-6">
      <div className="claim">
        <h2 id="claim" className="mb-1 text-sm font-semibold text-soft">
          <Literal text={view.subject.id} /> says <span className="font-normal text-faint">(unverified)</span>
        </h2>
        <blockquote className="whitespace-pre-wrap [unicode-bidi:isolate]" dir="ltr">
          {cut.clipped && !all ? (
            <>
              <Visible text={cut.head} edges="start" />
              <Gap hidden={cut.hidden} />
              <Visible text={cut.tail} edges="end" />
            </>
          ) : (
            <Visible text={reason} />
          )}
        </blockquote>
        {cut.clipped ? (
          <More
            open={all}
            onToggle={() => setAll(!all)}
            what={`all ${grouped(reason.length)} characters of the reason`}
          />
        ) : null}
      </div>
    </section>
  );
}
