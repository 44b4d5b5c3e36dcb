import { resolve } from "node:path";
import type { Config } from "../server/config.ts";
import { readArguments, GENERAL } from "./arguments.ts";
import { EXIT, Failure, usage } from "./failure.ts";
import { CONFIG_NAME, configPath } from "./settings.ts";
import type { Terminal } from "./terminal.ts";

export const help: string = `keyturn store migrate|copy|operator-token|replace-permit-key: the database that several servers share

migrate             brings a PostgreSQL database to this version's schema, as its owner; with --role, grants the role of
                    the servers what they need: entries can be added and read, never changed
copy                copies a data directory's keyturn.db into an empty ledger of a database, reads it back and compares
                    all of it. The server must not be running
operator-token      prints a new operator's token, from a machine that has keyturn.yaml and reaches the store
replace-permit-key  makes the key in permit-key.pem the one that signs permits, for all servers. Stop them first

The address of the database is \`store\` of keyturn.yaml, or --to, or the first line of --to-file. A password belongs
into a file, or into PGPASSWORD.

Examples
  keyturn store migrate --to postgres://owner@db.example.com/keyturn --role keyturn
  keyturn store copy --from ./data/keyturn.db --to-file ./database.url --ledger main

Options
  --from FILE      copy: the store's file
  --to URL         postgres://ROLE@HOST/DATABASE
  --to-file FILE   a file that holds such an address
  --ledger NAME    copy: which ledger of the database; default: the one of keyturn.yaml, or main
  --role NAME      migrate: the role that servers connect with; it must exist
  --config FILE    default: ${CONFIG_NAME} in this folder
  --json           what was done, as JSON
`;

const OPTIONS = {
  ...GENERAL,
  from: { type: "string" },
  to: { type: "string" },
  "to-file": { type: "string" },
  ledger: { type: "string" },
  role: { type: "string" },
  config: { type: "string" },
} as const;

type Values = ReturnType<typeof readArguments<typeof OPTIONS>>["values"];

/** Prepares, fills, or changes a shared store. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, OPTIONS, ["migrate, copy, operator-token or replace-permit-key"]);
  const [verb = ""] = positionals;
  switch (verb) {
    case "migrate":
      return migrate(values, terminal);
    case "copy":
      return copy(values, terminal);
    case "operator-token":
      return operatorToken(values, terminal);
    case "replace-permit-key":
      return replaceKey(values, terminal);
    default:
      throw usage(`\`store ${verb}\` does not exist; write migrate, copy, operator-token or replace-permit-key.`);
  }
}

/** The database that is meant, and which ledger of it. */
async function placeOf(values: Values, terminal: Terminal): Promise<{ readonly url: string; readonly ledger: string }> {
  const { addressOf } = await import("../server/stores.ts");
  if (values.to !== undefined && values["to-file"] !== undefined) throw usage("Give either --to or --to-file.");
  const file = values["to-file"];
  const named = values.to ?? (file === undefined ? null : { file: resolve(terminal.cwd, file) });
  const path = configPath(values, terminal);
  const config = path === null ? null : (await import("../server/config.ts")).loadConfig(path);
  const ledger = values.ledger ?? config?.store?.ledger ?? "main";
  const store = named === null ? (config?.store ?? null) : { url: named, ledger, wake: "poll" as const };
  if (store === null) throw usage(`Name the database: --to, --to-file, or \`store\` of ${CONFIG_NAME}.`);
  return { url: addressOf(store), ledger };
}

async function migrate(values: Values, terminal: Terminal): Promise<number> {
  const { migrateStore } = await import("../server/store-work.ts");
  const { url } = await placeOf(values, terminal);
  const { from, to } = await migrateStore(url, values.role ?? null);
  if (values.json === true) terminal.out(`${JSON.stringify({ from, to, role: values.role ?? null })}\n`);
  else
    terminal.out(from === to ? `The schema is at version ${to} already.\n` : `The schema is at version ${to} now.\n`);
  return EXIT.ok;
}

async function copy(values: Values, terminal: Terminal): Promise<number> {
  if (values.from === undefined) throw usage("Name the store's file: --from ./data/keyturn.db.");
  const { copyTo } = await import("../server/store-work.ts");
  const copied = await copyTo(resolve(terminal.cwd, values.from), await placeOf(values, terminal));
  if (values.json === true) terminal.out(`${JSON.stringify(copied)}\n`);
  else {
    const { size, root, ...rest } = copied;
    const counts = Object.entries(rest).map(([what, count]) => `${count} ${what}`);
    terminal.out(`Copied and compared ${size} entries, ${counts.join(", ")}.\nThe root is ${root} here and there.\n`);
    terminal.out(
      "Give every server the permit-key.pem, ledger-key.pem and operator.token of the old data directory.\n",
    );
  }
  return EXIT.ok;
}

async function operatorToken(values: Values, terminal: Terminal): Promise<number> {
  const { issueOperatorTokenOf } = await import("../server/store-work.ts");
  const token = await issueOperatorTokenOf(await configOf(values, terminal));
  terminal.out(values.json === true ? `${JSON.stringify({ token })}\n` : `${token}\n`);
  return EXIT.ok;
}

async function replaceKey(values: Values, terminal: Terminal): Promise<number> {
  const { replacePermitKeyOf } = await import("../server/store-work.ts");
  const changed = await replacePermitKeyOf(await configOf(values, terminal));
  if (values.json === true) terminal.out(`${JSON.stringify({ changed })}\n`);
  else terminal.out(changed ? "Permits are signed with this key from now on.\n" : "It is this key already.\n");
  return EXIT.ok;
}

async function configOf(values: Values, terminal: Terminal): Promise<Config> {
  const path = configPath(values, terminal);
  if (path !== null) return (await import("../server/config.ts")).loadConfig(path);
  const message = `There is no ${CONFIG_NAME} in ${terminal.cwd}; name it with --config.`;
  throw new Failure({ code: "config_invalid", message });
}
