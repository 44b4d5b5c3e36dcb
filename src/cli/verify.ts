import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseJson } from "../core/action/index.ts";
import { readRemembered, verifyLedger, verifyReceipt } from "../verify/index.ts";
import type { Remembered, Report, WitnessPolicy } from "../verify/index.ts";
import { readArguments, SERVER } from "./arguments.ts";
import { describe, EXIT, Failure, usage } from "./failure.ts";
import { connect } from "./connection.ts";
import type { ServerValues } from "./settings.ts";
import { painter } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";
import { pageOf, progressBar, receiptPage } from "./verify/page.ts";
import { fromFiles, fromFolder, fromServer, readKey, readText } from "./verify/sources.ts";
import type { Source } from "./verify/sources.ts";

export const help = `keyturn verify: verify the ledger, trusting nobody

Reads every entry and gives four separate verdicts. integrity: the checkpoint is signed, and these entries are exactly
those under its root. completeness: no entry is missing. decisions: everything that was executed was allowed, or was
approved before, once, in time, by enough of the right people. time: the clock never went back, and witnesses agree with
it. Payloads may have been erased; that is said and fails nothing.

From a server it needs the operator's token. The key that a server sends proves only that the server agrees with itself:
bring the key you wrote down earlier with --vkey.

Examples
  keyturn verify --vkey keyturn.vkey
  keyturn verify --vkey keyturn.vkey --remember last.json     (next time only what is new, and nothing may be rewritten)
  keyturn verify --dir published --vkey keyturn.vkey          (a published folder: no server, no network)
  keyturn verify --entries ledger.jsonl --checkpoint checkpoint --vkey keyturn.vkey
  keyturn verify --receipt approval.tlog-proof --vkey keyturn.vkey

Options
  --dir DIR           a folder that \`keyturn ledger publish\` or \`keyturn evidence\` wrote
  --entries FILE      entries as GET /v1/ledger/entries sends them
  --checkpoint FILE   a signed checkpoint, as GET /v1/ledger/checkpoint sends it
  --receipt FILE      one receipt instead of a whole ledger
  --vkey FILE|KEY     the log's verifier key, as GET /v1/ledger/vkey sends it
  --witness FILE|KEY  the key of a witness that should have cosigned; as often as there are witnesses
  --quorum N          how many of them have to (all, if not said)
  --remember FILE     go on from what FILE remembers, prove that nothing before was changed, and remember the result;
                      keep it where only you write
  --all               with --remember: read every entry again all the same
  --data DIR          the server's data directory, which holds operator.token
  --url URL           the server
  --json              {"passed", "integrity", "completeness", "decisions", "time", "counts", "unreadable", "origin", …}

Exit codes: 0 all four pass, 1 one of them does not, 2 wrong usage.
`;

type Values = ServerValues & {
  readonly dir?: string | undefined;
  readonly entries?: string | undefined;
  readonly checkpoint?: string | undefined;
  readonly receipt?: string | undefined;
  readonly vkey?: string | undefined;
  readonly witness?: string[] | undefined;
  readonly quorum?: string | undefined;
  readonly remember?: string | undefined;
  readonly all?: boolean | undefined;
};

const OPTIONS = {
  ...SERVER,
  dir: { type: "string" },
  entries: { type: "string" },
  checkpoint: { type: "string" },
  receipt: { type: "string" },
  vkey: { type: "string" },
  witness: { type: "string", multiple: true },
  quorum: { type: "string" },
  remember: { type: "string" },
  all: { type: "boolean" },
} as const;

/** Verifies and prints the verdicts. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values } = readArguments(args, OPTIONS, []);
  const vkey = values.vkey === undefined ? null : readKey(values.vkey, terminal);
  const witnesses = witnessesIn(values, terminal);
  if (values.receipt !== undefined) return oneReceipt(values.receipt, vkey, witnesses, values.json === true, terminal);
  const kept = values.remember === undefined ? null : recall(values.remember, terminal);
  const remembered = kept === null || values.all !== true ? kept : { checkpoint: kept.checkpoint };
  const source = await sourceOf(values, vkey, remembered, terminal);
  const bar = values.json === true || !terminal.screen.err ? null : progressBar(terminal);
  const report = await verifyLedger({
    ...source,
    ...(witnesses === null ? {} : { witnesses }),
    ...(remembered === null ? {} : { remembered }),
    ...(bar === null ? {} : { onProgress: (progress) => bar.show(progress) }),
  });
  bar?.clear();
  if (values.remember !== undefined && report.remember !== null) keep(values.remember, report.remember, terminal);
  terminal.out(values.json === true ? jsonOf(report) : pageOf(report, vkey !== null, painter(terminal, "out")));
  return report.passed ? EXIT.ok : EXIT.failed;
}

async function sourceOf(
  values: Values,
  vkey: string | null,
  remembered: Remembered | null,
  terminal: Terminal,
): Promise<Source> {
  const { dir, entries, checkpoint } = values;
  if (dir !== undefined) return fromFolder(resolve(terminal.cwd, dir), checkpoint, vkey, remembered, terminal);
  if (entries === undefined && checkpoint === undefined) {
    return fromServer(await connect(values, terminal, "operator"), vkey, remembered, values.witness !== undefined);
  }
  if (entries === undefined || checkpoint === undefined || vkey === null) {
    throw usage("Without a server all three are needed: --entries, --checkpoint and --vkey; or one --dir.");
  }
  return fromFiles({ entries, checkpoint, vkey }, remembered, terminal);
}

/** The witnesses that the command line names, and how many of them have to have cosigned; null where it names none. */
export function witnessesIn(
  { witness, quorum }: Pick<Values, "witness" | "quorum">,
  terminal: Terminal,
): WitnessPolicy | null {
  if (witness === undefined) {
    if (quorum !== undefined) throw usage("--quorum says how many of the witnesses; name them with --witness.");
    return null;
  }
  const vkeys = witness.map((given) => readKey(given, terminal));
  const wanted = quorum === undefined ? vkeys.length : Number(quorum);
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > vkeys.length) {
    throw usage(`--quorum is a number from 1 to ${vkeys.length}, as many witnesses as are named.`);
  }
  return { vkeys, quorum: wanted };
}

function oneReceipt(
  path: string,
  vkey: string | null,
  witnesses: WitnessPolicy | null,
  json: boolean,
  terminal: Terminal,
): number {
  if (vkey === null) throw usage("A receipt is verified with the key you brought: --vkey.");
  const receipt = readText(path, terminal);
  try {
    const opened = verifyReceipt({ receipt, vkey, ...(witnesses === null ? {} : { witnesses }) });
    terminal.out(receiptPage(opened, json, painter(terminal, "out")));
    return EXIT.ok;
  } catch (error) {
    const { message } = describe(error);
    terminal.out(json ? `${JSON.stringify({ passed: false, because: message })}\n` : `not proven: ${message}\n`);
    return EXIT.failed;
  }
}

function recall(path: string, terminal: Terminal): Remembered | null {
  const file = resolve(terminal.cwd, path);
  if (!existsSync(file)) return null;
  try {
    return readRemembered(parseJson(readFileSync(file, "utf8"), { bytesMax: REMEMBERED_BYTES_MAX }));
  } catch (cause) {
    const message = `${path} does not hold what \`keyturn verify --remember\` writes; verify everything with another file.`;
    throw new Failure({ code: "file_unreadable", message, cause });
  }
}

/** Replaced as a whole, so that an interrupted write leaves what was remembered before. */
function keep(path: string, remembered: Remembered, terminal: Terminal): void {
  const file = resolve(terminal.cwd, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(remembered)}\n`, { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
}

const REMEMBERED_BYTES_MAX: number = 512 * 1024 * 1024;

/** What is kept for the next time is not a finding: it goes to the file only. */
function jsonOf(report: Report): string {
  return `${JSON.stringify({ ...report, remember: undefined })}\n`;
}
