import type { ReactElement } from "react";
import type { View } from "../model/view.ts";
import { channelWords, relationWords } from "../model/words.ts";
import { Ago } from "./ago.tsx";
import { CheckIcon, CrossIcon, NoIcon } from "./icons.tsx";
import { Visible } from "./visible.tsx";

/** Who has reviewed, how, where and why. */
export function Reviews({ view }: { readonly view: View }): ReactElement | null {
  if (view.reviews.length === 0) return null;
  return (
    <section aria-labelledby="reviews" className="border-t border-line px-4 py-3.5 sm:px-5">
      <h3 id="reviews" className="mb-1.5 text-sm font-semibold text-soft">
        Reviews
      </h3>
      <ul className="space-y-2">
        {view.reviews.map((review) => (
          <li key={`${review.person.id} ${review.at}`} className="flex gap-2">
            <span
              className={`pt-1 ${review.voided ? "text-faint" : review.verdict === "approve" ? "text-good" : "text-bad"}`}
            >
              {review.verdict === "approve" ? <CheckIcon /> : <CrossIcon />}
            </span>
            <div className="min-w-0">
              <p className={review.voided ? "text-faint line-through" : ""}>
                <b className="font-semibold">{review.person.name}</b>{" "}
                {review.verdict === "approve" ? "approved" : "denied"}
              </p>
              <p className="text-sm text-faint">
                <Ago at={review.at} exact />, {channelWords(review.channel)}
                {review.voided ? ", no longer counts" : ""}
                {review.voided && typeof review.voided_because === "string" ? (
                  <>
                    : <Visible text={review.voided_because} />
                  </>
                ) : null}
              </p>
              {review.reason === null || review.reason === "" ? null : (
                <p className="mt-0.5 text-sm whitespace-pre-wrap text-soft">
                  “<Visible text={review.reason} />”
                </p>
              )}
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Who may not review this one, and what is known that bars them. */
export function BarredPeople({ view }: { readonly view: View }): ReactElement | null {
  if (view.barred.length === 0) return null;
  const people = Map.groupBy(view.barred, (each) => each.person.id);
  return (
    <section aria-labelledby="barred" className="border-t border-line px-4 py-3.5 sm:px-5">
      <h3 id="barred" className="mb-1.5 text-sm font-semibold text-soft">
        Barred: they stand behind this action
      </h3>
      <ul className="space-y-1.5">
        {[...people].map(([id, bars]) => (
          <li key={id} className="flex gap-2 text-soft">
            <span className="pt-1 text-faint">
              <NoIcon />
            </span>
            <div className="min-w-0">
              <p>
                <b className="font-semibold text-ink">{bars[0]?.person.name}</b>{" "}
                {bars.map((bar) => relationWords(bar.relation)).join(", ")}
              </p>
              {bars.map((bar) => (
                <p key={bar.relation} className="text-sm text-faint">
                  <Visible text={bar.evidence} />
                </p>
              ))}
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
