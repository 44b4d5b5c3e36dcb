import {
  approvesByClick,
  barredText,
  fitting,
  leadText,
  minuteText,
  needsText,
  reviewText,
  shortDigest,
  shortened,
  statusText,
  titleText,
} from "../../core/card/index.ts";
import type { Card, CardBody, CardProgress, Limited, Member } from "../../core/card/index.ts";
import type { Notice } from "../../ports/channel.ts";
import { REASON_BYTES_MAX, REASON_INPUT, VERB } from "./activity.ts";
import { adaptiveCard, CARD_BYTES_MAX, cardBytes, line, paragraph, TITLE_CHARS_MAX, words } from "./elements.ts";
import type { AdaptiveCard, CardAction, CardElement, ExecuteAction, TextRun } from "./elements.ts";
import { box, code } from "./literals.ts";

/** Who looks at a message: who may review, or the people behind the action. */
export type Viewer = "reviewer" | "requester";

/** Bytes for parameters, and for each list: the first pair with which the card is small enough. What has no room is on the page. */
const ROOMS = [
  { parameters: 14_000, list: 3000 },
  { parameters: 7000, list: 1500 },
  { parameters: 2500, list: 700 },
  { parameters: 0, list: 0 },
] as const;
type Room = (typeof ROOMS)[number];
/** Characters of the line that names who cannot approve. */
const BARRED_CHARS_MAX = 1200;

/**
 * A card as an Adaptive Card. Every text of an agent stands in a monospaced run, which Teams draws as it is; what is around
 * it is ours. What has no room is counted, and the button to the page stands below it.
 */
export function cardOf(notice: Notice, viewer: Viewer): AdaptiveCard {
  const [widest, ...narrower] = ROOMS;
  let drawn = drawnIn(notice, viewer, widest);
  for (const room of narrower) {
    if (cardBytes(drawn) <= CARD_BYTES_MAX) break;
    drawn = drawnIn(notice, viewer, room);
  }
  return drawn;
}

/** One line about a request, in our words alone: for the notification of a message, where nothing can be quoted. */
export function summaryOf({ card }: Notice, viewer: Viewer): string {
  return shortened(`${leadText(card, viewer)}: ${titleText(card)} (${card.body.risk.level} risk)`, 300);
}

function drawnIn(notice: Notice, viewer: Viewer, room: Room): AdaptiveCard {
  const { card, page } = notice;
  const { body, progress } = card;
  const elements = [
    paragraph(
      words(shortened(`${leadText(card, viewer)}: ${titleText(card)}`, TITLE_CHARS_MAX), {
        weight: "Bolder",
        size: "Large",
        ...colorOf(progress),
      }),
    ),
    paragraph(...headline(body)),
    paragraph(...standing(card)),
    ...inspected(body, room),
    ...parametersOf(body, room),
    ...listed("Why it is risky", body.risk.reasons, room, ({ points, because }) => [
      words(`+${points} `),
      ...code(because),
    ]),
    ...listed("Held by", body.policies, room, ({ policy, because }) => [words(`${policy}: ${because}`)]),
    ...reviewsOf(progress, room),
    ...claimOf(body),
    paragraph(words(`Digest ${shortDigest(body.digest)}`, { isSubtle: true })),
  ];
  return adaptiveCard(`${summaryOf(notice, viewer)}. ${page}`, elements, actionsOf(notice, viewer));
}

function colorOf({ status }: CardProgress): { readonly color?: "Good" | "Attention" } {
  if (status === "approved") return { color: "Good" };
  return status === "denied" || status === "failed" ? { color: "Attention" } : {};
}

function headline({ headline: said }: CardBody): readonly TextRun[] {
  const { verb, agent, action, object, environment } = said;
  return [
    ...code(agent),
    words(" wants to "),
    words(verb, { weight: "Bolder" }),
    words(" "),
    ...code(object),
    ...(environment === null ? [] : [words(" in "), ...code(environment)]),
    words(" by "),
    ...code(action),
  ];
}

function standing({ body, progress }: Card): readonly TextRun[] {
  const { level, score } = body.risk;
  return [
    words("Risk "),
    words(`${level} ${score}`, { weight: "Bolder" }),
    words(`. ${statusText(progress)}. Needs ${needsText(progress)}.`),
    ...(progress.status === "pending"
      ? [words(` Until ${minuteText(body.expiresAt)}; after that it will not run.`)]
      : []),
  ];
}

function inspected({ uninspected }: CardBody, room: Room): readonly CardElement[] {
  if (uninspected.items.length === 0) return [];
  const lead = paragraph(
    words("⚠ This action could not be fully inspected. ", { weight: "Bolder" }),
    words("Unknown is:"),
  );
  const items = [lead, ...itemsOf(uninspected, room, (one) => code(one))];
  return [{ type: "Container", style: "warning", items }];
}

function parametersOf({ parameters, resource, subject }: CardBody, room: Room): readonly CardElement[] {
  let left = room.parameters;
  return [
    ["Parameters", parameters] as const,
    ["Resource", resource] as const,
    ["Caller", subject.properties] as const,
  ].flatMap(([name, members]): readonly CardElement[] => {
    if (members.items.length === 0 && members.hidden === 0) return [];
    const { drawn, hidden, size } = fitting(members, left, memberOf, bytesOf);
    left -= size;
    return [paragraph(words(name, { weight: "Bolder" })), ...drawn.flat(), ...missing(hidden)];
  });
}

/** A short value on its name's line; a long one, or one of several lines, in a box. */
function memberOf({ name, kind, value }: Member): readonly CardElement[] {
  const lead = [...code(name), words(kind === "secret" ? " (secret, committed to as): " : ": ")];
  const isShort = value.text.length <= 80 && value.cut === null && !(kind === "text" && value.text.includes("\\n"));
  return isShort ? [line(...lead, ...code(value))] : [line(...lead), ...box(value, kind === "text")];
}

function reviewsOf(progress: CardProgress, room: Room): readonly CardElement[] {
  const said = listed("Reviews", progress.reviews, room, (one) => [
    words(reviewText(one)),
    ...(one.reason === null ? [] : [words(": "), ...code(one.reason)]),
  ]);
  const barred = barredText(progress);
  return barred === null ? said : [...said, paragraph(words(shortened(barred, BARRED_CHARS_MAX)))];
}

function claimOf({ claim }: CardBody): readonly CardElement[] {
  if (claim === null || claim.text === "") return [];
  return [paragraph(words("The agent says, and nobody has checked:", { weight: "Bolder" })), ...box(claim, true)];
}

/** Denying is one click everywhere. Approving is one where a click is evidence enough; else the page takes it. */
function actionsOf({ card, cardDigest, page }: Notice, viewer: Viewer): CardAction[] {
  const { body, progress } = card;
  const open: CardAction = { type: "Action.OpenUrl", title: "Open", url: page };
  if (progress.status !== "pending") return [open];
  const data = { request: body.request, digest: body.digest, card: cardDigest };
  const press = (title: string, verb: string): ExecuteAction => ({
    type: "Action.Execute",
    title,
    verb,
    data,
    fallback: { type: "Action.OpenUrl", title: `${title} on its page`, url: page },
  });
  const deny: CardAction[] = [
    { ...press("Deny", VERB.deny), style: "destructive", associatedInputs: "none" },
    {
      type: "Action.ShowCard",
      title: "Deny and say why",
      card: {
        type: "AdaptiveCard",
        body: [
          {
            type: "Input.Text",
            id: REASON_INPUT,
            label: "Why? The agent and the record will have it.",
            isMultiline: true,
            isRequired: true,
            // A character is at most four bytes.
            maxLength: Math.floor(REASON_BYTES_MAX / 4),
            errorMessage: "Write a reason, or press Deny alone.",
          },
        ],
        actions: [{ ...press("Deny with this reason", VERB.deny), style: "destructive" }],
      },
    },
  ];
  if (viewer === "requester") return [...deny, open];
  if (approvesByClick(body.risk.level, body.assurance)) {
    return [{ ...press("Approve", VERB.approve), style: "positive", associatedInputs: "none" }, ...deny, open];
  }
  const title = body.risk.level === "critical" ? "Review in the console" : "Open to approve";
  return [{ ...open, title, style: "positive" }, ...deny];
}

function listed<T>(
  name: string,
  list: Limited<T>,
  room: Room,
  draw: (item: T) => readonly TextRun[],
): readonly CardElement[] {
  if (list.items.length === 0) return [];
  return [paragraph(words(name, { weight: "Bolder" })), ...itemsOf(list, room, draw)];
}

function itemsOf<T>(
  list: Limited<T>,
  { list: bytesMax }: Room,
  draw: (item: T) => readonly TextRun[],
): ReturnType<typeof line>[] {
  const { drawn, hidden } = fitting(list, bytesMax, (item) => line(words("• "), ...draw(item)), bytesOf);
  return [...drawn, ...missing(hidden)];
}

function missing(count: number): ReturnType<typeof line>[] {
  return count === 0 ? [] : [line(words(`${count} more are not shown here: open the page.`, { italic: true }))];
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
