import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { exchangeToken, githubToken, type TokenRow } from "../client/index.ts";
import { readArguments, SERVER } from "./arguments.ts";
import { connect } from "./connection.ts";
import type { Connection } from "./connection.ts";
import { EXIT, Failure, usage } from "./failure.ts";
import { visible } from "../core/card/index.ts";
import { table } from "./table.ts";
import type { Cell } from "./table.ts";
import { painter } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

export const help = `keyturn token create|list|revoke|exchange: the tokens of machines

A token lets one agent act through one gate, and nothing else: it can never review. It is shown once, when it is
created; the server keeps a hash. Needs the operator's token. With --scim it is the token of a provisioning client that
keyturn.yaml names, and opens the SCIM server alone.

\`exchange\` needs no secret: it turns the token that GitHub Actions, GitLab CI, Kubernetes or SPIFFE gives to this
very run into a token of some minutes (docs/workload-identity.md).

Examples
  keyturn token create --agent report-bot --gate reports
  keyturn token create --agent ci --gate deploy --expires 30d --json | jq -r .token
  keyturn token create --scim okta
  keyturn token exchange --audience https://keyturn.example.com
  keyturn token exchange --token-file /var/run/secrets/tokens/keyturn
  keyturn token list
  keyturn token revoke tok_…

Options
  --agent ID       an agent of directory.yaml
  --gate NAME      the gate that will use it: a name of your choice, shown to approvers
  --scim NAME      a provisioning client of keyturn.yaml, instead of an agent and a gate
  --expires TIME   such as 12h or 90d
  --audience AUD   exchange: what the rule of keyturn.yaml asks for, on GitHub Actions
  --token-file F   exchange: where the platform has put its token; else KEYTURN_ID_TOKEN holds it
  --data DIR       the server's data directory, which holds operator.token
  --url URL        the server
  --json           the token, or the list, as JSON
`;

const OPTIONS = {
  ...SERVER,
  agent: { type: "string" },
  gate: { type: "string" },
  expires: { type: "string" },
  scim: { type: "string" },
  audience: { type: "string" },
  "token-file": { type: "string" },
} as const;

type Values = {
  readonly agent?: string | undefined;
  readonly gate?: string | undefined;
  readonly expires?: string | undefined;
  readonly scim?: string | undefined;
  readonly audience?: string | undefined;
  readonly "token-file"?: string | undefined;
  readonly json?: boolean | undefined;
};

/** Creates, lists and revokes. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, OPTIONS, ["create, list, revoke or exchange", "ID?"]);
  const [verb, id] = positionals;
  const server = (): Promise<Connection> => connect(values, terminal, "operator");
  switch (verb) {
    case "create":
      if (id !== undefined) throw usage("`token create` takes --agent and --gate.");
      if (values.scim !== undefined) return createForScim(values, values.scim, await server(), terminal);
      return create(values, server, terminal);
    case "exchange":
      return exchange(values, await connect(values, terminal, "nobody"), terminal);
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
      throw usage(`\`token ${verb ?? ""}\` does not exist; write create, list, revoke or exchange.`);
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

async function createForScim(values: Values, name: string, server: Connection, terminal: Terminal): Promise<number> {
  if (values.agent !== undefined || values.gate !== undefined)
    throw usage("A provisioning client is no agent: give --scim, or --agent and --gate.");
  const made = await server.ask((client) => client.createScimToken(name, values.expires));
  if (values.json === true) terminal.out(`${JSON.stringify(made)}\n`);
  else {
    terminal.out(`${made.token}\n`);
    terminal.err(
      `Shown this once. ${visible(made.client)} provisions people with it at ${visible(made.url)} until ${made.expires_at}.\n`,
    );
  }
  return EXIT.ok;
}

async function exchange(values: Values, server: Connection, terminal: Terminal): Promise<number> {
  const token = await platformToken(values, terminal);
  const made = await server.ask(() => exchangeToken(token, { url: server.url }));
  if (values.json === true)
    terminal.out(
      `${JSON.stringify({ token: made.token, type: made.type, agent: made.agent, gate: made.gate, expires_in_ms: made.expiresInMs })}\n`,
    );
  else {
    terminal.out(`${made.token}\n`);
    const minutes = Math.floor(made.expiresInMs / 60_000);
    terminal.err(`For ${minutes} min, ${visible(made.agent)} acts with it through the gate ${visible(made.gate)}.\n`);
  }
  return EXIT.ok;
}

/** The token by which the platform says which run this is. */
async function platformToken(values: Values, terminal: Terminal): Promise<string> {
  const file = values["token-file"];
  try {
    if (file !== undefined) return readFileSync(resolve(terminal.cwd, file), "utf8").trim();
  } catch (cause) {
    throw new Failure({ code: "file_unreadable", message: `The token cannot be read from \`${file ?? ""}\`.`, cause });
  }
  const given = terminal.env["KEYTURN_ID_TOKEN"];
  if (given !== undefined && given !== "") return given.trim();
  const { audience } = values;
  const ofGithub = audience === undefined ? null : await githubToken(audience, terminal.env);
  if (ofGithub !== null) return ofGithub;
  throw new Failure({
    code: "no_credential",
    message:
      "There is no token of a platform here. On GitHub Actions give the job `permissions: { id-token: write }` and name " +
      "--audience; elsewhere name --token-file, or set KEYTURN_ID_TOKEN.",
  });
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
