import type { ChangeAnswer } from "../client/index.ts";
import { visible } from "../core/card/index.ts";
import { readArguments, SERVER } from "./arguments.ts";
import { connect } from "./connection.ts";
import type { Connection } from "./connection.ts";
import { EXIT, usage } from "./failure.ts";
import { groupsTable, pendingText, peopleTable, personText } from "./people/shown.ts";
import { timeLeft } from "./table.ts";
import { painter } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

export const help = `keyturn people …: who is in the directory, by which logins, and what waits

  list                            everybody
  show PERSON                     one person: groups since when, logins and how they were proven, passkeys
  groups                          groups, and which of them decide something
  pending                         changes that wait for an administrator
  sign-in PERSON                  a one-time sign-in link; hand it to that person alone
  add PERSON --name NAME          add a person (--email may be given several times)
  deactivate PERSON               at once: sessions end, reviews fall
  activate PERSON                 take that back
  join GROUP PERSON               add to a group
  leave GROUP PERSON              take out of a group what was added here
  link PERSON ISSUER SUBJECT      say whose login this is: it bars, and lets nobody review
  unlink PERSON ISSUER SUBJECT    take a login away
  revoke PERSON PASSKEY           take a passkey away, by its id as \`show\` names it; its owner does so in the console

What directory.yaml says is changed there. Once there is more than one administrator, what lets somebody decide more
waits for another one; what takes something away applies at once. Uses the operator's token, or with --as-me the sign-in
of an administrator or auditor.

Examples
  keyturn people sign-in ann
  keyturn people sign-in ann --json | jq -r .url
  keyturn people show ann
  keyturn people link ann https://gitlab.example.com 4711 --evidence "asked her"
  keyturn people pending

Options
  --name NAME      the name of a new person
  --email ADDRESS  an address of a new person
  --evidence TEXT  how you know whose login it is
  --as-me          use your sign-in instead of the operator's token
  --data DIR       the server's data directory, which holds operator.token
  --url URL        the server
  --json           the answer as JSON
`;

const OPTIONS = {
  ...SERVER,
  name: { type: "string" },
  email: { type: "string", multiple: true },
  evidence: { type: "string" },
  "as-me": { type: "boolean" },
} as const;

type Values = {
  readonly json?: boolean | undefined;
  readonly name?: string | undefined;
  readonly email?: string[] | undefined;
  readonly evidence?: string | undefined;
};

type Verb = {
  readonly places: readonly string[];
  run(server: Connection, named: readonly string[], values: Values, terminal: Terminal): Promise<unknown>;
};

const VERBS: Readonly<Record<string, Verb>> = {
  list: { places: [], run: (server, _, values, terminal) => listPeople(server, values, terminal) },
  show: { places: ["PERSON"], run: showPerson },
  groups: { places: [], run: (server, _, values, terminal) => listGroups(server, values, terminal) },
  pending: { places: [], run: (server, _, values, terminal) => listPending(server, values, terminal) },
  "sign-in": { places: ["PERSON"], run: signIn },
  add: {
    places: ["PERSON"],
    run: (server, [id = ""], { name, email = [], json }, terminal) => {
      if (name === undefined) throw usage("Give the person's name: --name NAME.");
      return told(
        server.ask((client) => client.addPerson({ id, name, emails: email })),
        json,
        terminal,
      );
    },
  },
  deactivate: { places: ["PERSON"], run: (...given) => setActive(false, ...given) },
  activate: { places: ["PERSON"], run: (...given) => setActive(true, ...given) },
  join: {
    places: ["GROUP", "PERSON"],
    run: (server, [group = "", id = ""], { json }, terminal) =>
      told(
        server.ask((client) => client.changeMembers(group, { add: [id], remove: [] })),
        json,
        terminal,
      ),
  },
  leave: {
    places: ["GROUP", "PERSON"],
    run: (server, [group = "", id = ""], { json }, terminal) =>
      told(
        server.ask((client) => client.changeMembers(group, { add: [], remove: [id] })),
        json,
        terminal,
      ),
  },
  link: {
    places: ["PERSON", "ISSUER", "SUBJECT"],
    run: (server, [id = "", issuer = "", subject = ""], { evidence, json }, terminal) => {
      const login = { issuer, subject, ...(evidence === undefined ? {} : { evidence }) };
      return told(
        server.ask((client) => client.link(id, login)),
        json,
        terminal,
      );
    },
  },
  unlink: {
    places: ["PERSON", "ISSUER", "SUBJECT"],
    run: (server, [id = "", issuer = "", subject = ""], { json }, terminal) =>
      told(
        server.ask((client) => client.unlink(id, { issuer, subject })),
        json,
        terminal,
      ),
  },
  revoke: {
    places: ["PERSON", "PASSKEY"],
    run: (server, [id = "", key = ""], { json }, terminal) =>
      told(
        server.ask((client) => client.revokePasskey(id, key)),
        json,
        terminal,
      ),
  },
};

/** Shows and changes the directory of a running server. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, OPTIONS, ["what to do", "…?", "…?", "…?"]);
  const [name = "", ...named] = positionals;
  const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
  if (verb === undefined) throw usage(`\`people ${name}\` does not exist; write ${Object.keys(VERBS).join(", ")}.`);
  const missing = verb.places[named.length];
  if (missing !== undefined) throw usage(`${missing} is missing.`);
  const extra = named[verb.places.length];
  if (extra !== undefined) throw usage(`\`${extra}\` is one argument too many.`);
  const server = await connect(values, terminal, values["as-me"] === true ? "person" : "operator");
  await verb.run(server, named, values, terminal);
  return EXIT.ok;
}

async function listPeople(server: Connection, { json }: Values, terminal: Terminal): Promise<void> {
  const people = await server.ask((client) => client.people());
  terminal.out(json === true ? `${JSON.stringify({ people })}\n` : peopleTable(people, painter(terminal, "out")));
}

async function listGroups(server: Connection, { json }: Values, terminal: Terminal): Promise<void> {
  const groups = await server.ask((client) => client.groups());
  terminal.out(json === true ? `${JSON.stringify({ groups })}\n` : groupsTable(groups, painter(terminal, "out")));
}

async function listPending(server: Connection, { json }: Values, terminal: Terminal): Promise<void> {
  const pending = await server.ask((client) => client.pendingChanges());
  terminal.out(json === true ? `${JSON.stringify({ pending })}\n` : pendingText(pending));
}

async function showPerson(
  server: Connection,
  [id = ""]: readonly string[],
  { json }: Values,
  terminal: Terminal,
): Promise<void> {
  const person = await server.ask((client) => client.person(id));
  terminal.out(json === true ? `${JSON.stringify(person)}\n` : personText(person, painter(terminal, "out")));
}

async function signIn(
  server: Connection,
  [id = ""]: readonly string[],
  { json }: Values,
  terminal: Terminal,
): Promise<void> {
  const link = await server.ask((client) => client.createSignInLink(id));
  if (json === true) {
    terminal.out(`${JSON.stringify(link)}\n`);
    return;
  }
  // The link alone on standard output: it can be piped.
  terminal.out(`${link.url}\n`);
  terminal.err(
    `Works once, for ${timeLeft(link.expires_at, Date.now())}: open it in a browser, or run \`keyturn sign-in LINK\`.\n`,
  );
}

function setActive(
  active: boolean,
  server: Connection,
  [id = ""]: readonly string[],
  { json }: Values,
  terminal: Terminal,
): Promise<void> {
  return told(
    server.ask((client) => client.setActive(id, active)),
    json,
    terminal,
  );
}

/** What became of a change. */
async function told(asked: Promise<ChangeAnswer>, json: boolean | undefined, terminal: Terminal): Promise<void> {
  const answer = await asked;
  if (json === true) terminal.out(`${JSON.stringify(answer)}\n`);
  else if (answer.status === "applied") terminal.out("Done: it is in force.\n");
  else {
    const id = visible(answer.request ?? "");
    terminal.out(`Waits for another administrator: \`keyturn review ${id}\`. What takes something away is in force.\n`);
  }
}
