import { readArguments, SERVER } from "./arguments.ts";
import { connection } from "./connection.ts";
import { describe, EXIT } from "./failure.ts";
import { dropSession, forgetAll, sessionFor } from "./session-file.ts";
import { readSettings, signedInUrl } from "./settings.ts";
import type { Terminal } from "./terminal.ts";

export const help = `keyturn sign-out: forget the sign-in

Ends the session at the server and removes it from this machine; --all removes every session kept here.

Options
  --url URL   the server, where you are signed in to several
  --all       forget all of them, without telling their servers
  --json      {"signed_out": true|false}
`;

/** Ends a session. What is kept here goes even when the server cannot be told. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values } = readArguments(args, { ...SERVER, all: { type: "boolean" } }, []);
  const say = (signedOut: boolean, sentence: string): number => {
    terminal.out(values.json === true ? `${JSON.stringify({ signed_out: signedOut })}\n` : `${sentence}\n`);
    return EXIT.ok;
  };
  if (values.all === true) {
    forgetAll(terminal);
    return say(true, "Every sign-in is forgotten here. Their servers end them in time.");
  }
  const url = signedInUrl(values, await readSettings(values, terminal), terminal);
  const kept = sessionFor(url, terminal);
  if (kept === null) return say(false, `Nobody is signed in to ${url}.`);
  dropSession(url, terminal);
  try {
    await connection(url, "person", kept.session).ask((client) => client.signOut());
  } catch (error) {
    terminal.err(`keyturn: forgotten here, but the server could not be told: ${describe(error).message}\n`);
  }
  return say(true, `Signed out of ${url}.`);
}
