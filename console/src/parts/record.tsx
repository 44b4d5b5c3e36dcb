import type { ReactElement } from "react";
import type { View } from "../model/view.ts";
import { Ago } from "./ago.tsx";
import { CopyButton } from "./copy-button.tsx";
import { Pair, Pairs, Section } from "./section.tsx";
import { Literal, Visible } from "./visible.tsx";

/** The policies that held the action, with their reasons. */
export function Holds({ view }: { readonly view: View }): ReactElement {
  return (
    <Section title="Held by policy">
      <ul className="space-y-1.5">
        {view.holds.map((hold) => (
          <li key={hold.policy} className="sm:grid sm:grid-cols-[minmax(5rem,26%)_1fr] sm:gap-x-4">
            <Literal text={hold.policy} className="text-soft" />
            <p className="min-w-0">
              <Visible text={hold.because} />
            </p>
          </li>
        ))}
      </ul>
    </Section>
  );
}

/** What an auditor would ask for: ids, the digest in full, the exact bytes under it. */
export function Record({ view }: { readonly view: View }): ReactElement {
  return (
    <Section title="Record">
      <Pairs>
        <Pair name="Request">
          <Literal text={view.id} />
        </Pair>
        <Pair name="Opened">
          <Ago at={view.opened_at} exact />
        </Pair>
        <Pair name="Digest">
          <Literal text={view.digest} /> <CopyButton text={view.digest} what="the full digest" />
        </Pair>
      </Pairs>
      <details className="mt-3">
        <summary className="link w-fit text-sm">Canonical action: the text under the digest</summary>
        <pre className="mt-2 max-h-80 overflow-auto rounded-md bg-well p-3 whitespace-pre-wrap" tabIndex={0}>
          <Literal text={view.canonical} />
        </pre>
      </details>
    </Section>
  );
}
