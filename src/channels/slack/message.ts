import {
  alikeText,
  approvesByClick,
  barredText,
  fitting,
  leadText,
  linesOf,
  minuteText,
  needsText,
  newsLines,
  reviewText,
  shortDigest,
  shortened,
  statusText,
  titleText,
} from "../../core/card/index.ts";
import type { Card, CardBody, CardProgress, Limited, Literal, Member } from "../../core/card/index.ts";
import type { Notice } from "../../ports/channel.ts";
import { ACTION, valueOf } from "./actions.ts";
import {
  bullets,
  charsOf,
  FALLBACK_CHARS_MAX,
  HEADER_CHARS_MAX,
  plainText,
  richText,
  section,
  words,
} from "./blocks.ts";
import type { Block, ButtonElement, InlineElement, RichElement, SlackMessage } from "./blocks.ts";

/** Who looks at a message: who may review, or the people behind the action. */
export type Viewer = "reviewer" | "requester";

/** Characters for the parameters of one message: what has no room is on the page. */
const PARAMETER_CHARS_MAX = 6000;
/** Characters for each other list. */
const LIST_CHARS_MAX = 1200;

/**
 * A card as Slack blocks. Every text of an agent stands in a code or preformatted element of rich text, which Slack draws as
 * it is; what is around it is ours. What has no room is counted, and the button to the page stands below it.
 */
export function messageOf(notice: Notice, viewer: Viewer): SlackMessage {
  const { card, page } = notice;
  const { body, progress } = card;
  const title = titleText(card);
  const blocks: Block[] = [
    { type: "header", text: plainText(shortened(`${leadText(card, viewer)}: ${title}`, HEADER_CHARS_MAX)) },
    richText([section(...headline(body)), section(...standing(card))]),
    ...inspected(body),
    ...parametersOf(body),
    ...listed("Why it is risky", body.risk.reasons, ({ points, because }) => [words(`+${points} `), ...code(because)]),
    ...listed("Held by", body.policies, ({ policy, because }) => [words(`${policy}: ${because}`)]),
    ...reviewsOf(progress),
    ...claimOf(body),
    richText([section(words(`Digest ${shortDigest(body.digest)}`, { italic: true }))]),
    { type: "actions", elements: buttonsOf(notice, viewer) },
  ];
  return { text: fallback(`${leadText(card, viewer)}: ${title} (${body.risk.level} risk). ${page}`), blocks };
}

/** Our words alone, then: Slack reads `text` as markup, wherever blocks are not shown. */
export function fallback(text: string): string {
  return shortened(text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;"), FALLBACK_CHARS_MAX);
}

function headline({ headline: said }: CardBody): readonly InlineElement[] {
  const { verb, agent, action, object, environment } = said;
  return [
    ...code(agent),
    words(" wants to "),
    words(verb, { bold: true }),
    words(" "),
    ...code(object),
    ...(environment === null ? [] : [words(" in "), ...code(environment)]),
    words(" by "),
    ...code(action),
  ];
}

function standing({ body, progress }: Card): readonly InlineElement[] {
  const { level, score } = body.risk;
  return [
    words("Risk "),
    words(`${level} ${score}`, { bold: true }),
    words(`. ${statusText(progress)}.`),
    ...(progress.status === "pending" ? [words(` Needs ${needsText(progress)}.`)] : []),
    ...(progress.status === "pending"
      ? [words(` Until ${minuteText(body.expiresAt)}; after that it will not run.`)]
      : []),
  ];
}

function inspected({ uninspected }: CardBody): readonly Block[] {
  if (uninspected.items.length === 0) return [];
  const lead = section(words("⚠ This action could not be fully inspected. ", { bold: true }), words("Unknown is:"));
  return [richText([lead, ...bulletsOf(uninspected, (one) => code(one))])];
}

function parametersOf({ parameters, resource, subject }: CardBody): readonly Block[] {
  let room = PARAMETER_CHARS_MAX;
  return [
    ["Parameters", parameters] as const,
    ["Resource", resource] as const,
    ["Caller", subject.properties] as const,
  ].flatMap(([name, members]): readonly Block[] => {
    if (members.items.length === 0 && members.hidden === 0) return [];
    const { drawn, hidden, size } = fitting(members, room, memberOf, charsOf);
    room -= size;
    return [richText([section(words(name, { bold: true })), ...drawn.flat(), ...missing(hidden)])];
  });
}

/** A short value on its name's line; a long one, or one of several lines, in a box that nothing else stands in. */
function memberOf({ name, kind, value }: Member): readonly RichElement[] {
  const lead = [...code(name), words(kind === "secret" ? " (secret, committed to as) " : " ")];
  const lines = kind === "text" ? linesOf(value.text) : [value.text];
  if (lines.length === 1 && value.text.length <= 80 && value.cut === null) return [section(...lead, ...code(value))];
  return [section(...lead), ...box(value, lines)];
}

function box(value: Literal, lines: readonly string[]): readonly RichElement[] {
  const boxed = (text: string): RichElement[] =>
    text === "" ? [] : [{ type: "rich_text_preformatted", elements: [{ type: "text", text }] }];
  const { cut: missing } = value;
  const note = alikeNote(value);
  return [
    ...boxed(lines.join("\n")),
    ...(missing === null
      ? []
      : [
          section(
            words(`${missing.hidden} characters are not shown; all of it is ${missing.digest}`, { italic: true }),
          ),
          ...boxed(missing.tail),
        ]),
    ...(note === null ? [] : [section(words("It", { bold: true }), note)]),
  ];
}

function reviewsOf(progress: CardProgress): readonly Block[] {
  const said = listed("Reviews", progress.reviews, (one) => [
    words(reviewText(one)),
    ...(one.reason === null ? [] : [words(": "), ...code(one.reason)]),
  ]);
  const barred = barredText(progress);
  return barred === null ? said : [...said, richText([section(words(shortened(barred, LIST_CHARS_MAX)))])];
}

function claimOf({ claim }: CardBody): readonly Block[] {
  if (claim === null || claim.text === "") return [];
  return [
    richText([
      section(words("The agent says, and nobody has checked:", { bold: true })),
      ...box(claim, linesOf(claim.text)),
    ]),
  ];
}

/** Denying is one click everywhere. Approving is one where a click is evidence enough; else the page takes it. */
function buttonsOf({ card, cardDigest, page }: Notice, viewer: Viewer): ButtonElement[] {
  const { body, progress } = card;
  const open = { type: "button", action_id: ACTION.open, text: plainText("Open"), url: page } as const;
  if (progress.status !== "pending") return [open];
  const value = valueOf({ request: body.request, digest: body.digest, card: cardDigest });
  const deny: ButtonElement[] = [
    { type: "button", action_id: ACTION.deny, text: plainText("Deny"), value, style: "danger" },
    { type: "button", action_id: ACTION.denyReason, text: plainText("Deny and say why…"), value },
  ];
  if (viewer === "requester") return [...deny, open];
  if (approvesByClick(body.risk.level, body.assurance)) {
    return [
      { type: "button", action_id: ACTION.approve, text: plainText("Approve"), value, style: "primary" },
      ...deny,
      open,
    ];
  }
  const label = body.risk.level === "critical" ? "Review in the console" : "Open to approve";
  return [{ ...open, text: plainText(label), style: "primary" }, ...deny];
}

/** What has happened since, for the thread below a message; null where it is nothing to tell. */
export function threadOf({ card, changes }: Notice): SlackMessage | null {
  const lines = newsLines(card, changes);
  if (lines.length === 0) return null;
  return {
    text: fallback(`${statusText(card.progress)}: ${titleText(card)}`),
    blocks: [richText(lines.map(({ said, reason }) => section(words(said), ...reasonOf(reason), words("\n"))))],
  };
}

/** The reminder below a message. */
export function reminderOf({ card, page }: Notice): SlackMessage {
  const said = `${statusText(card.progress)}. Needs ${needsText(card.progress)}.`;
  const link: InlineElement = { type: "link", url: page, text: "Open" };
  return { text: fallback(`${said} ${titleText(card)}`), blocks: [richText([section(words(`${said} `), link)])] };
}

function reasonOf(reason: Literal | null): readonly InlineElement[] {
  return reason === null ? [] : [words(" "), ...code(reason)];
}

function listed<T>(name: string, list: Limited<T>, draw: (item: T) => readonly InlineElement[]): readonly Block[] {
  if (list.items.length === 0) return [];
  return [richText([section(words(name, { bold: true })), ...bulletsOf(list, draw)])];
}

function bulletsOf<T>(list: Limited<T>, draw: (item: T) => readonly InlineElement[]): readonly RichElement[] {
  const { drawn, hidden } = fitting(list, LIST_CHARS_MAX, draw, charsOf);
  return [...(drawn.length === 0 ? [] : [bullets(drawn)]), ...missing(hidden)];
}

function missing(count: number): readonly RichElement[] {
  return count === 0 ? [] : [section(words(`${count} more are not shown here: open the page.`, { italic: true }))];
}

/** A literal on a line, its notes outside of what an agent can write. */
function code(literal: Literal): readonly InlineElement[] {
  const { text, cut: missing } = literal;
  const note = alikeNote(literal);
  return [
    text === "" ? words("(empty)", { italic: true }) : { type: "text", text, style: { code: true } },
    ...(missing === null
      ? []
      : [
          words(` … ${missing.hidden} characters not shown, ${shortDigest(missing.digest)} … `, { italic: true }),
          ...(missing.tail === "" ? [] : [{ type: "text", text: missing.tail, style: { code: true } } as const]),
        ]),
    ...(note === null ? [] : [note]),
  ];
}

function alikeNote({ alike }: Literal): InlineElement | null {
  const note = alikeText(alike);
  return note === null ? null : words(` ${note}`, { bold: true });
}
