import { readArguments, SERVER } from "./arguments.ts";
import { connect } from "./connection.ts";
import { EXIT, usage } from "./failure.ts";
import { timeLeft } from "./table.ts";
import type { Terminal } from "./terminal.ts";

export const help = `keyturn people sign-in PERSON: make a one-time sign-in link for a person

PERSON is an id of directory.yaml. Hand the link to that person alone, over a channel you trust: whoever opens it
first is signed in as them. It works once and for a few minutes. Needs the operator's token.

Examples
  keyturn people sign-in ann
  keyturn people sign-in ann --json | jq -r .url

Options
  --data DIR   the server's data directory, which holds operator.token
  --url URL    the server
  --json       {"url", "expires_at"}
`;

/** Prints a sign-in link. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, SERVER, ["sign-in", "PERSON"]);
  const [verb, person = ""] = positionals;
  if (verb !== "sign-in") throw usage(`\`people ${verb ?? ""}\` does not exist; write \`people sign-in PERSON\`.`);
  const link = await (await connect(values, terminal, "operator")).ask((client) => client.createSignInLink(person));
  if (values.json === true) {
    terminal.out(`${JSON.stringify(link)}\n`);
    return EXIT.ok;
  }
  // The link alone on standard output: it can be piped.
  terminal.out(`${link.url}\n`);
  terminal.err(
    `Works once, for ${timeLeft(link.expires_at, Date.now())}: open it in a browser, or run \`keyturn sign-in LINK\`.\n`,
  );
  return EXIT.ok;
}
