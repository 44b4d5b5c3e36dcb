import type { ReactElement } from "react";
import type { Level, View } from "../model/view.ts";
import { LEVELS } from "../model/words.ts";
import { LevelBars, RISK_COLOURS } from "./risk-badge.tsx";
import { Section } from "./section.tsx";
import { Literal, Visible } from "./visible.tsx";

const FILLS: { readonly [level in Level]: string } = {
  low: "fill-on-low",
  medium: "fill-on-medium",
  high: "fill-high",
  critical: "fill-critical",
};

/** Why the score is what it is: each contribution with its evidence and its points, and the floors under the level. */
export function RiskReasons({ view }: { readonly view: View }): ReactElement {
  const { score, level, contributions, floors } = view.risk;
  return (
    <Section title="Risk">
      <p className="mb-3 flex items-center gap-2.5">
        <span
          className={`inline-flex items-center gap-2 rounded-md px-2 py-0.5 text-sm font-semibold ${RISK_COLOURS[level]}`}
        >
          <LevelBars level={level} />
          {LEVELS[level].word}
        </span>
        <span className="tabular-nums">
          <b className="font-semibold">{score}</b> <span className="text-faint">of 100</span>
        </span>
      </p>
      <Scale score={score} level={level} />
      <ul className="mt-4 divide-y divide-line border-t border-line" aria-label="Contributions to the score">
        {contributions.map((each) => (
          <li key={each.id} className="grid grid-cols-[3rem_1fr] items-baseline gap-x-3 py-1.5">
            <span className="text-right font-semibold tabular-nums">
              +{each.points}
              <span className="sr-only"> points</span>
            </span>
            <div className="min-w-0">
              <p>
                <Visible text={each.evidence} />
              </p>
              <Points points={each.points} level={level} />
            </div>
          </li>
        ))}
        {floors.map((floor) => (
          <li key={floor.id} className="grid grid-cols-[3rem_1fr] items-baseline gap-x-3 py-1.5">
            <span className="text-right text-sm font-semibold">floor</span>
            <p className="min-w-0">
              never below <b className="font-semibold">{LEVELS[floor.level].word.toLowerCase()}</b>:{" "}
              <Visible text={floor.evidence} /> <Literal text={floor.id} className="text-faint" />
            </p>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Points({ points, level }: { readonly points: number; readonly level: Level }): ReactElement {
  return (
    <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true" className="mt-1 block h-1 w-full max-w-md">
      <rect width={Math.max(0, Math.min(100, points))} height="4" className={FILLS[level]} />
    </svg>
  );
}

/** 0 to 100 with the three thresholds between the levels. */
function Scale({ score, level }: { readonly score: number; readonly level: Level }): ReactElement {
  return (
    <div aria-hidden="true">
      <svg viewBox="0 0 100 8" preserveAspectRatio="none" className="block h-2 w-full overflow-visible rounded-sm">
        <rect width="100" height="8" className="fill-line" />
        <rect width={Math.max(0, Math.min(100, score))} height="8" className={FILLS[level]} />
        {[LEVELS.medium.from, LEVELS.high.from, LEVELS.critical.from].map((from) => (
          <rect key={from} x={from - 0.25} width="0.5" height="8" className="fill-sheet" />
        ))}
      </svg>
      <div className="mt-1 grid grid-cols-[30fr_30fr_25fr_15fr] text-2xs text-faint">
        {(["low", "medium", "high", "critical"] as const).map((each) => (
          <span key={each} className={each === level ? "font-semibold text-ink" : ""}>
            {LEVELS[each].word}
          </span>
        ))}
      </div>
    </div>
  );
}
