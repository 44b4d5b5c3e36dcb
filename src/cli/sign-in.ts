import { readArguments, SERVER } from "./arguments.ts";
import { connection } from "./connection.ts";
import { EXIT, Failure } from "./failure.ts";
import { visible } from "../core/card/index.ts";
import { keepSession, sessionPath } from "./session-file.ts";
import type { Terminal } from "./terminal.ts";

export const help = `keyturn sign-in LINK: sign in with a one-time link

You make the link in the console, under Logins and sessions; or an operator makes it with
\`keyturn people sign-in YOU\`. It works once. The session is kept in
~/.config/keyturn/session.json, readable by you alone, and \`keyturn requests\` and \`keyturn review\` use it.

Examples
  keyturn sign-in 'https://keyturn.example/sign-in#code=…'     (quote it: # begins a comment in some shells)

Options
  --json   {"person", "name", "url"}
`;

/** Trades a one-time link for a session and keeps it. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, { json: SERVER.json }, ["LINK"]);
  const { url, code } = readLink(positionals[0] ?? "");
  const signedIn = await connection(url, "nobody", null).ask((client) => client.signIn(code));
  if (signedIn.session === undefined) {
    throw new Failure({
      code: "unavailable",
      message: "The server answered without a session; is it of an older version?",
    });
  }
  const { id, name } = signedIn.person;
  keepSession(url, { person: id, name, session: signedIn.session }, terminal);
  if (values.json === true) terminal.out(`${JSON.stringify({ person: id, name, url })}\n`);
  else terminal.out(`Signed in to ${url} as ${visible(name)}. The session is in ${sessionPath(terminal)}.\n`);
  return EXIT.ok;
}

/** The server and the code of a sign-in link, such as `http://127.0.0.1:7117/sign-in#code=…`. */
export function readLink(link: string): { readonly url: string; readonly code: string } {
  const parsed = URL.canParse(link) ? new URL(link) : null;
  const code = parsed === null ? null : new URLSearchParams(parsed.hash.slice(1)).get("code");
  if (parsed === null || !/^https?:$/.test(parsed.protocol) || !parsed.pathname.endsWith("/sign-in")) throw notALink();
  if (code === null || code === "") throw notALink();
  return { url: parsed.origin + parsed.pathname.replace(/\/sign-in$/, ""), code };
}

function notALink(): Failure {
  const message =
    "That is no sign-in link: it looks like https://…/sign-in#code=…. Quote it, because some shells cut it off at `#`.";
  return new Failure({ code: "not_a_link", message });
}
