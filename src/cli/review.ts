import { randomUUID } from "node:crypto";
import type { View } from "../client/index.ts";
import { parseId } from "../core/ids.ts";
import { readArguments, SERVER } from "./arguments.ts";
import { connect } from "./connection.ts";
import type { Connection } from "./connection.ts";
import { describe, EXIT, Failure, usage } from "./failure.ts";
import { visible } from "../core/card/index.ts";
import { needs } from "./requests.ts";
import { canonicalAction, page } from "./shown.ts";
import { painter } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

export const help = `keyturn review ID [approve|deny]: look at one request, approve or deny it

Shows the action with every parameter as it is, unseen characters written out, and checks that the text is the one
under the digest. Approving sends that digest: it releases this action and no other, once. Without a verdict it only
shows, or asks on a terminal. You must be signed in (\`keyturn sign-in\`); the operator's token may only look.

Examples
  keyturn review arq_…
  keyturn review arq_… approve
  keyturn review arq_… deny --reason "not during the audit"
  keyturn review arq_… approve --yes --digest sha256:…      (from a script: say what was looked at)

Options
  --reason TEXT      told to the agent and kept in the ledger
  --digest DIGEST    refuse unless the request is for this digest
  --yes              do not ask; needed to approve where nobody can be asked
  --url URL          the server
  --json             the request after the review

Exit codes: 0 recorded (or shown), 1 refused or not confirmed, 2 wrong usage.
`;

type Verdict = "approve" | "deny";

const OPTIONS = {
  ...SERVER,
  reason: { type: "string" },
  digest: { type: "string" },
  yes: { type: "boolean", short: "y" },
} as const;

type Wishes = {
  readonly reason?: string | undefined;
  readonly digest?: string | undefined;
  readonly yes?: boolean | undefined;
  readonly json?: boolean | undefined;
};

/** Shows, asks, and sends the digest of what was shown. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, OPTIONS, ["ID", "approve or deny?"]);
  const id = requestId(positionals[0] ?? "");
  const wanted = verdictOf(positionals[1]);
  const server = await connect(values, terminal, wanted === null ? "reader" : "person");
  const view = await server.ask((client) => client.view(id));
  canonicalAction(view);
  if (values.digest !== undefined && values.digest !== view.digest) {
    throw new Failure({
      code: "digest_differs",
      message: `${id} is for ${view.digest}, not for ${values.digest}. Nothing was sent.`,
    });
  }
  const show = values.json === true ? terminal.err : terminal.out;
  if (values.json !== true || wanted !== null)
    show(page(view, painter(terminal, values.json === true ? "err" : "out")));
  const verdict = wanted ?? (await askVerdict(view, server, terminal));
  if (verdict === null) {
    if (values.json === true) terminal.out(`${JSON.stringify(view)}\n`);
    return EXIT.ok;
  }
  if (wanted !== null) await confirm(verdict, values, view, terminal);
  return send(server, view, verdict, values, terminal);
}

function requestId(text: string): string {
  try {
    return parseId("request", text);
  } catch (error) {
    throw usage(`\`${text}\` is no request: ${describe(error).message}.`);
  }
}

function verdictOf(text: string | undefined): Verdict | null {
  if (text === undefined || text === "approve" || text === "deny") return text ?? null;
  throw usage(`The verdict is approve or deny, not \`${text}\`.`);
}

/** Without a verdict on the command line: asks, where somebody sits who may give one. */
async function askVerdict(view: View, server: Connection, terminal: Terminal): Promise<Verdict | null> {
  const me = view.me;
  if (view.status !== "pending" || server.role !== "person" || me === undefined) return null;
  if (me.refusal !== null) terminal.err(`\nYou cannot approve this: ${visible(me.refusal.because)}\n`);
  if (!terminal.interactive || (!me.can_approve && !me.can_deny)) return null;
  const choices = [me.can_approve ? "approve" : null, me.can_deny ? "deny" : null].filter((choice) => choice !== null);
  const answer = (await terminal.ask(`\nType ${choices.join(" or ")}, or nothing to leave it: `)).trim();
  return answer === "approve" || answer === "deny" ? answer : null;
}

/** An approval is never given by an empty line, nor by a script that did not say so. A denial needs no such care. */
async function confirm(verdict: Verdict, { yes }: Wishes, view: View, terminal: Terminal): Promise<void> {
  if (yes === true) return;
  if (!terminal.interactive) {
    if (verdict === "deny") return;
    throw new Failure({
      code: "not_confirmed",
      message: "Nobody is here to confirm. Add --yes, and --digest with what was looked at.",
    });
  }
  const answer = await terminal.ask(
    `\n${verdict === "approve" ? "Approve" : "Deny"} exactly this (${view.digest.slice(0, 19)}…)? Type ${verdict} to confirm: `,
  );
  if (answer.trim() !== verdict) throw new Failure({ code: "not_confirmed", message: "Nothing was sent." });
}

async function send(
  server: Connection,
  view: View,
  verdict: Verdict,
  wishes: Wishes,
  terminal: Terminal,
): Promise<number> {
  // One nonce for this decision: were it sent twice, it would still be one review.
  const review = {
    verdict,
    digest: view.digest,
    nonce: randomUUID(),
    ...(view.card_digest === undefined ? {} : { card: view.card_digest }),
    ...(wishes.reason === undefined ? {} : { reason: wishes.reason }),
  };
  const after = await server.ask((client) => client.review(view.id, review));
  if (wishes.json === true) terminal.out(`${JSON.stringify(after)}\n`);
  else terminal.out(`\n${result(after, verdict)}\n`);
  return EXIT.ok;
}

function result(view: View, verdict: Verdict): string {
  if (verdict === "deny") return `Denied ${view.id}. The agent is told at once.`;
  // The server carries out a change of its own directory itself; any other action is its gate's.
  const next =
    view.action.name === "keyturn.directory.change" ? "it comes into force by itself" : "the action may run once";
  if (view.status === "approved") return `Approved ${view.id}: ${next}.`;
  return `Your approval of ${view.id} is recorded. Still needed: ${needs(view)}.`;
}
