import type { ReactElement } from "react";
import { timeLeft } from "../model/time.ts";
import type { JsonObject, View } from "../model/view.ts";
import { END_TONES, endOf } from "../model/words.ts";
import { useNow } from "../wire/clock.ts";
import { Ago } from "./ago.tsx";
import { Countdown } from "./countdown.tsx";
import { CheckIcon, CrossIcon, EndIcon, WaitIcon } from "./icons.tsx";
import { JsonTree } from "./json-tree.tsx";

const ENDS: { readonly [status in View["status"]]: string } = {
  pending: "Waiting for review",
  approved: "Approved",
  denied: "Denied",
  expired: "Expired without approval",
  cancelled: "Withdrawn by whoever asked",
  failed: "Failed",
};

/** How a decided request ended, and for an approved one how far it has come. */
export function Progress({ view }: { readonly view: View }): ReactElement {
  const approved = view.status === "approved";
  // The steps below say what came of an approval; the headline is the decision itself.
  const end = endOf({ status: view.status, outcome: null });
  return (
    <div className="px-4 py-4 sm:px-5">
      <p className={`flex items-center gap-2 text-xl font-semibold ${END_TONES[end]}`}>
        <EndIcon end={end} />
        {ENDS[view.status]}
      </p>
      {view.closed_at === null ? null : (
        <p className="mt-0.5 text-sm text-faint">
          <Ago at={view.closed_at} exact />
          {approved ? "" : ". Nothing ran."}
        </p>
      )}
      {approved ? <Steps view={view} /> : null}
    </div>
  );
}

function Steps({ view }: { readonly view: View }): ReactElement {
  const { permit, outcome } = view;
  const details = outcome !== null && isMembers(outcome.details) ? outcome.details : null;
  const late = view.approved_until !== null && timeLeft(view.approved_until, useNow()).tone === "over";
  if (permit?.status !== "redeemed") {
    return (
      <ol className="mt-3" aria-label="Progress">
        {late ? (
          <Step is="bad" name="Not used in time" note="Nothing ran. The agent has to ask again." />
        ) : (
          <Step
            is="open"
            name="Waiting for the gate to take it"
            note={view.approved_until === null ? null : <Countdown until={view.approved_until} />}
          />
        )}
      </ol>
    );
  }
  return (
    <ol className="mt-3 space-y-2.5" aria-label="Progress">
      <Step
        is="done"
        name="Released to the gate, once"
        note={permit.at === null ? null : <Ago at={permit.at} exact />}
      />
      {outcome === null ? (
        <Step is="open" name="Waiting for the outcome" note={null} />
      ) : (
        <Step
          is={outcome.status === "succeeded" ? "done" : "bad"}
          name={`The gate reports: ${outcome.status}`}
          note={<Ago at={outcome.at} exact />}
        />
      )}
      {details === null ? null : (
        <li className="pl-6 text-sm">
          <JsonTree of={details} label="Details of the outcome" />
        </li>
      )}
    </ol>
  );
}

const STEPS = {
  done: { tone: "text-good", icon: <CheckIcon /> },
  bad: { tone: "text-bad", icon: <CrossIcon /> },
  open: { tone: "text-faint", icon: <WaitIcon /> },
} as const;

type StepProps = {
  readonly is: keyof typeof STEPS;
  readonly name: string;
  readonly note: ReactElement | string | null;
};

function Step({ is, name, note }: StepProps): ReactElement {
  return (
    <li className="flex gap-2">
      <span className={`pt-1 ${STEPS[is].tone}`}>{STEPS[is].icon}</span>
      <div>
        <p className={is === "open" ? "text-soft" : "font-medium"}>{name}</p>
        {note === null ? null : <p className="text-sm text-faint">{note}</p>}
      </div>
    </li>
  );
}

function isMembers(details: unknown): details is JsonObject {
  return typeof details === "object" && details !== null && !Array.isArray(details) && Object.keys(details).length > 0;
}
