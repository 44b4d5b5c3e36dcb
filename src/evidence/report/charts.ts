import { RESULTS } from "../pack/actions.ts";
import type { ActionLine, Result } from "../pack/actions.ts";
import type { Period } from "../pack/range.ts";
import { join, markup } from "./markup.ts";
import type { Markup } from "./markup.ts";
import { day, moment, number } from "../words.ts";

const ORDER = Object.keys(RESULTS) as Result[];

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Columns that fit the width of a page and can still be told apart. */
const COLUMNS_MAX = 62;
const STEPS: readonly (readonly [lengthMs: number, name: string])[] = [
  [HOUR / 12, "five minutes"],
  [HOUR, "hour"],
  [6 * HOUR, "six hours"],
  [DAY, "day"],
  [7 * DAY, "week"],
  [30 * DAY, "30 days"],
];
const YEARS = [365 * DAY, "365 days"] as const;

const WIDTH = 680;
const LEFT = 40;

/** A colour with its word, for every chart of the page. */
export function legend(): Markup {
  const items = ORDER.map(
    (result) =>
      markup`<li><svg class="key" viewBox="0 0 10 10" aria-hidden="true"><rect class="r-${result}" width="10" height="10"/></svg>${RESULTS[result]}</li>`,
  );
  return markup`<ul class="legend">${items}</ul>`;
}

/**
 * How many actions began when, by what became of them, over the whole period, also where nothing happened. Those that
 * passed at once are usually many more: they have a panel and a scale of their own, under the others.
 */
export function overTime(lines: readonly ActionLine[], period: Period): Markup {
  const [lengthMs, name] = STEPS.find(([length]) => (period.to - period.from) / length <= COLUMNS_MAX) ?? YEARS;
  const columns = Math.max(1, Math.min(COLUMNS_MAX, Math.ceil((period.to - period.from) / lengthMs)));
  const counts = Array.from({ length: columns }, () => new Map<Result, number>());
  for (const { at, result } of lines) {
    const column = counts[Math.min(columns - 1, Math.max(0, Math.floor((at - period.from) / lengthMs)))];
    column?.set(result, (column.get(result) ?? 0) + 1);
  }
  const label = (at: number): string => moment(period.from + at * lengthMs);
  const people = ORDER.filter((result) => result !== "passed");
  const upper = panel({ counts, results: people, top: 12, height: 130, label });
  const lower = panel({ counts, results: ["passed"], top: 178, height: 62, label });
  const every = Math.max(1, Math.ceil(columns / 8));
  const close = lengthMs < DAY && period.to - period.from <= 3 * DAY;
  const ticks = counts.flatMap((_, at) => {
    if (at % every !== 0) return [];
    const text = close ? label(at).slice(5, 16) : day(period.from + at * lengthMs);
    return [markup`<text class="tick" x="${round(LEFT + (at * (WIDTH - LEFT)) / columns)}" y="256">${text}</text>`];
  });
  return markup`<figure><svg viewBox="0 0 ${WIDTH} 262" role="img" aria-label="Actions per ${name}, by result">${upper}<text class="tick" x="${LEFT}" y="168">Passed at once</text>${lower}${ticks}</svg><figcaption>Actions per ${name} (UTC), by what became of them; those that passed at once on a scale of their own.</figcaption></figure>`;
}

type Panel = {
  readonly counts: readonly ReadonlyMap<Result, number>[];
  readonly results: readonly Result[];
  readonly top: number;
  readonly height: number;
  readonly label: (column: number) => string;
};

/** Columns of some of the results on one scale. */
function panel({ counts, results, top, height, label }: Panel): Markup {
  const scale = scaleFor(Math.max(...counts.map((column) => sum(results.map((result) => column.get(result) ?? 0)))));
  const y = (value: number): number => top + height * (1 - value / scale.max);
  const pitch = (WIDTH - LEFT) / counts.length;
  const width = Math.min(44, pitch - Math.min(3, pitch * 0.18));
  const bars = counts.flatMap((column, at) => {
    let below = 0;
    return results.map((result) => {
      const count = column.get(result) ?? 0;
      if (count === 0) return markup``;
      const [low, high] = [y(below), y((below += count))];
      const title = `${label(at)}: ${number(count)} ${RESULTS[result].toLowerCase()}`;
      return markup`<rect class="r-${result}" x="${round(LEFT + at * pitch)}" y="${round(high)}" width="${round(width)}" height="${round(Math.max(0.5, low - high))}"><title>${title}</title></rect>`;
    });
  });
  return markup`${scale.lines.map((value) => gridLine(value, y(value)))}${bars}`;
}

function gridLine(value: number, y: number): Markup {
  return markup`<line class="grid" x1="${LEFT}" x2="${WIDTH}" y1="${round(y)}" y2="${round(y)}"/><text class="tick end" x="${LEFT - 6}" y="${round(y + 3.5)}">${number(value)}</text>`;
}

/** For each level of risk, one bar for the actions that did not pass at once, divided by what became of them. */
export function byRisk(all: readonly ActionLine[]): Markup {
  const lines = all.filter(({ result }) => result !== "passed");
  const levels = ["critical", "high", "medium", "low", "unknown"];
  const rows = levels
    .map((level) => ({ level, lines: lines.filter((line) => (line.level ?? "unknown") === level) }))
    .filter(({ level, lines: some }) => level !== "unknown" || some.length > 0);
  const most = Math.max(1, ...rows.map((row) => row.lines.length));
  const [pitch, bar, left, right] = [30, 18, 70, 56];
  const width = (count: number): number => ((WIDTH - left - right) * count) / most;
  const drawn = rows.map(({ level, lines: some }, at) => {
    let before = 0;
    const top = at * pitch + 6;
    const parts = ORDER.map((result) => {
      const count = some.filter((line) => line.result === result).length;
      if (count === 0) return markup``;
      const x = left + width(before);
      before += count;
      return markup`<rect class="r-${result}" x="${round(x)}" y="${top}" width="${round(Math.max(1, width(count)))}" height="${bar}"><title>${level}: ${number(count)} ${RESULTS[result].toLowerCase()}</title></rect>`;
    });
    return markup`<text class="label end" x="${left - 10}" y="${top + 13}">${level}</text>${parts}<text class="tick" x="${round(left + width(some.length) + 8)}" y="${top + 13}">${number(some.length)}</text>`;
  });
  return markup`<figure><svg viewBox="0 0 ${WIDTH} ${rows.length * pitch + 4}" role="img" aria-label="Actions that did not pass at once, by level of risk and result">${drawn}</svg><figcaption>Actions that did not pass at once, by level of risk.</figcaption></figure>`;
}

const WAITS: readonly (readonly [name: string, underMs: number])[] = [
  ["under 10 s", 10_000],
  ["10–60 s", 60_000],
  ["1–5 min", 300_000],
  ["5–15 min", 900_000],
  ["15–60 min", HOUR],
  ["1–4 h", 4 * HOUR],
  ["4–24 h", DAY],
  ["over a day", Number.POSITIVE_INFINITY],
];

/** How long people took from the request to the last review needed. Very short ones are worth a question. */
export function timeToDecide(waitsMs: readonly number[]): Markup {
  const counts = WAITS.map(([, under], at) => {
    const least = at === 0 ? Number.NEGATIVE_INFINITY : (WAITS[at - 1]?.[1] ?? 0);
    return waitsMs.filter((wait) => wait >= least && wait < under).length;
  });
  const [height, top, bottom] = [130, 18, 22];
  const most = Math.max(1, ...counts);
  const pitch = WIDTH / WAITS.length;
  const bars = WAITS.map(([name], at) => {
    const count = counts[at] ?? 0;
    const tall = ((height - top - bottom) * count) / most;
    const x = at * pitch;
    return markup`<rect class="r-approved" x="${round(x + pitch * 0.16)}" y="${round(height - bottom - tall)}" width="${round(pitch * 0.68)}" height="${round(Math.max(0.8, tall))}"/><text class="tick mid" x="${round(x + pitch / 2)}" y="${round(height - bottom - tall - 5)}">${number(count)}</text><text class="tick mid" x="${round(x + pitch / 2)}" y="${height - 6}">${name}</text>`;
  });
  return markup`<figure><svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Time from request to decision">${join(bars)}</svg><figcaption>Time from request to decision, in requests.</figcaption></figure>`;
}

function scaleFor(most: number): { readonly max: number; readonly lines: readonly number[] } {
  const rough = Math.max(1, most) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power);
  const lines = Array.from({ length: Math.ceil(Math.max(1, most) / step) + 1 }, (_, at) => at * step);
  return { max: lines.at(-1) ?? 1, lines };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
