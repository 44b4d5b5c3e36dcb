import { resolve } from "node:path";
import { readArguments, SERVER } from "./arguments.ts";
import { checkNode } from "./node.ts";
import { connect } from "./connection.ts";
import { EXIT, Failure, usage } from "./failure.ts";
import { publish } from "./publish.ts";
import { CONFIG_NAME, configPath } from "./settings.ts";
import type { ServerValues } from "./settings.ts";
import type { Terminal } from "./terminal.ts";

export const help: string = `keyturn ledger checkpoint|vkey|receipt|publish|new-epoch: the ledger as others may see it

checkpoint      prints the published checkpoint, with the cosignatures of witnesses
vkey            prints the ledger's verifier key: write it down elsewhere, give it to gates, auditors and witnesses
receipt INDEX   prints a receipt (.tlog-proof) of one entry, which proves offline that it is in the ledger
publish DIR     brings a folder up to date: tiles, checkpoint and key in the layout of C2SP tlog-tiles, for any web
                server or write-once storage. Only what is new is written; a ledger that does not go on from what the
                folder holds is refused
new-epoch       when the server refuses to start because the ledger is an old copy, or its key is lost: closes the
                epoch and goes on with what is there, under a new name. The server must not be running

Examples
  keyturn ledger vkey > keyturn.vkey
  keyturn ledger receipt 42 > entry-42.tlog-proof
  keyturn ledger publish /srv/www/ledger
  keyturn ledger new-epoch --because "disk lost on 3 May, restored from the backup of 2 May"

Options
  --because TEXT   new-epoch: why, in the ledger for ever
  --config FILE    new-epoch: another ${CONFIG_NAME}
  --data DIR       the server's data directory, which holds operator.token
  --url URL        the server
  --json           the same as JSON
`;

/** Reads, publishes, or opens an epoch. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const options = { ...SERVER, because: { type: "string" } } as const;
  const { values, positionals } = readArguments(args, options, [
    "checkpoint, vkey, receipt, publish or new-epoch",
    "WHAT?",
  ]);
  const [verb = "", what] = positionals;
  if (["checkpoint", "vkey", "new-epoch"].includes(verb) && what !== undefined)
    throw usage(`\`${verb}\` takes no \`${what}\`.`);
  switch (verb) {
    case "checkpoint":
      return print(
        verb,
        await (await connect(values, terminal, "operator")).ask((c) => c.publishedCheckpoint()),
        values,
        terminal,
      );
    case "vkey":
      return print(
        verb,
        `${await (await connect(values, terminal, "nobody")).ask((c) => c.ledgerKey())}\n`,
        values,
        terminal,
      );
    case "receipt":
      return receipt(what, values, terminal);
    case "publish":
      if (what === undefined) throw usage("Name the folder to publish to: `keyturn ledger publish DIR`.");
      return publishTo(resolve(terminal.cwd, what), values, terminal);
    case "new-epoch":
      return newEpoch(values.because, values, terminal);
    default:
      throw usage(`\`ledger ${verb}\` does not exist; write checkpoint, vkey, receipt, publish or new-epoch.`);
  }
}

type Values = ServerValues & { readonly json?: boolean | undefined };

function print(what: string, text: string, { json }: Values, terminal: Terminal): number {
  terminal.out(json === true ? `${JSON.stringify({ [what]: text })}\n` : text);
  return EXIT.ok;
}

async function receipt(what: string | undefined, values: Values, terminal: Terminal): Promise<number> {
  const index = /^(?:0|[1-9][0-9]{0,14})$/.test(what ?? "") ? Number(what) : Number.NaN;
  if (Number.isNaN(index)) throw usage("Name the entry by its index: `keyturn ledger receipt 42`.");
  const server = await connect(values, terminal, "operator");
  return print("receipt", await server.ask((client) => client.ledgerReceipt(index)), values, terminal);
}

async function publishTo(folder: string, values: Values, terminal: Terminal): Promise<number> {
  const server = await connect(values, terminal, "operator");
  const { from, size, files } = await publish(folder, {
    vkey: () => server.ask((client) => client.ledgerKey()),
    checkpoint: () => server.ask((client) => client.publishedCheckpoint()),
    file: (path) => server.ask((client) => client.ledgerFile(path)),
  });
  if (values.json === true) terminal.out(`${JSON.stringify({ from, size, files })}\n`);
  else if (size === from) terminal.out(`${folder} is up to date: ${size} entries.\n`);
  else terminal.out(`Published entries ${from} to ${size - 1} in ${folder}: ${files} files.\n`);
  return EXIT.ok;
}

async function newEpoch(because: string | undefined, values: Values, terminal: Terminal): Promise<number> {
  if (because === undefined || because.trim() === "") throw usage("Say why, for ever: --because TEXT.");
  checkNode({ name: "ledger new-epoch", needsServerNode: true }, process.versions.node);
  const path = configPath(values, terminal);
  if (path === null) {
    throw new Failure({
      code: "config_invalid",
      message: `There is no ${CONFIG_NAME} in ${terminal.cwd}; name it with --config.`,
    });
  }
  const [{ loadConfig }, { systemChance, systemClock }, { openEpoch }] = await Promise.all([
    import("../server/config.ts"),
    import("../server/compose.ts"),
    import("../server/epoch.ts"),
  ]);
  const data = values.data === undefined ? undefined : resolve(terminal.cwd, values.data);
  const epoch = await openEpoch(loadConfig(path, { data }), because, { chance: systemChance(), clock: systemClock });
  if (values.json === true) terminal.out(`${JSON.stringify(epoch)}\n`);
  else {
    terminal.out(`Closed ${epoch.closed} at ${epoch.size} entries; the ledger goes on as ${epoch.origin}.\n`);
    terminal.out(`Its verifier key, for gates, auditors and witnesses:\n${epoch.vkey}\n`);
  }
  return EXIT.ok;
}
