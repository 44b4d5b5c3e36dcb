import { readArguments } from "./arguments.ts";
import { checkChannel } from "./channel-check.ts";
import { EXIT, usage } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

export const help = `keyturn slack manifest | check: let people decide in Slack

  manifest    the manifest of a Slack app, for "Create an app from a manifest"; clicks come through a socket (no address
              of yours is needed), or with --http to your server
  check       ask Slack whether notify.slack of keyturn.yaml works: token, workspace, scopes, socket, channels.
              Nothing is written to anybody

docs/channels/slack.md takes ten minutes.

Examples
  keyturn slack manifest > slack-app.json
  keyturn slack manifest --http https://keyturn.example.com
  keyturn slack check

Options
  --name NAME     what the app is called in Slack (Keyturn)
  --http URL      the public address of this installation: Slack sends clicks there
  --config FILE   another keyturn.yaml
  --json          check: {"findings": [{"what", "problem"}]}

Exit codes: 0 all is well, 1 something is not, 2 wrong usage.
`;

const OPTIONS = {
  name: { type: "string" },
  http: { type: "string" },
  config: { type: "string" },
  json: { type: "boolean" },
} as const;

/** Characters of an app's name in Slack. */
const NAME_CHARS_MAX = 35;

/** Prints a manifest, or what Slack says of the settings. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, OPTIONS, ["manifest|check"]);
  const [verb] = positionals;
  if (verb === "manifest") return manifest(values.name ?? "Keyturn", values.http ?? null, terminal);
  if (verb !== "check")
    throw usage(`\`slack ${verb ?? ""}\` does not exist; write \`slack manifest\` or \`slack check\`.`);
  return check(values.config, values.json === true, terminal);
}

async function manifest(name: string, http: string | null, terminal: Terminal): Promise<number> {
  if (name.trim() === "" || name.length > NAME_CHARS_MAX) throw usage(`--name has 1 to ${NAME_CHARS_MAX} characters.`);
  if (http !== null && !/^https:\/\/[^/?#]+\/?$/.test(http)) {
    throw usage("--http is the public address of the server, such as https://keyturn.example.com.");
  }
  const { slackManifest } = await import("../server/slack-setup.ts");
  terminal.out(`${JSON.stringify(slackManifest(name, http), null, 2)}\n`);
  return EXIT.ok;
}

async function check(config: string | undefined, json: boolean, terminal: Terminal): Promise<number> {
  const { checkSlackSettings: ask } = await import("../server/slack-setup.ts");
  return checkChannel({ channel: "slack", config, json, ask }, terminal);
}
