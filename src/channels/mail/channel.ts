import { createHash } from "node:crypto";
import { createTransport } from "nodemailer";
import { readSecret } from "../../config/index.ts";
import type { SecretKind } from "../../config/index.ts";
import type { PersonId } from "../../core/brand.ts";
import { needsText, shortDigest, statusText } from "../../core/card/index.ts";
import type { Card } from "../../core/card/index.ts";
import { ChannelError } from "../../ports/channel.ts";
import type { Channel, Notice, Reference } from "../../ports/channel.ts";

export type MailConfig = {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** `tls` from the first byte, `starttls` or nothing without it, `none` for a relay on this machine. */
  readonly security: "tls" | "starttls" | "none";
  readonly user: string | null;
  /** Holds the password of `user`. */
  readonly passwordFile: string | null;
  readonly from: string;
  /** Only requests of these agents; empty means all. */
  readonly agents: readonly string[];
};

const TIMEOUT_MS = 9000;
/** An address as we send to it: one, without a name, comment or list around it. */
const ADDRESS = /^[^\s<>(),;:"\\@]{1,64}@[A-Za-z0-9.-]{1,255}$/;
const PASSWORD: SecretKind = {
  message: "the mail password cannot be read",
  hint: "write the password into this file, mode 0600",
  fits: /^.{1,4096}$/s,
};
const SUBJECTS = { review: "Review", reminder: "Reminder", news: "News" } as const;

/**
 * Tells approvers by mail that somebody waits for them: that, and where to look. A mail has no button and its link decides
 * nothing, because scanners follow links; and not a word that an agent chose, because mail programs turn words into links.
 */
export function mailChannel(config: MailConfig, emailOf: (person: PersonId) => string | null): Channel {
  const password = config.passwordFile === null ? null : readSecret(config.passwordFile, PASSWORD);
  const transport = createTransport({
    host: config.host,
    port: config.port,
    secure: config.security === "tls",
    requireTLS: config.security === "starttls",
    ignoreTLS: config.security === "none",
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(config.user === null || password === null ? {} : { auth: { user: config.user, pass: password } }),
  });
  const domain = config.from.slice(config.from.lastIndexOf("@") + 1).replace(/>$/, "");

  const addressOf = (person: string): string | null => {
    const address = emailOf(person as PersonId);
    return address !== null && ADDRESS.test(address) ? address : null;
  };
  // A place is a person, and the address is looked up each time: none is kept beside the directory.
  const send = async (person: string, kind: keyof typeof SUBJECTS, notice: Notice): Promise<Reference> => {
    const { card, page } = notice;
    const to = addressOf(person);
    if (to === null) throw new ChannelError({ code: "channel_refused", message: "this person has no mail address" });
    const thread = `<${card.body.request}.${hashed(person)}@${domain}>`;
    const isFirst = kind === "review";
    await transport
      .sendMail({
        from: config.from,
        to: { name: "", address: to },
        subject: `${SUBJECTS[kind]}: ${subjectOf(card)}`,
        text: textOf(card, page),
        // The same news has the same id, so that a mail that came twice is one.
        messageId: isFirst ? thread : `<${notice.id}.${hashed(person)}@${domain}>`,
        ...(isFirst ? {} : { inReplyTo: thread, references: [thread] }),
        headers: { "Auto-Submitted": "auto-generated" },
      })
      .catch((cause: unknown) => {
        throw failure(cause);
      });
    return { status: card.progress.status };
  };
  /** A mail for each status, not for each change: nobody reads ten. */
  const changed = async (person: string, reference: Reference, notice: Notice): Promise<Reference> =>
    reference["status"] === notice.card.progress.status ? reference : send(person, "news", notice);
  return {
    name: config.name,
    tells: "latest",
    places: ({ audience }) =>
      config.agents.length > 0 && !config.agents.includes(audience.agent)
        ? []
        : audience.approvers.filter(({ id }) => addressOf(id) !== null).map(({ id }) => id),
    present: async (person, notice) => send(person, "review", notice),
    update: async (person, reference, notice) => changed(person, reference, notice),
    close: async (person, reference, notice) => void (await changed(person, reference, notice)),
    remind: async (person, _reference, notice) => void (await send(person, "reminder", notice)),
  };
}

/** Our words, the operator's title and the risk: enough to see whether it is urgent. */
function subjectOf({ body: { headline, risk } }: Card): string {
  return `${headline.title ?? headline.verb} (${risk.level} risk)`;
}

function textOf({ body, progress }: Card, page: string): string {
  const { headline, risk } = body;
  const what = headline.title ?? `${headline.verb} a resource`;
  return [
    statusText(progress),
    "",
    `What:   ${what}`,
    `Risk:   ${risk.level} ${risk.score}`,
    `Needs:  ${needsText(progress)}`,
    `Digest: ${shortDigest(body.digest)}`,
    ...(body.uninspected.items.length === 0 ? [] : ["This action could not be fully inspected."]),
    "",
    "Look at it, and decide there:",
    page,
    "",
    "Nothing is decided by opening this page, by answering this mail, or by silence.",
  ].join("\n");
}

/** A person in a message id, so that mails can be told apart. */
function hashed(person: string): string {
  return createHash("sha256").update(person).digest("hex").slice(0, 16);
}

/** RFC 5321 §4.2.1: 4xx may work later, 5xx will not. A refused sign-in is the operator's to mend, and may be mended. */
function failure(cause: unknown): ChannelError {
  const known: { readonly code?: unknown; readonly responseCode?: unknown } =
    typeof cause === "object" && cause !== null ? cause : {};
  const status = typeof known.responseCode === "number" ? known.responseCode : 0;
  // Servers repeat the address, and a lost message is told in the ledger: a person's address has no place there.
  const said = cause instanceof Error ? cause.message.replace(/[^\s<>@]+@[^\s<>@]+/g, "…").slice(0, 200) : null;
  const message = said ?? "the mail server cannot be reached";
  const isFinal = status >= 500 && status <= 599 && known.code !== "EAUTH";
  return new ChannelError({ code: isFinal ? "channel_refused" : "channel_unavailable", message, cause });
}
