import type { ReactElement } from "react";
import { timeLeft } from "../model/time.ts";
import { useNow } from "../wire/clock.ts";

/** The time that is left, moving. Running out is said in words, not by colour alone. */
export function Countdown({ until, big = false }: { readonly until: string; readonly big?: boolean }): ReactElement {
  const left = timeLeft(until, useNow());
  const tone = left.tone === "calm" ? "text-soft" : "text-bad font-semibold";
  return (
    <time dateTime={until} title={new Date(until).toLocaleString()} className={`whitespace-nowrap ${tone}`}>
      <span aria-hidden="true">
        <span className={`tabular-nums ${big ? "mr-0.5 text-2xl font-semibold tracking-tight text-current" : ""}`}>
          {left.text}
        </span>{" "}
        {left.tone === "over" ? "time is up" : left.tone === "soon" ? "left, closing soon" : "left"}
      </span>
      <span className="sr-only">{left.spoken} left</span>
    </time>
  );
}
