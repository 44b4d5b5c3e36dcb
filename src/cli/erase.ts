import { setTimeout as sleep } from "node:timers/promises";
import { readArguments, SERVER } from "./arguments.ts";
import { formatInstant } from "../core/ledger/index.ts";
import { momentOf } from "./evidence/arguments.ts";
import { connect } from "./connection.ts";
import type { Connection } from "./connection.ts";
import { EXIT, Failure, usage } from "./failure.ts";
import { visible } from "../core/card/index.ts";
import type { Terminal } from "./terminal.ts";

export const help = `keyturn erase: take personal data out of the ledger, once people agree

Payloads and salts of the entries concerned are deleted; their headers stay, so that the tree and every proof remain
valid, and an entry says what was erased, on which basis and who agreed. It is a held action: this command asks, at
least two people of \`privacy.approvers\` in keyturn.yaml agree, and only then it is carried out. What is still in use
(open requests, the directory in force) stays; take a person out of directory.yaml first.

Examples
  keyturn erase --person ana --legal-basis "GDPR Art. 17(1)(a), ticket 4711"
  keyturn erase --subject ada@example.com --legal-basis "GDPR Art. 17, ticket 4712"
  keyturn erase --before 2024-01-01 --legal-basis "retention schedule 3.2" --no-wait
  keyturn erase --perform arq_…

Options
  --person ID          a person of the directory, by every name and account the ledger knows of them
  --subject TEXT       a text that names somebody in parameters, such as an e-mail address
  --before DATE        everything older
  --legal-basis TEXT   why; it stays for ever, so name nobody in it
  --perform REQUEST    carry out what was agreed to
  --no-wait            ask, and do not wait for people
  --data DIR           the server's data directory, which holds operator.token
  --url URL            the server
  --json               the same as JSON
`;

const OPTIONS = {
  ...SERVER,
  person: { type: "string" },
  subject: { type: "string" },
  before: { type: "string" },
  "legal-basis": { type: "string" },
  perform: { type: "string" },
  "no-wait": { type: "boolean" },
} as const;

const LOOK_EVERY_MS = 2000;

/** Asks, waits and carries out. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values } = readArguments(args, OPTIONS, []);
  const { person, subject, before, perform: request, json = false } = values;
  const given = [person, subject, before, request].filter((one) => one !== undefined);
  if (given.length !== 1) throw usage("Give one of --person, --subject, --before and --perform.");
  const server = await connect(values, terminal, "operator");
  if (request !== undefined) return perform(request, server, json, terminal);
  const legalBasis = values["legal-basis"];
  if (legalBasis === undefined || legalBasis.trim() === "") throw usage("Say on which basis: --legal-basis TEXT.");
  const asked = await server.ask((client) =>
    client.askErasure({
      legalBasis,
      ...(person === undefined ? {} : { person }),
      ...(subject === undefined ? {} : { subject }),
      ...(before === undefined ? {} : { before: formatInstant(momentOf(before, "before")) }),
    }),
  );
  if (values["no-wait"] === true && json) {
    terminal.out(`${JSON.stringify(asked)}\n`);
    return EXIT.ok;
  }
  const who = asked.terms.map(({ group, quorum }) => `${quorum} of ${visible(group)}`).join(" and ");
  const kept = asked.kept === 0 ? "" : ` ${asked.kept} more are still in use and stay.`;
  terminal.err(
    `${asked.entries} entries would lose their payloads.${kept}\n${who} have to agree until ${asked.expires_at}: ${asked.review}\n`,
  );
  if (values["no-wait"] === true) {
    terminal.out(`${asked.request}\n`);
    return EXIT.ok;
  }
  await agreed(asked.request, server);
  return perform(asked.request, server, json, terminal);
}

/** Resolves once people have agreed; a failure says that they have not. */
async function agreed(request: string, server: Connection): Promise<void> {
  for (;;) {
    const { status } = await server.ask((client) => client.view(request));
    if (status === "approved") return;
    if (status !== "pending") {
      throw new Failure({ code: "refused", message: `Nothing was erased: the request ${request} is ${status}.` });
    }
    await sleep(LOOK_EVERY_MS);
  }
}

async function perform(request: string, server: Connection, json: boolean, terminal: Terminal): Promise<number> {
  const erased = await server.ask((client) => client.performErasure(request));
  if (json) terminal.out(`${JSON.stringify({ request, ...erased })}\n`);
  else {
    terminal.out(
      `Erased the payloads of ${erased.entries} entries. ${erased.by.map(visible).join(" and ")} agreed. ` +
        "Backups, published folders and exports made before still hold them.\n",
    );
  }
  return EXIT.ok;
}
