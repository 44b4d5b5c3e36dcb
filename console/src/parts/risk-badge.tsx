import type { ReactElement } from "react";
import type { Level } from "../model/view.ts";
import { LEVELS } from "../model/words.ts";

export const RISK_COLOURS: { readonly [level in Level]: string } = {
  low: "bg-low text-on-low",
  medium: "bg-medium text-on-medium",
  high: "bg-high text-on-high",
  critical: "bg-critical text-on-critical",
};

/** Four bars of which as many are solid as the level has steps: the level without its colour. */
export function LevelBars({ level }: { readonly level: Level }): ReactElement {
  return (
    <svg viewBox="0 0 22 12" width="22" height="12" aria-hidden="true" className="shrink-0">
      {[1, 2, 3, 4].map((bar) => (
        <rect
          key={bar}
          x={(bar - 1) * 6}
          y={12 - bar * 3}
          width="4"
          height={bar * 3}
          rx="1"
          fill="currentColor"
          opacity={bar <= LEVELS[level].bars ? 1 : 0.28}
        />
      ))}
    </svg>
  );
}

const QUIET_COLOURS: { readonly [level in Level]: string } = {
  low: "text-on-low",
  medium: "text-on-medium",
  high: "text-risk-high",
  critical: "text-bad",
};

type PlateProps = { readonly score: number; readonly level: Level; readonly quiet?: boolean };

/** The risk of a request as a plate: score, level in words, bars. Solid while it waits; quiet once nothing is to be done. */
export function RiskPlate({ score, level, quiet = false }: PlateProps): ReactElement {
  const colours = quiet ? `border-r border-line ${QUIET_COLOURS[level]}` : RISK_COLOURS[level];
  return (
    <div className={`flex h-full flex-col items-center justify-center gap-0.5 px-1 py-3 ${colours}`}>
      <span className="sr-only">Risk: </span>
      <LevelBars level={level} />
      <span className="text-xl leading-7 font-semibold tabular-nums">{score}</span>
      <span className="text-xs font-semibold">{LEVELS[level].word}</span>
    </div>
  );
}
