import { atLeast, row, type Anchor, type Row } from "./row.ts";

/** What one number of callers came to: answers a second, and the 99th percentile of their latency in milliseconds. */
export type Pace = { readonly rate: number; readonly p99: number };

/** Numbers of callers that are measured for the best rates alone, beside those that have rows of their own. */
export const BETWEEN: readonly number[] = [16, 24, 40, 48, 64];
const P99_MAX_MS = 20;
const RATE_MIN = 5000;

/** The best rate of all numbers of callers, and the best of those that kept their latency; zero where none did. */
export function bestRows(name: string, paces: readonly Pace[], anchor?: Anchor): Row[] {
  const best = (of: readonly Pace[]): number => Math.max(0, ...of.map(({ rate }) => rate));
  const goal = atLeast(RATE_MIN);
  const quickly = paces.filter(({ p99 }) => p99 <= P99_MAX_MS);
  return [
    row(`${name}, best rate`, "1/s", best(paces), { anchor, goal }),
    row(`${name}, best rate with p99 ≤ ${P99_MAX_MS} ms`, "1/s", best(quickly), { anchor, goal }),
  ];
}
