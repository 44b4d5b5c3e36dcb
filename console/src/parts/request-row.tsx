import type { ReactElement } from "react";
import type { View } from "../model/view.ts";
import { previewOf } from "../model/preview.ts";
import { END_TONES, endOf, factText, myPart, placesOf, statusWord } from "../model/words.ts";
import { requestPath } from "../state/route.ts";
import { Ago } from "./ago.tsx";
import { Countdown } from "./countdown.tsx";
import { EndIcon } from "./icons.tsx";
import { FactValue } from "./known.tsx";
import { Link } from "./link.tsx";
import { Locks } from "./places.tsx";
import { RiskPlate } from "./risk-badge.tsx";
import { Literal, Visible } from "./visible.tsx";

/** Facts that a row has room for. */
const FACTS_SHOWN = 3;

export const rowId = (id: string): string => `row-${id}`;

type Props = { readonly view: View; readonly onOpen: (id: string) => void };

/** One request in the inbox: how risky, what, who, how long, and whether it waits for me. */
export function RequestRow({ view, onOpen }: Props): ReactElement {
  return (
    <li
      className="relative grid grid-cols-[4.25rem_1fr] has-[a:focus-visible]:bg-accent-wash hover:bg-well sm:grid-cols-[4.75rem_1fr]"
      onClickCapture={() => onOpen(view.id)}
    >
      <RiskPlate score={view.risk.score} level={view.risk.level} quiet={view.status !== "pending"} />
      <div className="min-w-0 gap-x-6 px-3 py-3 sm:px-4 md:grid md:grid-cols-[1fr_13rem]">
        <div className="min-w-0">
          <h3 className="leading-6 font-semibold">
            <Link to={requestPath(view.id)} id={rowId(view.id)} className="after:absolute after:inset-0">
              <Headline view={view} />
            </Link>
          </h3>
          <p className="mt-0.5 text-sm text-soft">
            {view.title === null ? null : (
              <>
                <Literal text={view.action.name} /> <Small>on</Small>{" "}
                <Literal text={`${view.resource.type}/${view.resource.id}`} />{" "}
              </>
            )}
            {view.environment === null ? null : (
              <>
                <Small>in</Small> <Literal text={view.environment} />{" "}
              </>
            )}
            <Small>by</Small> <Literal text={view.subject.id} />
            {view.on_behalf_of.length === 0 ? null : (
              <>
                {" "}
                <Small>for</Small> <Literal text={[...new Set(view.on_behalf_of)].join(", ")} />
              </>
            )}
          </p>
          <WhatRuns view={view} />
          <KeyFacts view={view} />
        </div>
        <div className="mt-2 flex flex-wrap items-center gap-x-4 gap-y-1 text-sm md:mt-0 md:flex-col md:items-end md:gap-y-1.5">
          {view.status === "pending" ? <Waiting view={view} /> : <Decided view={view} />}
        </div>
      </div>
    </li>
  );
}

/** What an approver calls the action: the operator's title, else action and resource as they are. */
export function Headline({ view }: { readonly view: View }): ReactElement {
  if (view.title !== null) return <Visible text={view.title} />;
  return (
    <>
      <Literal text={view.action.name} className="text-[0.92em]!" /> <span className="font-normal">on</span>{" "}
      <Literal text={`${view.resource.type}/${view.resource.id}`} className="text-[0.92em]!" />
    </>
  );
}

function Small({ children }: { readonly children: string }): ReactElement {
  return <span className="text-faint">{children}</span>;
}

/** The command, the statement or the parameters: what tells this row from the next. */
function WhatRuns({ view }: { readonly view: View }): ReactElement | null {
  const { parts, hidden } = previewOf(view.action);
  if (parts.length === 0) return null;
  return (
    <p className="literal mt-1 line-clamp-2 whitespace-normal!">
      {parts.map((part) => (
        <span key={part.name ?? part.text} className="mr-3">
          {part.name === null ? null : (
            <span className="text-faint">
              <Visible text={part.name} />{" "}
            </span>
          )}
          <Visible text={part.text} />
        </span>
      ))}
      {hidden === 0 ? null : <span className="text-faint">+{hidden} more</span>}
    </p>
  );
}

function KeyFacts({ view }: { readonly view: View }): ReactElement | null {
  const said = new Set(previewOf(view.action).parts.map(({ text }) => text));
  const facts = view.facts.filter(
    ({ value }) => !said.has(typeof value === "number" ? String(value) : factText(value)),
  );
  if (facts.length === 0) return null;
  return (
    <ul aria-label="Facts" className="mt-1 flex flex-wrap gap-x-4 text-sm">
      {facts.slice(0, FACTS_SHOWN).map((fact) => (
        <li key={`${fact.name} ${fact.provenance}`}>
          <span className="text-faint">
            <Visible text={fact.name} />
          </span>{" "}
          <span className="font-medium tabular-nums">
            <FactValue fact={fact} />
          </span>
        </li>
      ))}
    </ul>
  );
}

function Waiting({ view }: { readonly view: View }): ReactElement {
  const part = myPart(view);
  const places = placesOf(view);
  return (
    <>
      <Countdown until={view.expires_at} />
      <span className="flex items-center gap-2 text-soft">
        {view.terms.map((term) => (
          <Locks key={term.group} term={term} size={18} />
        ))}
        <span className="tabular-nums">
          {places.filled} of {places.all}
        </span>
        <span className="sr-only">places filled</span>
      </span>
      {part === "mine" ? (
        <span className="rounded-md bg-accent px-2 py-0.5 font-semibold text-on-accent">Your decision</span>
      ) : (
        <span className="text-faint">{part === "barred" ? "You are barred" : "Waits for others"}</span>
      )}
    </>
  );
}

function Decided({ view }: { readonly view: View }): ReactElement {
  const by = view.reviews.filter(
    (review) => !review.voided && review.verdict === (view.status === "denied" ? "deny" : "approve"),
  );
  return (
    <>
      <span className={`flex items-center gap-1.5 font-semibold ${END_TONES[endOf(view)]}`}>
        <EndIcon end={endOf(view)} />
        {statusWord(view)}
      </span>
      <span className="text-faint">
        <Ago at={view.closed_at ?? view.opened_at} />
      </span>
      {by.length === 0 ? null : (
        <span className="text-soft">by {by.map((review) => review.person.name).join(", ")}</span>
      )}
    </>
  );
}
