import type { ReactElement } from "react";
import type { Fact, View } from "../model/view.ts";
import { factText, grouped, provenanceWords } from "../model/words.ts";
import { AlertIcon } from "./icons.tsx";
import { Section } from "./section.tsx";
import { Literal, Visible } from "./visible.tsx";

/** What is known of the action: its effects, its facts, and what could not be understood. */
export function Known({ view }: { readonly view: View }): ReactElement {
  // What could not be understood stands above, with the same words.
  const effects = view.opaque.length === 0 ? view.effects : view.effects.filter(({ effect }) => effect !== "opaque");
  return (
    <Section title="What it does">
      {view.opaque.length === 0 ? null : (
        <div className="mb-3 flex gap-2 rounded-md bg-warn-wash px-3 py-2 text-warn">
          <span className="pt-1">
            <AlertIcon />
          </span>
          <div>
            <p className="font-semibold">Not fully understood</p>
            <ul>
              {view.opaque.map((why) => (
                <li key={why}>
                  <Visible text={why} />
                </li>
              ))}
            </ul>
          </div>
        </div>
      )}
      {effects.length === 0 && view.opaque.length === 0 ? (
        <p className="text-sm text-faint">No effect is known.</p>
      ) : null}
      <ul className="space-y-1.5" aria-label="Effects">
        {effects.map((found) => (
          <li
            key={`${found.effect} ${found.because}`}
            className="sm:grid sm:grid-cols-[minmax(5rem,26%)_1fr] sm:gap-x-4"
          >
            <Literal text={found.effect} className="font-semibold" />
            <p className="min-w-0">
              <Visible text={found.because} />{" "}
              <span className="text-sm whitespace-nowrap text-faint">({provenanceWords(found.provenance)})</span>
            </p>
          </li>
        ))}
      </ul>
      {view.traits.length === 0 ? null : (
        <>
          <h3 className="mt-4 mb-1 text-sm font-semibold text-soft">What makes it worse</h3>
          <ul className="space-y-1.5" aria-label="What makes it worse">
            {view.traits.map((trait) => (
              <li
                key={`${trait.id} ${trait.because}`}
                className="sm:grid sm:grid-cols-[minmax(5rem,26%)_1fr] sm:gap-x-4"
              >
                <Literal text={trait.id} className="font-semibold" />
                <p className="min-w-0">
                  <Visible text={trait.because} />
                </p>
              </li>
            ))}
          </ul>
        </>
      )}
      {view.facts.length === 0 ? null : <Facts facts={view.facts} />}
    </Section>
  );
}

function Facts({ facts }: { readonly facts: readonly Fact[] }): ReactElement {
  return (
    <>
      <h3 className="mt-4 mb-1 text-sm font-semibold text-soft">Facts</h3>
      <dl className="divide-y divide-line">
        {facts.map((fact) => (
          <div
            key={`${fact.name} ${fact.provenance}`}
            className="py-1.5 sm:grid sm:grid-cols-[minmax(5rem,26%)_1fr] sm:gap-x-4"
          >
            <dt className="min-w-0">
              <Literal text={fact.name} className="text-soft" />
            </dt>
            <dd className="flex min-w-0 flex-wrap items-baseline justify-between gap-x-4">
              <span className="min-w-0 font-medium tabular-nums">
                <FactValue fact={fact} />
              </span>
              <span className="text-sm text-faint">{provenanceWords(fact.provenance)}</span>
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}

/** A fact's value; numbers in groups, all else as literal text. */
export function FactValue({ fact }: { readonly fact: Fact }): ReactElement {
  return typeof fact.value === "number" ? <>{grouped(fact.value)}</> : <Visible text={factText(fact.value)} />;
}
