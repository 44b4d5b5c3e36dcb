import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { readArguments, SERVER } from "./arguments.ts";
import { connect } from "./connection.ts";
import { periodOf, sampleOf } from "./evidence/arguments.ts";
import { writeArchive, writeManifest } from "./evidence/archive.ts";
import { buildPack } from "./evidence/build.ts";
import type { Pack } from "./evidence/build.ts";
import { collect } from "./evidence/collect.ts";
import { findChromium, printPdf } from "./evidence/pdf.ts";
import { EXIT, Failure, describe } from "./failure.ts";
import { painter } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";
import { witnessesIn } from "./verify.ts";
import { readText } from "./verify/sources.ts";

export const help = `keyturn evidence: one archive with which an auditor verifies a period, trusting nobody

Holds the signed checkpoint, the whole tree, consistency proofs that fix the period's entries, the disclosed payloads,
policies and people in force, every action from question to outcome, a gap report, exceptions, a clock report, a sample,
a report to read, and instructions for tools that are not ours. It verifies offline on a machine without Keyturn.
It holds personal data: who asked and who approved what.

Examples
  keyturn evidence --from 2026-10-01 --to 2026-11-01 --out october.tar
  keyturn evidence --from 2026-10-01 --sample 25 --nonce "chosen by the auditor today" --pdf
  keyturn evidence --from 2026-10-01 --kept september/ledger/checkpoint --witness witness.vkey

Options
  --from TIME         the first moment: 2026-10-01, or 2026-10-01T08:00:00Z
  --to TIME           the first moment after it (default: now)
  --out FILE          the archive (default: keyturn-evidence-FROM-TO.tar); nothing is overwritten
  --pdf               the report as PDF too, printed by this machine's Chromium (or the one that CHROMIUM names)
  --sample N          draw N actions (default with --nonce: 25)
  --nonce WORD        the auditor's word, chosen after the ledger was signed: it decides what is drawn
  --sample-of WHAT    all actions, those people were asked about (held), or those they released (released; the default)
  --kept FILE         a checkpoint kept from before: the ledger has to go on from it
  --witness FILE|KEY  the key of a witness that should have cosigned; as often as there are witnesses
  --quorum N          how many of them have to (all, if not said)
  --data DIR          the server's data directory, which holds operator.token
  --url URL           the server
  --json              {"out", "bytes", "entries", "actions", "passed", "pdf"}

Exit codes: 0 written and all four checks pass, 1 written and one of them does not, or not written, 2 wrong usage.
`;

const OPTIONS = {
  ...SERVER,
  from: { type: "string" },
  to: { type: "string" },
  out: { type: "string" },
  pdf: { type: "boolean" },
  sample: { type: "string" },
  nonce: { type: "string" },
  "sample-of": { type: "string" },
  kept: { type: "string" },
  witness: { type: "string", multiple: true },
  quorum: { type: "string" },
} as const;

/** Collects, checks and writes the pack. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values } = readArguments(args, OPTIONS, []);
  const period = periodOf(values.from, values.to, Date.now());
  const sample = sampleOf(values);
  const witnesses = witnessesIn(values, terminal);
  const kept = values.kept === undefined ? null : readText(values.kept, terminal);
  const day = (at: number): string => new Date(at).toISOString().slice(0, 10);
  const out = resolve(terminal.cwd, values.out ?? `keyturn-evidence-${day(period.from)}-${day(period.to - 1)}.tar`);
  if (existsSync(out)) {
    throw new Failure({ code: "file_exists", message: `${out} is there already; name another file with --out.` });
  }
  const chromium = values.pdf === true ? findChromium(terminal.env) : null;
  if (values.pdf === true && chromium === null) {
    terminal.err("No Chromium is here, so the report stays HTML: install it (Debian: chromium), or set CHROMIUM.\n");
  }
  const server = await connect(values, terminal, "operator");
  // First, so that the pack itself shows that it was made.
  const moment = (at: number): string => new Date(at).toISOString();
  await server.ask((client) =>
    client.recordExport({ format: "evidence", from: moment(period.from), to: moment(period.to) }),
  );
  const work = mkdtempSync(join(tmpdir(), "keyturn-evidence-"));
  try {
    const collected = await collect(server, period, join(work, "ledger"));
    const pack = await buildPack(collected, work, { period, sample, witnesses, kept, pdf: chromium !== null });
    const pdf = chromium !== null && (await print(chromium, work, terminal));
    writeManifest(work);
    const name = basename(out)
      .replace(/\.tar$/, "")
      .replaceAll(/[^A-Za-z0-9._-]/g, "-");
    const bytes = writeArchive(work, name === "" ? basename(dirname(out)) : name, out, pack.modifiedAt);
    terminal.out(values.json === true ? jsonOf(pack, out, bytes, pdf) : pageOf(pack, out, bytes, terminal));
    return pack.report.passed ? EXIT.ok : EXIT.failed;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function print(chromium: string, work: string, terminal: Terminal): Promise<boolean> {
  const pdf = join(work, "report.pdf");
  try {
    await printPdf(chromium, join(work, "report.html"), pdf);
  } catch (error) {
    terminal.err(
      `${chromium} did not print the report, so it stays HTML: ${describe(error).message.split("\n")[0] ?? ""}\n`,
    );
  }
  return existsSync(pdf);
}

function jsonOf({ data, report }: Pack, out: string, bytes: number, pdf: boolean): string {
  const { range, lines } = data;
  const entries = range.end - range.first;
  return `${JSON.stringify({ out, bytes, entries, actions: lines.length, passed: report.passed, pdf })}\n`;
}

function pageOf({ data, report }: Pack, out: string, bytes: number, terminal: Terminal): string {
  const paint = painter(terminal, "out");
  const { range, lines } = data;
  const names = ["integrity", "completeness", "decisions", "time"] as const;
  const verdicts = names.map((name) => {
    const { verdict } = report[name];
    return `${name} ${paint(verdict === "pass" ? "green" : "red", verdict.replace("_", " "))}`;
  });
  const size = bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
  return `${out} (${size})
${(range.end - range.first).toLocaleString("en")} entries, ${lines.length.toLocaleString("en")} actions; ${verdicts.join(", ")}
It holds personal data. README.txt in it says how to verify it with tools that are not ours.
`;
}
