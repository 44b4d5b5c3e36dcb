import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseVerifierKey } from "../core/ledger/index.ts";
import { openWitnessFolder, serveWitness, Witness, WitnessError } from "../witness/index.ts";
import { readArguments } from "./arguments.ts";
import { describe, EXIT, Failure, usage } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

export const help = `keyturn witness: watch ledgers, so that nobody can be shown another history

Cosigns checkpoints of the ledgers that it is told of, each only as a continuation of the one before (C2SP
tlog-witness). Run it where the people who run the server cannot reach: another machine, another account. Its key and
what it signed last are in the data directory; losing that directory means losing the memory. Needs Node 20 or later.

Examples
  keyturn witness --data /var/lib/keyturn-witness --listen 0.0.0.0:7119 --log ledger.vkey
  keyturn witness --data ./witness --name witness.example/keyturn --log 'keyturn.example/ledger/…/1+0a1b2c3d+AQ…'

Options
  --data DIR        where it keeps its key and what it signed
  --listen ADDRESS  default: 127.0.0.1:7119; port 0 takes a free one
  --log FILE|KEY    a ledger's verifier key (\`keyturn ledger vkey\`); repeat for more, or one a line in the file
  --name NAME       what it is called in its signatures, at the first start; default: this host's name and /witness
  --json            one JSON object a line: {"event":"ready","url":…,"vkey":…} first

Put its address and the key that it prints under \`witnesses\` in the server's keyturn.yaml.
`;

const LISTEN = /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):(\d{1,5})$/;

/** Witnesses until Ctrl-C or SIGTERM. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const options = {
    data: { type: "string" },
    listen: { type: "string" },
    log: { type: "string", multiple: true },
    name: { type: "string" },
    json: { type: "boolean" },
  } as const;
  const { values } = readArguments(args, options, []);
  if (values.data === undefined) throw usage("Name the data directory: --data DIR.");
  const [, host = "", port = ""] = LISTEN.exec(values.listen ?? "127.0.0.1:7119") ?? [];
  if (host === "") throw usage("Write --listen as ADDRESS:PORT, such as 127.0.0.1:7119.");
  const logs = (values.log ?? []).flatMap((text) => keysOf(text, terminal));
  if (logs.length === 0) throw usage("Name at least one ledger: --log FILE or --log KEY.");
  using folder = openFolder(resolve(terminal.cwd, values.data), values.name ?? null);
  const witness = new Witness({ folder, logs, now: () => Math.floor(Date.now() / 1000) });
  await using served = await serveWitness(witness, {
    host: host.replace(/^\[|\]$/g, ""),
    port: Number(port),
    log: (message) => terminal.err(`${message}\n`),
  });
  if (values.json === true) {
    terminal.out(`${JSON.stringify({ event: "ready", url: served.url, vkey: folder.vkey })}\n`);
  } else {
    terminal.out(`Witness ${folder.name} serves on ${served.url} for ${logs.length} ledger(s).\n`);
    terminal.out(`Its key, for keyturn.yaml and auditors:\n${folder.vkey}\n`);
  }
  await told();
  return EXIT.ok;
}

/** A key, or a file with one a line; white space and lines that begin with # are nothing. */
function keysOf(text: string, terminal: Terminal): readonly string[] {
  const path = resolve(terminal.cwd, text);
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n") : [text];
  const keys = lines.map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
  for (const key of keys) {
    try {
      parseVerifierKey(key);
    } catch (cause) {
      throw usage(`\`${text}\` is neither a verifier key nor a file of them: ${describe(cause).message}.`);
    }
  }
  return keys;
}

function openFolder(path: string, name: string | null): ReturnType<typeof openWitnessFolder> {
  try {
    return openWitnessFolder(path, name);
  } catch (cause) {
    if (cause instanceof WitnessError || cause instanceof RangeError) {
      throw new Failure({ code: "config_invalid", message: `${cause.message}.`, cause });
    }
    throw cause;
  }
}

function told(): Promise<void> {
  return new Promise((done) => {
    process.once("SIGINT", () => done()).once("SIGTERM", () => done());
  });
}
