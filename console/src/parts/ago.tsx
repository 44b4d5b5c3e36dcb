import type { ReactElement } from "react";
import { ago, clock } from "../model/time.ts";
import { useNow } from "../wire/clock.ts";

type Props = { readonly at: string; readonly exact?: boolean };

/** How long ago, with the time of day at hand, or beside it. */
export function Ago({ at, exact = false }: Props): ReactElement {
  const now = useNow();
  return (
    <time dateTime={at} title={new Date(at).toLocaleString()} className="whitespace-nowrap">
      {ago(at, now)}
      {exact ? ` (${clock(at, now)})` : ""}
    </time>
  );
}
