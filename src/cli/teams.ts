import { existsSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { readArguments } from "./arguments.ts";
import { checkChannel } from "./channel-check.ts";
import { EXIT, Failure, usage } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

export const help = `keyturn teams manifest | check: let people decide in Microsoft Teams

  manifest    write the app's package (a zip with the manifest and two icons), to upload in Teams
              under "Manage your apps"
              or in the Teams admin center
  check       ask Microsoft whether notify.teams of keyturn.yaml works: app, tenant, secret, keys. Nothing is written to
              anybody

docs/channels/teams.md has all the steps.

Examples
  keyturn teams manifest --app 00000000-1111-2222-3333-444444444444 --public https://keyturn.example.com
  keyturn teams check

Options
  --app ID        the application (client) id at Entra ID
  --public URL    the public address of this installation
  --name NAME     what the app is called in Teams (Keyturn)
  --out FILE      where to write the package (keyturn-teams.zip); nothing is overwritten
  --config FILE   another keyturn.yaml
  --json          manifest: the manifest itself, and no file; check: {"findings": [{"what", "problem"}]}

Exit codes: 0 all is well, 1 something is not, 2 wrong usage.
`;

const OPTIONS = {
  app: { type: "string" },
  public: { type: "string" },
  name: { type: "string" },
  out: { type: "string" },
  config: { type: "string" },
  json: { type: "boolean" },
} as const;

type Values = Partial<Readonly<Record<"app" | "public" | "name" | "out" | "config", string>>> & {
  readonly json?: boolean;
};

/** Writes the app's package, or prints what Microsoft says of the settings. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, OPTIONS, ["manifest|check"]);
  const [verb] = positionals;
  if (verb === "manifest") return manifest(values, terminal);
  if (verb === "check") return check(values, terminal);
  throw usage(`\`teams ${verb ?? ""}\` does not exist; write \`teams manifest\` or \`teams check\`.`);
}

async function manifest(values: Values, terminal: Terminal): Promise<number> {
  const { app, public: address, name = "Keyturn", out = "keyturn-teams.zip" } = values;
  if (app === undefined || !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(app)) {
    throw usage("--app is the application (client) id that Entra ID shows for the app.");
  }
  if (address === undefined || !/^https:\/\/[^/?#]+\/?$/.test(address)) {
    throw usage("--public is the public address of the server, such as https://keyturn.example.com.");
  }
  const { messagingEndpoint, teamsPackage } = await import("../server/teams-setup.ts");
  const packed = teamsPackage(app.toLowerCase(), name, address);
  if (packed === null) throw usage("--name has 1 to 30 characters.");
  if (values.json === true) {
    terminal.out(`${JSON.stringify(packed.manifest, null, 2)}\n`);
    return EXIT.ok;
  }
  const path = resolve(terminal.cwd, out);
  if (existsSync(path)) {
    throw new Failure({ code: "file_exists", message: `${path} is there already; name another file with --out.` });
  }
  writeFileSync(path, packed.zip, { flag: "wx" });
  terminal.out(`${path} is the app's package. The bot's messaging endpoint is ${messagingEndpoint(address)}\n`);
  return EXIT.ok;
}

async function check(values: Values, terminal: Terminal): Promise<number> {
  const { checkTeamsSettings: ask } = await import("../server/teams-setup.ts");
  return checkChannel({ channel: "teams", config: values.config, json: values.json === true, ask }, terminal);
}
