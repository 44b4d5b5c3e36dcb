import { formatSpan } from "../../core/ledger/index.ts";
import { RESULTS } from "../pack/actions.ts";
import type { Result } from "../pack/actions.ts";
import { EXCEPTIONS } from "../pack/exceptions.ts";
import type { ExceptionKind } from "../pack/exceptions.ts";
import { byRisk, legend, overTime, timeToDecide } from "./charts.ts";
import type { ReportData } from "./data.ts";
import { join, markup } from "./markup.ts";
import type { Markup } from "./markup.ts";
import { counted, day, median, moment, number, shortStream } from "../words.ts";

const CHECKS = {
  integrity: "The checkpoint is signed by the ledger's key, and these are exactly the entries under its root.",
  completeness: "No entry is missing: the ledger and every stream in it are numbered without a gap.",
  decisions:
    "All that was executed was allowed by the policies in force, or approved before, once, in time, by enough of the right people.",
  time: "The clock never went back by more than half a minute, and witnesses' clocks agree with it.",
} as const;

/** Items of one kind that are listed here; the findings have more. */
const LISTED_MAX = 8;

const VERDICTS = { pass: "pass", fail: "FAIL", not_checked: "not checked" } as const;

/** Title and what the reader has to know at once. */
export function head(data: ReportData): Markup {
  const { origin, period, range, size } = data;
  return markup`<header>
<p class="kind">Evidence of privileged actions</p>
<h1>${day(period.from)} to ${day(period.to - 1)}</h1>
<dl class="facts">
<div><dt>Ledger</dt><dd class="mono">${origin}</dd></div>
<div><dt>Period</dt><dd>${moment(period.from)} to ${moment(period.to)} UTC, the end not included</dd></div>
<div><dt>Entries</dt><dd>${range.end === range.first ? "none" : `${number(range.first)} to ${number(range.end - 1)}`}, of ${number(size)} under the signed checkpoint</dd></div>
<div><dt>As of</dt><dd>${moment(data.asOf)} UTC, the latest entry; made by Keyturn ${data.version}</dd></div>
<div><dt>Verifier key</dt><dd class="mono">${data.vkey}</dd></div>
</dl>
</header>`;
}

/** The most important sentences first. */
export function summary(data: ReportData): Markup {
  const { verification, lines, exceptions, gaps } = data;
  const count = (result: Result): number => lines.filter((line) => line.result === result).length;
  const open = gaps.outcomesWithoutPermit.count + gaps.allowedWithoutOutcome.count + gaps.releasedWithoutOutcome.count;
  const tiles: readonly (readonly [value: number, label: string, tone: string])[] = [
    [lines.length, "actions", ""],
    [count("passed"), "passed at once", ""],
    [count("approved"), "released after approval", ""],
    [count("denied_policy") + count("denied_people"), "denied", ""],
    [exceptions.refused_self.count, "self-approvals refused", ""],
    [open, "gaps to look at", open > 0 ? "warn" : ""],
  ];
  const verdict = verification.passed
    ? markup`<p class="verdict good"><strong>All four checks pass.</strong> This page was made by the system that it is about: section 12 says how to reach the verdict without it.</p>`
    : markup`<p class="verdict bad"><strong>Not all checks pass.</strong> Read the findings below before anything else.</p>`;
  return markup`<section><h2>1 Summary</h2>
${verdict}
<ul class="tiles">${tiles.map(([value, label, tone]) => markup`<li class="${tone}"><b>${number(value)}</b><span>${label}</span></li>`)}</ul>
<table><thead><tr><th>Check</th><th>Verdict</th><th>What it says</th></tr></thead><tbody>${verdictRows(data)}</tbody></table>
${unreadableNote(data)}${demoNote(data)}</section>`;
}

function verdictRows({ verification }: ReportData): Markup {
  const names = Object.keys(CHECKS) as (keyof typeof CHECKS)[];
  return join(
    names.map((name) => {
      const { verdict, findings } = verification[name];
      const some = findings
        .slice(0, 8)
        .map(({ index, because }) => markup`<li>${index === null ? "" : `entry ${index}: `}${because}</li>`);
      const more =
        findings.length > 8 ? markup`<li>and ${number(findings.length - 8)} more in verification.json</li>` : null;
      const list = some.length === 0 ? null : markup`<ul class="plain">${some}${more}</ul>`;
      return markup`<tr><th scope="row">${name}</th><td><span class="badge ${verdict}">${VERDICTS[verdict]}</span></td><td>${CHECKS[name]}${list}</td></tr>`;
    }),
  );
}

function unreadableNote({ unreadable: { inPeriod, outside } }: ReportData): Markup {
  const erased =
    inPeriod === 0
      ? null
      : markup`<p class="note warn">${counted(inPeriod, "release")} of this period could be checked by headers alone, because payloads were erased: that enough of the right people approved is not shown for them.</p>`;
  const undisclosed =
    outside === 0
      ? null
      : markup`<p class="more">${counted(outside, "release")} outside the period: checked by headers, as their payloads are not disclosed here.</p>`;
  return markup`${erased}${undisclosed}`;
}

function demoNote({ exceptions }: ReportData): Markup | null {
  if (exceptions.demo.count === 0) return null;
  return markup`<p class="note bad">${counted(exceptions.demo.count, "start")} of the server in <strong>demo mode</strong> in this period. In demo mode anybody can act as anybody: its approvals prove nothing about people.</p>`;
}

/** Why what is here is everything. */
export function population(data: ReportData): Markup {
  const { range, size, roots, verification, witnesses, erased } = data;
  const count = range.end - range.first;
  const later = size - range.end;
  const witnessed = verification.witnessed.map(
    ({ name, seconds }) => markup`<li><span class="mono">${name}</span>, ${moment(seconds * 1000)} UTC</li>`,
  );
  const asked =
    witnesses.asked === 0
      ? markup`<p class="note">No witness key was given when this pack was made. Without witnesses, or a checkpoint that somebody outside has kept, the operator of the ledger could have signed a different history from its beginning.</p>`
      : markup`<p>Cosigned by ${verification.witnessed.length} of ${witnesses.asked} witnesses, ${witnesses.quorum} wanted:</p><ul class="plain">${witnessed}</ul>`;
  return markup`<section><h2>2 Population</h2>
<p>The ledger is one Merkle tree over numbered entries. Its first ${number(range.first)} entries have the root <i>start</i>, its first ${number(range.end)} the root <i>end</i>; consistency proofs show that each is the beginning of the next, up to the signed checkpoint. What lies between is therefore everything that was recorded in the period: <strong class="nb">${number(range.end)} − ${number(range.first)} = ${counted(count, "entry", "entries")}</strong>, which make ${counted(data.lines.length, "action")}.</p>
<table class="roots"><thead><tr><th>Checkpoint</th><th>Entries</th><th>Root</th><th>Signed</th></tr></thead><tbody>
<tr><th scope="row">start</th><td>${number(range.first)}</td><td class="mono">${roots.start}</td><td>by the proof</td></tr>
<tr><th scope="row">end</th><td>${number(range.end)}</td><td class="mono">${roots.end}</td><td>${later === 0 ? "by the ledger" : "by the proof"}</td></tr>
<tr><th scope="row">signed</th><td>${number(size)}</td><td class="mono">${roots.signed}</td><td>by the ledger</td></tr></tbody></table>
${data.kept === null ? null : markup`<p>The ledger goes on from the checkpoint of ${counted(data.kept, "entry", "entries")} that was kept from before.</p>`}
${asked}
<p>Payloads (who, what, parameters) are disclosed for the period, for all entries of the actions under way in it, and for the rules in force when it began. ${erased === 0 ? "None of the period was erased." : `${counted(erased, "payload")} of the period had been erased: the entries stand in the tree, what they said is gone.`}</p>
</section>`;
}

/** Charts, and the numbers behind them. */
export function activity(data: ReportData): Markup {
  const { lines, period } = data;
  const waits = lines.flatMap(({ at, decidedAt }) => (decidedAt === null ? [] : [decidedAt - at]));
  const middle = median(waits);
  const rows = (Object.keys(RESULTS) as Result[]).map((result) => {
    const some = lines.filter((line) => line.result === result);
    const share = lines.length === 0 ? 0 : Math.round((1000 * some.length) / lines.length) / 10;
    return markup`<tr><th scope="row">${RESULTS[result]}</th><td class="n">${number(some.length)}</td><td class="n">${share.toFixed(1)} %</td></tr>`;
  });
  const decided =
    waits.length === 0
      ? markup`<p>People decided nothing in this period.</p>`
      : markup`${timeToDecide(waits)}<p>${counted(waits.length, "request")} decided by people; half of them within ${formatSpan(middle ?? 0)}. Decisions within seconds are worth a question about what the approver can have read.</p>`;
  return markup`<section><h2>3 Activity</h2>${legend()}${overTime(lines, period)}${byRisk(lines)}
<table class="narrow"><thead><tr><th>Result</th><th class="n">Actions</th><th class="n">Share</th></tr></thead><tbody>${rows}</tbody></table>
<h3>How long people took</h3>${decided}</section>`;
}

/** Every kind of exception, also those of which there is none. */
export function exceptionList({ exceptions }: ReportData): Markup {
  const kinds = Object.keys(EXCEPTIONS) as ExceptionKind[];
  const rows = kinds.map(
    (kind) =>
      markup`<tr><th scope="row">${EXCEPTIONS[kind]}</th><td class="n">${number(exceptions[kind].count)}</td></tr>`,
  );
  const lists = kinds
    .filter((kind) => exceptions[kind].count > 0)
    .map((kind) => {
      const { count, items } = exceptions[kind];
      const listed = items.slice(0, LISTED_MAX);
      const more =
        count > listed.length
          ? markup`<p class="more">and ${number(count - listed.length)} more in findings/exceptions.json</p>`
          : null;
      const lines = listed.map(
        (item) =>
          markup`<tr><td class="n">${item.index}</td><td class="when">${moment(item.at)}</td><td class="id">${shortStream(item.stream)}</td><td>${item.because}</td></tr>`,
      );
      return markup`<h3>${EXCEPTIONS[kind]}</h3><table class="items"><thead><tr><th class="n">Entry</th><th>Time (UTC)</th><th>Stream</th><th>What</th></tr></thead><tbody>${lines}</tbody></table>${more}`;
    });
  return markup`<section><h2>4 Exceptions</h2><p>What went another way than asked, decided, done. Most of these are the controls at work; each kind deserves a look.</p>
<table class="narrow"><thead><tr><th>Kind</th><th class="n">Entries</th></tr></thead><tbody>${rows}</tbody></table>${lists}</section>`;
}
