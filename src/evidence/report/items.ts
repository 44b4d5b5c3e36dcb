import { formatSpan } from "../../core/ledger/index.ts";
import type { ActionRecord } from "../record.ts";
import type { ReportData } from "./data.ts";
import { markup } from "./markup.ts";
import type { Markup, Value } from "./markup.ts";
import { counted, moment, number } from "../words.ts";

const PARAMETER_CHARS_MAX = 700;

/** The items that were drawn, each with all that an auditor asks of it. */
export function sampleList({ sample, names, lines }: ReportData): Markup {
  if (sample === null) {
    return markup`<section><h2>6 Sample</h2><p>None was drawn. An auditor who wants one brings a word that was not known before (<code>--sample 25 --nonce WORD</code>); all ${number(lines.length)} actions are in <code>actions/records.jsonl</code>.</p></section>`;
  }
  const what = {
    all: "all actions",
    held: "the actions that people were asked about",
    released: "the actions that were released after approval",
  }[sample.of];
  return markup`<section><h2>6 Sample</h2>
<p>${counted(sample.records.length, "item")} of ${number(sample.population)}, drawn from ${what}. The seed is SHA-256 of the auditor's nonce <code>${sample.nonce}</code> and the root at the period's end: <code>${sample.seed}</code>. Each item ranks by SHA-256 of the seed and its entry's index in 8 bytes; the lowest ranks are the sample.</p>
${sample.records.map((record) => item(record, names))}</section>`;
}

/** Released actions and those that people denied, one by one. */
export function appendix({ shown, lines, names }: ReportData): Markup {
  const all = lines.filter(({ result }) => result === "approved" || result === "denied_people").length;
  const rows = shown.map((record) => {
    const people = (
      record.approval?.by ?? record.reviews.filter((r) => r.standing).map((r) => r.person ?? "erased")
    ).map((id) => named(id, names));
    const fate = record.completed?.status ?? (record.redeemed === null ? record.status : "no outcome told");
    return markup`<tr><td class="n">${firstIndex(record)}</td><td class="when">${moment(record.at)}</td><td>${record.action ?? "erased"}<br><span class="claim">${resourceOf(record)}</span></td><td class="nb">${record.agent ?? "erased"}</td><td>${record.risk.level ?? ""}</td><td>${record.status === "denied" ? "denied by " : ""}${people.join(", ")}</td><td>${fate}</td></tr>`;
  });
  const more =
    all > shown.length
      ? markup`<p class="more">The first ${number(shown.length)} of ${number(all)}; all of them are in actions/.</p>`
      : null;
  const table =
    rows.length === 0
      ? markup`<p>None in this period.</p>`
      : markup`<table class="items"><thead><tr><th class="n">Entry</th><th>Asked (UTC)</th><th>Action</th><th>Agent</th><th>Risk</th><th>Decided by</th><th>Outcome</th></tr></thead><tbody>${rows}</tbody></table>${more}`;
  return markup`<section><h2>Appendix: actions that people decided</h2>${table}</section>`;
}

/** Who decided how much: a person who approves everything, fast, is worth a conversation. */
export function people({ shown, lines, names }: ReportData): Markup {
  const all = lines.filter(({ result }) => result === "approved" || result === "denied_people").length;
  const counts = new Map<string, { approved: number; denied: number; waits: number[] }>();
  for (const record of shown) {
    for (const review of record.reviews) {
      const id = review.person ?? "erased";
      const of = counts.get(id) ?? { approved: 0, denied: 0, waits: [] };
      counts.set(id, of);
      if (review.verdict === "approve") of.approved++;
      else of.denied++;
      of.waits.push(review.at - (record.openedAt ?? record.at));
    }
  }
  const rows = [...counts]
    .toSorted(([, a], [, b]) => b.approved + b.denied - a.approved - a.denied)
    .map(([id, { approved, denied, waits }]) => {
      const sorted = waits.toSorted((a, b) => a - b);
      return markup`<tr><th scope="row">${named(id, names)}</th><td class="n">${number(approved)}</td><td class="n">${number(denied)}</td><td class="n">${formatSpan(sorted[0] ?? 0)}</td><td class="n">${formatSpan(sorted[sorted.length >> 1] ?? 0)}</td></tr>`;
    });
  const table =
    rows.length === 0
      ? markup`<p>Nobody reviewed anything in this period.</p>`
      : markup`<table><thead><tr><th>Person</th><th class="n">Approved</th><th class="n">Denied</th><th class="n">Fastest</th><th class="n">Median</th></tr></thead><tbody>${rows}</tbody></table>`;
  const note =
    all > shown.length
      ? markup`<p class="more">Of the first ${number(shown.length)} actions that people decided.</p>`
      : null;
  return markup`<section><h2>7 People who decided</h2>${table}${note}</section>`;
}

function item(record: ActionRecord, names: ReadonlyMap<string, string>): Markup {
  const rows: readonly (readonly [string, Value])[] = [
    ["Asked by", [`${record.agent ?? "erased"} at gate ${record.gate ?? "unknown"}, ${moment(record.at)} UTC`]],
    ["Parameters", parametersOf(record)],
    [
      "Agent's reason",
      record.reason === null ? "none given" : markup`<span class="claim">“${record.reason}” (a claim)</span>`,
    ],
    [
      "Risk",
      `${record.risk.level ?? "unknown"}${record.risk.score === null ? "" : `, score ${record.risk.score}`}; effects: ${record.effects.join(", ") || "none"}`,
    ],
    [
      "Policy",
      record.holds.length > 0
        ? record.holds.map(({ policy, because }) => markup`<span>${policy}: ${because}<br></span>`)
        : record.policies.join(", ") || "none matched",
    ],
    [
      "Asked for",
      record.terms.length === 0
        ? "nobody"
        : `${record.terms.map(({ group, quorum }) => `${quorum} of ${group}`).join(" and ")}; assurance ${record.assurance ?? "unknown"}`,
    ],
    [
      "Barred",
      record.barred.length === 0
        ? "nobody"
        : record.barred
            .map(({ person, relation }) => `${named(person, names)} (${relation.replaceAll("_", " ")})`)
            .join(", "),
    ],
    ["Reviews", reviewsOf(record, names)],
    ["Released", record.redeemed === null ? "no" : `${moment(record.redeemed.at)} UTC${order(record)}`],
    ["Outcome", outcomeOf(record)],
    ["Digest", markup`<span class="mono">${record.digest ?? "unknown"}</span>`],
    ["Entries", record.entries.map(({ index }) => index).join(", ")],
  ];
  return markup`<article class="item"><h3>${record.action ?? "erased"} on ${resourceOf(record)} <span class="n">entry ${firstIndex(record)}, ${record.id}</span></h3><dl>${rows.map(([term, value]) => markup`<dt>${term}</dt><dd>${value}</dd>`)}</dl></article>`;
}

function reviewsOf(record: ActionRecord, names: ReadonlyMap<string, string>): Value {
  const made = record.reviews.map(({ person, verdict, at, groups, assurance, standing, reason }) => ({
    at,
    text: markup`${moment(at)} ${named(person ?? "erased", names)}: ${verdict}, as ${groups.join(", ") || "erased"}, ${assurance}${standing ? "" : " (no longer counted)"}${reason === null ? "" : `: “${reason}”`}<br>`,
  }));
  const refused = record.refusals.map(({ person, at, rule }) => ({
    at,
    text: markup`${moment(at)} ${named(person ?? "erased", names)}: refused, ${rule.replaceAll("_", " ")}<br>`,
  }));
  const all = [...made, ...refused].toSorted((a, b) => a.at - b.at).map(({ text }) => text);
  return all.length === 0 ? "none" : all;
}

function order({ approval, redeemed }: ActionRecord): string {
  if (approval === null || redeemed === null) return "";
  return `, ${formatSpan(redeemed.at - approval.at)} after the approval`;
}

function outcomeOf({ completed, closed, status }: ActionRecord): string {
  if (completed !== null)
    return `${completed.status}, ${moment(completed.at)} UTC${completed.details === null ? "" : ` ${short(JSON.stringify(completed.details))}`}`;
  if (closed !== null) return `${closed.type.replace(".", " ")}, ${moment(closed.at)} UTC`;
  return status === "denied_by_policy" ? "denied by policy" : status === "held" ? "nobody was asked" : "none told";
}

function parametersOf({ parameters, erased }: ActionRecord): Value {
  if (parameters === null) return erased ? "erased" : "none";
  return markup`<span class="mono">${short(JSON.stringify(parameters))}</span>`;
}

function short(text: string): string {
  return text.length <= PARAMETER_CHARS_MAX
    ? text
    : `${text.slice(0, PARAMETER_CHARS_MAX)}… (${number(text.length)} characters)`;
}

function resourceOf({ resource }: ActionRecord): string {
  return resource === null ? "erased" : `${resource.type} ${resource.id}`;
}

function firstIndex({ entries }: ActionRecord): number {
  return entries.reduce((least, { index }) => Math.min(least, index), Number.MAX_SAFE_INTEGER);
}

function named(id: string, names: ReadonlyMap<string, string>): string {
  const name = names.get(id);
  return name === undefined || name === id ? id : `${name} (${id})`;
}
