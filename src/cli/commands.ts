import type { Terminal } from "./terminal.ts";

/** What a command's file exports. */
export type CommandFile = {
  readonly help: string;
  /** Other exit codes for failures and wrong usage than 1 and 2. */
  readonly exitCodes?: { readonly failed: number; readonly usage: number };
  run(args: readonly string[], terminal: Terminal): Promise<number>;
};

export type Command = {
  readonly name: string;
  readonly summary: string;
  /** Part of the server, which needs a newer Node than the rest. */
  readonly needsServerNode: boolean;
  readonly load: () => Promise<CommandFile>;
};

export type Section = { readonly title: string; readonly commands: readonly Command[] };

/** Every command, as `keyturn help` lists them. */
export const SECTIONS: readonly Section[] = [
  {
    title: "Run a server",
    commands: [
      server("demo", "see the whole of it in two minutes, on a real database", () => import("./demo.ts")),
      command("init", "write a commented keyturn.yaml, directory, catalogue and policies", () => import("./init.ts")),
      server("serve", "run the server", () => import("./serve.ts")),
      command("policy", "check policies, catalogue and directory before they are served", () => import("./policy.ts")),
      server("risk", "show what a text would do, and why it scores as it does", () => import("./risk.ts")),
      command("doctor", "find out what is wrong with an installation", () => import("./doctor.ts")),
      server("slack", "let people decide in Slack: the app's manifest, and a check", () => import("./slack.ts")),
      server("teams", "let people decide in Teams: the app's package, and a check", () => import("./teams.ts")),
      command("people", "show and change who may decide; make sign-in links", () => import("./people.ts")),
      server("store", "prepare a PostgreSQL that several servers share, and move there", () => import("./store.ts")),
      command("token", "create, list and revoke the tokens of agents", () => import("./token.ts")),
    ],
  },
  {
    title: "Decide",
    commands: [
      command("sign-in", "sign in with a one-time link", () => import("./sign-in.ts")),
      command("sign-out", "forget the sign-in", () => import("./sign-out.ts")),
      command("requests", "list approval requests", () => import("./requests.ts")),
      command("review", "look at one request, approve or deny it", () => import("./review.ts")),
    ],
  },
  {
    title: "Act",
    commands: [
      command("exec", "run a command once the right people agree", () => import("./exec.ts")),
      command("mcp", "put an MCP server behind the server's decision", () => import("./mcp.ts")),
    ],
  },
  {
    title: "Prove",
    commands: [
      command("verify", "verify the ledger, trusting nobody", () => import("./verify.ts")),
      command("ledger", "print, publish and prove the ledger; open a new epoch", () => import("./ledger.ts")),
      command("evidence", "write an archive with which an auditor verifies a period", () => import("./evidence.ts")),
      command("export", "give actions to others: CSV, OCSF, OSCAL, or a stream", () => import("./export.ts")),
      command("erase", "take personal data out of the ledger, once people agree", () => import("./erase.ts")),
      command("witness", "watch ledgers, so that nobody is shown another history", () => import("./witness.ts")),
    ],
  },
  {
    title: "Other",
    commands: [
      command("version", "print the version", () => import("./version.ts")),
      command("help", "explain a command", () => import("./help.ts")),
    ],
  },
];

/** The command of a name, or null. */
export function commandNamed(name: string): Command | null {
  return SECTIONS.flatMap((section) => section.commands).find((candidate) => candidate.name === name) ?? null;
}

function command(name: string, summary: string, load: () => Promise<CommandFile>): Command {
  return { name, summary, needsServerNode: false, load };
}

function server(name: string, summary: string, load: () => Promise<CommandFile>): Command {
  return { name, summary, needsServerNode: true, load };
}
