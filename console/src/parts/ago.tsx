import type { ReactElement } from "react";
import { ago } from "../model/time.ts";
import { useNow } from "../wire/clock.ts";

/** How long ago, with the exact time at hand. */
export function Ago({ at }: { readonly at: string }): ReactElement {
  return (
    <time dateTime={at} title={new Date(at).toLocaleString()} className="whitespace-nowrap">
      {ago(at, useNow())}
    </time>
  );
}
