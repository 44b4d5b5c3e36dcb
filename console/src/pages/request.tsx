import { type ReactElement, useEffect, useRef, useState } from "react";
import { checkShown, type Shown } from "../model/shown.ts";
import type { View } from "../model/view.ts";
import { Action, Who } from "../parts/action.tsx";
import { Claim } from "../parts/claim.tsx";
import { DecisionBar } from "../parts/decision-bar.tsx";
import { Decision } from "../parts/decision.tsx";
import { BackIcon } from "../parts/icons.tsx";
import { useKeys } from "../parts/keys.ts";
import { Known } from "../parts/known.tsx";
import { Link } from "../parts/link.tsx";
import { Holds, Record } from "../parts/record.tsx";
import { Headline } from "../parts/request-row.tsx";
import { RiskPlate } from "../parts/risk-badge.tsx";
import { RiskReasons } from "../parts/risk.tsx";
import { Literal } from "../parts/visible.tsx";
import { load, requests } from "../state/requests.ts";
import { go } from "../state/route.ts";
import { useTitle } from "../state/title.ts";
import { ApiError } from "../wire/api.ts";
import { NotFound } from "./not-found.tsx";

const toInbox = (): void => go("/");

export function RequestPage({ id }: { readonly id: string }): ReactElement {
  const view = requests.use().views.get(id);
  const [problem, setProblem] = useState<ApiError | null>(null);
  useTitle(view === undefined ? "Request" : (view.title ?? view.action.name));
  useKeys({ u: toInbox, Escape: toInbox });
  useEffect(() => {
    load(id).catch((error: unknown) => {
      setProblem(
        error instanceof ApiError
          ? error
          : new ApiError({ status: 0, code: "failed", message: "This request could not be read." }),
      );
    });
  }, [id]);
  if (view !== undefined) return <Whole view={view} />;
  if (problem === null) return <p className="py-12 text-center text-faint">Loading the request…</p>;
  if (problem.status === 404 || problem.status === 400) return <NotFound what="request" />;
  return (
    <p role="alert" className="sheet mx-auto mt-8 max-w-xl p-6 text-bad">
      {problem.message}
    </p>
  );
}

/** SHA-256 of this browser; missing where the page came by plain HTTP. */
const sha256 = (globalThis.crypto as Crypto & { subtle?: SubtleCrypto }).subtle;

function useShown(view: View): Shown {
  const [shown, setShown] = useState<Shown>({ is: "checking" });
  useEffect(() => {
    let stale = false;
    const hash = sha256 === undefined ? null : (bytes: Uint8Array<ArrayBuffer>) => sha256.digest("SHA-256", bytes);
    void checkShown(view, hash).then((result) => {
      if (!stale) setShown(result);
    });
    return () => {
      stale = true;
    };
  }, [view]);
  return shown;
}

function Whole({ view }: { readonly view: View }): ReactElement {
  const shown = useShown(view);
  const heading = useRef<HTMLHeadingElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  // On a phone the decision stands below what is to be decided; once there is nothing to decide, it says how it ended.
  const [wasDecided] = useState(view.status !== "pending");
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  return (
    <article aria-labelledby="headline">
      <Link to="/" className="mb-3 inline-flex items-center gap-1 text-sm font-medium text-soft hover:text-ink">
        <BackIcon />
        Inbox
      </Link>
      <div className="flex flex-col gap-4 lg:grid lg:gap-5 lg:grid-cols-[minmax(0,1fr)_23rem] lg:items-start">
        <div className="sheet overflow-hidden">
          <div className="grid grid-cols-[4.75rem_1fr] border-b border-line sm:grid-cols-[6rem_1fr]">
            <RiskPlate score={view.risk.score} level={view.risk.level} />
            <div className="min-w-0 px-4 py-4 sm:px-6">
              <h1
                id="headline"
                ref={heading}
                tabIndex={-1}
                className="text-[1.375rem] leading-7 font-semibold tracking-tight text-balance"
              >
                <Headline view={view} />
              </h1>
              <p className="mt-1 text-soft">
                <Literal text={view.subject.id} className="font-semibold" /> wants to run{" "}
                <Literal text={view.action.name} /> on <Literal text={`${view.resource.type}/${view.resource.id}`} />
                {view.environment === null ? null : (
                  <>
                    {" "}
                    in <Literal text={view.environment} />
                  </>
                )}
              </p>
            </div>
          </div>
          <div className="divide-y divide-line">
            <Action view={view} />
            <Claim view={view} />
            <Known view={view} />
            <RiskReasons view={view} />
            <Holds view={view} />
            <Who view={view} />
            <Record view={view} />
          </div>
        </div>
        <div
          ref={panel}
          className={`${wasDecided ? "max-lg:order-first " : ""}lg:sticky lg:top-4 lg:max-h-[calc(100dvh-2rem)] lg:overflow-y-auto`}
        >
          <Decision view={view} shown={shown} />
        </div>
      </div>
      <DecisionBar view={view} panel={panel} />
    </article>
  );
}
