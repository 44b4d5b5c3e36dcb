import type { Check, Report, VerifiedReceipt } from "../../verify/index.ts";
import { visible } from "../../core/card/index.ts";
import type { Paint, Style, Terminal } from "../terminal.ts";

const BAR_WIDTH = 24;

type Bar = { show(progress: { readonly entries: number; readonly of: number | null }): void; clear(): void };

/** A line that grows while entries are read. */
export function progressBar(terminal: Terminal): Bar {
  return {
    show: ({ entries, of }) => {
      const share = of === null || of === 0 ? 0 : Math.min(1, entries / of);
      const filled = "█".repeat(Math.round(share * BAR_WIDTH)).padEnd(BAR_WIDTH, "░");
      const total = of === null ? "" : ` of ${of.toLocaleString("en")}`;
      terminal.err(`\r${filled} ${entries.toLocaleString("en")}${total} entries`);
    },
    clear: () => terminal.err("\r\u001b[K"),
  };
}

const MEANINGS = {
  integrity: "the checkpoint is signed by the key, and these are exactly the entries under its root",
  completeness: "no entry is missing",
  decisions: "all that was executed was allowed, or approved before, once, in time, by enough of the right people",
  time: "the clock never went back",
} as const;

const STYLES: Readonly<Record<Check["verdict"], Style>> = { pass: "green", fail: "red", not_checked: "yellow" };

/** The verdicts, what was counted, and what the reader has to know to believe them. */
export function pageOf(report: Report, keyIsOwn: boolean, paint: Paint): string {
  const names = Object.keys(MEANINGS) as (keyof typeof MEANINGS)[];
  const verdicts = names.map((name) => verdictLines(name, report[name], paint));
  return `${verdicts.join("")}\n${countsOf(report)}\n${witnessLines(report)}${gone(report)}${trust(keyIsOwn, paint)}`;
}

function countsOf({ origin, from, counts }: Report): string {
  const { entries, evaluations, requests, released, completed, erased } = counts;
  const more = from === 0 ? "" : `, after the ${from.toLocaleString("en")} that were verified before`;
  return [
    `${number(entries, "entry", "entries")} of ${visible(origin ?? "an unknown log")}${more}`,
    number(evaluations, "evaluation", "evaluations"),
    number(requests, "request", "requests"),
    `${released.toLocaleString("en")} released`,
    number(completed, "outcome", "outcomes"),
    number(erased, "payload erased or not given", "payloads erased or not given"),
  ].join(", ");
}

function witnessLines({ witnessed }: Report): string {
  return witnessed.map(({ name, seconds }) => `Cosigned by ${visible(name)} at ${timeOf(seconds)}\n`).join("");
}

function gone({ unreadable, counts }: Report): string {
  if (unreadable.length === 0) return "";
  const more = counts.unreadable - unreadable.length;
  const rest = more > 0 ? ` and ${more.toLocaleString("en")} more` : "";
  return `Released, but erased in part: ${unreadable.map(visible).join(", ")}${rest}\n`;
}

function trust(keyIsOwn: boolean, paint: Paint): string {
  if (keyIsOwn) return "";
  const warning =
    "The key came from the server itself. Bring your own with --vkey to prove more than that it agrees with itself.\n";
  return paint("yellow", warning);
}

function verdictLines(name: keyof typeof MEANINGS, check: Check, paint: Paint): string {
  const said =
    check.verdict === "pass"
      ? MEANINGS[name]
      : check.verdict === "fail"
        ? `not proven: ${MEANINGS[name]}`
        : "not checked";
  const head = `${name.padEnd(13)} ${paint(STYLES[check.verdict], check.verdict.replace("_", " ").padEnd(11))} ${said}\n`;
  return head + check.findings.map((finding) => `  ${where(finding)}${visible(finding.because)}\n`).join("");
}

function where({ index, stream }: Check["findings"][number]): string {
  if (index === null) return stream === null ? "" : `${visible(stream)}: `;
  return `entry ${index}${stream === null ? "" : `, ${visible(stream)}`}: `;
}

/** What a receipt proves: the entry itself, so that nobody has to believe a summary. */
export function receiptPage(receipt: VerifiedReceipt, json: boolean, paint: Paint): string {
  const { index, checkpoint, leaf, witnessed } = receipt;
  const entry = Buffer.from(leaf).toString("utf8");
  const { origin, size } = checkpoint;
  if (json) return `${JSON.stringify({ passed: true, origin, index, size, entry, witnessed })}\n`;
  const proven = `${paint("green", "proven")}: entry ${index} of ${visible(origin)}, under a signed checkpoint of ${size} entries, is\n`;
  return `${proven}${visible(entry)}\n${witnessed.map(({ name, seconds }) => `Cosigned by ${visible(name)} at ${timeOf(seconds)}\n`).join("")}`;
}

function number(count: number, one: string, many: string): string {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

function timeOf(seconds: number): string {
  return seconds < 8.64e12 ? new Date(seconds * 1000).toISOString() : `${seconds} s`;
}
