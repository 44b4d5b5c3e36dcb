import type { ReactElement } from "react";
import type { Entity, JsonObject, View } from "../model/view.ts";
import { JsonTree } from "./json-tree.tsx";
import { Pair, Pairs, Section } from "./section.tsx";
import { Literal } from "./visible.tsx";

const isEmpty = (of: JsonObject | null | undefined): boolean =>
  of === undefined || of === null || Object.keys(of).length === 0;

/** What is to be done and on what: every parameter as it would run, first, since the headline has named the rest. */
export function Action({ view }: { readonly view: View }): ReactElement {
  const { properties } = view.action;
  return (
    <Section title="Action" note="Exactly this runs, and nothing else.">
      {isEmpty(properties) ? (
        <p className="text-sm text-faint">The action has no parameters.</p>
      ) : (
        <JsonTree of={properties ?? {}} label="Parameters" />
      )}
      <div className="mt-3 border-t border-line pt-3">
        <Pairs>
          <Pair name="Name">
            <Literal text={view.action.name} className="font-semibold" />
          </Pair>
          <Pair name="Resource">
            <EntityName of={view.resource} />
          </Pair>
          <Pair name="Environment">
            {view.environment === null ? (
              <span className="text-sm text-faint">not stated</span>
            ) : (
              <Literal text={view.environment} className="font-semibold" />
            )}
          </Pair>
        </Pairs>
      </div>
      {isEmpty(view.resource.properties) ? null : (
        <>
          <h3 className="mt-4 mb-1 text-sm font-semibold text-soft">Properties of the resource</h3>
          <JsonTree of={view.resource.properties ?? {}} label="Properties of the resource" />
        </>
      )}
    </Section>
  );
}

/** Type and id of a subject or resource. */
function EntityName({ of }: { readonly of: Entity }): ReactElement {
  return (
    <>
      <Literal text={of.type} className="text-faint" /> <Literal text={of.id} className="font-semibold" />
    </>
  );
}

/** Who asks, for whom, and which people answer for the agent. */
export function Who({ view }: { readonly view: View }): ReactElement {
  const { owners } = view.agent;
  return (
    <Section title="Who asks">
      <Pairs>
        <Pair name="Subject">
          <EntityName of={view.subject} />
        </Pair>
        {view.agent.id === view.subject.id ? null : (
          <Pair name="Agent">
            <Literal text={view.agent.id} />
          </Pair>
        )}
        <Pair name="On behalf of">
          {view.on_behalf_of.length === 0 ? (
            <span className="text-sm text-faint">nobody named</span>
          ) : (
            [...new Set(view.on_behalf_of)].map((person) => <Literal key={person} text={person} className="mr-3" />)
          )}
        </Pair>
        <Pair name="Agent's owners">
          {owners.length === 0 ? (
            <span className="text-sm text-faint">none known</span>
          ) : (
            owners.map((owner) => owner.name).join(", ")
          )}
        </Pair>
        <Pair name="Gate">
          <Literal text={view.gate} />
        </Pair>
      </Pairs>
      {isEmpty(view.subject.properties) ? null : (
        <>
          <h3 className="mt-4 mb-1 text-sm font-semibold text-soft">Properties of the subject</h3>
          <JsonTree of={view.subject.properties ?? {}} label="Properties of the subject" />
        </>
      )}
    </Section>
  );
}
