import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { createClient } from "../client/index.ts";
import { runExec } from "../gates/exec/index.ts";
import { ledgerKeyOf } from "../gates/sdk/index.ts";
import { readArguments, SERVER } from "./arguments.ts";
import { describe, Failure, usage } from "./failure.ts";
import { gateToken, readSettings, serverUrl } from "./settings.ts";
import type { Terminal } from "./terminal.ts";

export const help = `keyturn exec [OPTIONS] -- COMMAND [ARGS…]: run a command once the right people agree

The command is held before it starts. Approvers see, and their approval binds, the program and its hash, every
argument, the working directory, the whole environment that it will get, and the content of files named with --bind.
What changes meanwhile is refused. It gets PATH, HOME, USER, LANG, TZ, TERM and what you name, and nothing else.
Needs the token of an agent in KEYTURN_TOKEN (\`keyturn token create\`).

Examples
  keyturn exec -- rm -r /srv/reports/2019
  keyturn exec --reason "monthly close" --env PGHOST --secret-env PGPASSWORD -- psql -f close.sql
  keyturn exec --bind plan.tfplan -- terraform apply plan.tfplan
  generate | keyturn exec --stdin -- psql

Options
  --reason TEXT          why, in your words: shown to approvers as a claim
  --environment NAME     where it runs, such as production: part of what is approved
  --env NAME             give the command this variable too; repeat for more
  --secret-env NAME      the same, but approvers see only that it is set
  --bind FILE            bind the content of a file as well; repeat for more
  --stdin                read all of standard input now, bind it, and feed it to the command
  --ledger-key FILE|KEY  the ledger's verifier key: the receipt must be signed with it (or KEYTURN_LEDGER_KEY)
  --url URL              the server
  --token TOKEN          the token; better in KEYTURN_TOKEN, where other users of the machine cannot see it

Exit codes: the command's own (128 + n when signal n ended it), or
  124 nobody decided in time    125 keyturn failed or no server: nothing ran
  126 denied                    127 there is no such command    130 given up with Ctrl-C
`;

/** A wrapper keeps out of the codes of what it wraps: \`env\` and \`timeout\` use 125 for their own troubles too. */
export const exitCodes: { readonly failed: number; readonly usage: number } = { failed: 125, usage: 125 };

/** Variables that speak for this process, and are never the command's. */
const OWN_VARIABLES = ["KEYTURN_TOKEN", "KEYTURN_LEDGER_KEY"];

/** Holds a command and runs it. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const dashes = args.indexOf("--");
  if (dashes < 0) throw usage("Write `--` before the command: keyturn exec -- COMMAND [ARGS…].");
  const argv = args.slice(dashes + 1);
  if (argv.length === 0) throw usage("There is no command after `--`.");
  const options = {
    ...SERVER,
    reason: { type: "string" },
    environment: { type: "string" },
    env: { type: "string", multiple: true },
    "secret-env": { type: "string", multiple: true },
    bind: { type: "string", multiple: true },
    stdin: { type: "boolean" },
    "ledger-key": { type: "string" },
  } as const;
  const { values } = readArguments(args.slice(0, dashes), options, []);
  const named = [...(values.env ?? []), ...(values["secret-env"] ?? [])];
  const own = named.find((name) => OWN_VARIABLES.includes(name));
  if (own !== undefined) throw usage(`${own} stays with keyturn: with it the command could ask in its own name.`);
  const url = serverUrl(values, await readSettings(values, terminal), terminal);
  return runExec({
    argv,
    client: clientFor(url, gateToken(values, terminal)),
    reason: values.reason,
    environment: values.environment,
    envNames: values.env,
    secretEnvNames: values["secret-env"],
    bindFiles: values.bind,
    stdin: values.stdin,
    ledgerKey: pinnedKey(values["ledger-key"] ?? terminal.env["KEYTURN_LEDGER_KEY"], terminal),
    cwd: terminal.cwd,
    env: terminal.env,
    stderr: { write: terminal.err, isTTY: terminal.screen.err, columns: terminal.columns },
  });
}

function pinnedKey(given: string | undefined, terminal: Terminal): string | undefined {
  if (given === undefined || given === "") return undefined;
  try {
    const file = resolve(terminal.cwd, given);
    return ledgerKeyOf(existsSync(file) ? readFileSync(file, "utf8").trim() : given);
  } catch (cause) {
    throw new Failure({ code: "usage", message: `${describe(cause).message}.`, cause });
  }
}

function clientFor(url: string, token: string): ReturnType<typeof createClient> {
  try {
    return createClient({ url, token });
  } catch (cause) {
    throw new Failure({ code: "usage", message: `\`${url}\`: ${describe(cause).message}.`, cause });
  }
}
