import type { TokenRow } from "../client/index.ts";
import { readArguments, SERVER } from "./arguments.ts";
import { connect } from "./connection.ts";
import type { Connection } from "./connection.ts";
import { EXIT, usage } from "./failure.ts";
import { visible } from "../core/card/index.ts";
import { table } from "./table.ts";
import type { Cell } from "./table.ts";
import { painter } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

export const help = `keyturn token create|list|revoke: the tokens of agents

A token lets one agent act through one gate, and nothing else: it can never review. It is shown once, when it is
created; the server keeps a hash. Needs the operator's token.

Examples
  keyturn token create --agent report-bot --gate reports
  keyturn token create --agent ci --gate deploy --expires 30d --json | jq -r .token
  keyturn token list
  keyturn token revoke tok_…

Options
  --agent ID       an agent of directory.yaml
  --gate NAME      the gate that will use it: a name of your choice, shown to approvers
  --expires TIME   such as 12h or 90d
  --data DIR       the server's data directory, which holds operator.token
  --url URL        the server
  --json           the token, or the list, as JSON
`;

const OPTIONS = {
  ...SERVER,
  agent: { type: "string" },
  gate: { type: "string" },
  expires: { type: "string" },
} as const;

type Values = {
  readonly agent?: string | undefined;
  readonly gate?: string | undefined;
  readonly expires?: string | undefined;
  readonly json?: boolean | undefined;
};

/** Creates, lists and revokes. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, OPTIONS, ["create, list or revoke", "ID?"]);
  const [verb, id] = positionals;
  const server = (): Promise<Connection> => connect(values, terminal, "operator");
  switch (verb) {
    case "create":
      if (id !== undefined) throw usage("`token create` takes --agent and --gate.");
      return create(values, server, terminal);
    case "list":
      return list(values, await server(), terminal);
    case "revoke":
      if (id === undefined) throw usage("Name the token to revoke: `keyturn token list` shows their ids.");
      await (await server()).ask((client) => client.revokeToken(id));
      terminal.out(
        values.json === true
          ? `${JSON.stringify({ revoked: id })}\n`
          : `Revoked ${visible(id)}: it lets nobody in from now on.\n`,
      );
      return EXIT.ok;
    default:
      throw usage(`\`token ${verb ?? ""}\` does not exist; write create, list or revoke.`);
  }
}

async function create(values: Values, server: () => Promise<Connection>, terminal: Terminal): Promise<number> {
  const { agent, gate, expires } = values;
  if (agent === undefined || gate === undefined) throw usage("Name the agent and the gate: --agent ID --gate NAME.");
  const wanted = expires === undefined ? { agent, gate } : { agent, gate, expiresIn: expires };
  const made = await (await server()).ask((client) => client.createToken(wanted));
  if (values.json === true) {
    terminal.out(`${JSON.stringify(made)}\n`);
    return EXIT.ok;
  }
  const until = made.expires_at === null ? "until it is revoked" : `until ${made.expires_at}`;
  terminal.out(`${made.token}\n`);
  terminal.err(
    `Shown this once. ${visible(made.agent)} acts with it through the gate ${visible(made.gate)} ${until}: set KEYTURN_TOKEN there.\n`,
  );
  return EXIT.ok;
}

async function list(values: Values, server: Connection, terminal: Terminal): Promise<number> {
  const tokens = await server.ask((client) => client.tokens());
  if (values.json === true) terminal.out(`${JSON.stringify({ tokens })}\n`);
  else if (tokens.length === 0)
    terminal.out("There are no tokens yet: `keyturn token create --agent ID --gate NAME` makes one.\n");
  else terminal.out(table(["id", "agent", "gate", "state", "last used"], tokens.map(row), painter(terminal, "out")));
  return EXIT.ok;
}

function row(token: TokenRow): readonly Cell[] {
  return [
    visible(token.id),
    visible(token.agent),
    visible(token.gate),
    state(token),
    day(token.last_used_at ?? null) ?? "never",
  ];
}

function state({ revoked_at: revoked, expires_at: expires }: TokenRow): Cell {
  if (revoked !== null) return { text: `revoked ${day(revoked)}`, style: "red" };
  if (expires === null) return { text: "valid", style: "green" };
  const over = Date.parse(expires) <= Date.now();
  return over
    ? { text: `expired ${day(expires)}`, style: "yellow" }
    : { text: `valid until ${day(expires)}`, style: "green" };
}

function day(time: string | null): string | null {
  return time === null ? null : time.slice(0, 10);
}
