import { z } from "zod";
import { shortened } from "../../core/card/index.ts";
import { utf8Length } from "../../core/encoding.ts";

// What Teams takes of Adaptive Cards 1.5 (https://adaptivecards.io/explorer), as far as we use it. There is no TextBlock: it
// reads Markdown, and a text run does not. Teams refuses what is wrong or too large as a whole, so it is checked here first.

/** Bytes of one message as JSON: Teams documents about 28 KB for a card. */
export const CARD_BYTES_MAX = 27_000;
export const ACTIONS_MAX = 6;
export const TITLE_CHARS_MAX = 150;

export type TextRun = {
  type: "TextRun";
  text: string;
  weight?: "Bolder" | undefined;
  italic?: true | undefined;
  isSubtle?: true | undefined;
  size?: "Large" | undefined;
  color?: "Good" | "Warning" | "Attention" | undefined;
  fontType?: "Monospace" | undefined;
};
export type RichText = { type: "RichTextBlock"; spacing?: "None" | "Small" | undefined; inlines: TextRun[] };
type Container = {
  type: "Container";
  style: "default" | "emphasis" | "warning";
  spacing?: "Small" | undefined;
  separator?: true | undefined;
  items: RichText[];
};
export type CardElement = RichText | Container;
type OpenUrlAction = { type: "Action.OpenUrl"; title: string; url: string; style?: "positive" | undefined };
export type ExecuteAction = {
  type: "Action.Execute";
  title: string;
  verb: string;
  data: { request: string; digest: string; card: string };
  style?: "positive" | "destructive" | undefined;
  associatedInputs?: "none" | undefined;
  fallback: OpenUrlAction;
};
type TextInput = {
  type: "Input.Text";
  id: string;
  label: string;
  isMultiline: true;
  isRequired: true;
  maxLength: number;
  errorMessage: string;
};
type ShowCardAction = {
  type: "Action.ShowCard";
  title: string;
  card: { type: "AdaptiveCard"; body: TextInput[]; actions: ExecuteAction[] };
};
export type CardAction = OpenUrlAction | ExecuteAction | ShowCardAction;
export type AdaptiveCard = {
  type: "AdaptiveCard";
  $schema: "http://adaptivecards.io/schemas/adaptive-card.json";
  version: "1.5";
  fallbackText: string;
  msteams: { width: "Full" };
  body: CardElement[];
  actions: CardAction[];
};

const Run = z.strictObject({
  type: z.literal("TextRun"),
  text: z.string().min(1).max(3000),
  weight: z.literal("Bolder").optional(),
  italic: z.literal(true).optional(),
  isSubtle: z.literal(true).optional(),
  size: z.literal("Large").optional(),
  color: z.enum(["Good", "Warning", "Attention"]).optional(),
  fontType: z.literal("Monospace").optional(),
});
const Rich = z.strictObject({
  type: z.literal("RichTextBlock"),
  spacing: z.enum(["None", "Small"]).optional(),
  inlines: z.array(Run).min(1).max(200),
});
const Box = z.strictObject({
  type: z.literal("Container"),
  style: z.enum(["default", "emphasis", "warning"]),
  spacing: z.literal("Small").optional(),
  separator: z.literal(true).optional(),
  items: z.array(Rich).min(1).max(200),
});
const Element = z.discriminatedUnion("type", [Rich, Box]);
const OpenUrl = z.strictObject({
  type: z.literal("Action.OpenUrl"),
  title: z.string().min(1).max(TITLE_CHARS_MAX),
  url: z.url({ protocol: /^https?$/ }).max(2000),
  style: z.literal("positive").optional(),
});
const Execute = z.strictObject({
  type: z.literal("Action.Execute"),
  title: z.string().min(1).max(TITLE_CHARS_MAX),
  verb: z.string().min(1).max(100),
  data: z.strictObject({ request: z.string(), digest: z.string(), card: z.string() }),
  style: z.enum(["positive", "destructive"]).optional(),
  associatedInputs: z.literal("none").optional(),
  // Clients that know no Action.Execute open the page instead.
  fallback: OpenUrl,
});
const Input = z.strictObject({
  type: z.literal("Input.Text"),
  id: z.string().min(1),
  label: z.string().min(1).max(200),
  isMultiline: z.literal(true),
  isRequired: z.literal(true),
  maxLength: z.int().min(1).max(4000),
  errorMessage: z.string().min(1),
});
const Show = z.strictObject({
  type: z.literal("Action.ShowCard"),
  title: z.string().min(1).max(TITLE_CHARS_MAX),
  card: z.strictObject({
    type: z.literal("AdaptiveCard"),
    body: z.array(Input).length(1),
    actions: z.array(Execute).length(1),
  }),
});
const Card: z.ZodType<AdaptiveCard> = z.strictObject({
  type: z.literal("AdaptiveCard"),
  $schema: z.literal("http://adaptivecards.io/schemas/adaptive-card.json"),
  version: z.literal("1.5"),
  fallbackText: z.string().min(1).max(1000),
  msteams: z.strictObject({ width: z.literal("Full") }),
  body: z.array(Element).min(1).max(200),
  actions: z.array(z.discriminatedUnion("type", [OpenUrl, Execute, Show])).max(ACTIONS_MAX),
});

/** Why Teams would not take this card, or null. */
export function cardFault(card: AdaptiveCard): string | null {
  const parsed = Card.safeParse(card);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return `${issue?.path.join(".") ?? "card"}: ${issue?.message ?? "not understood"}`;
  }
  const bytes = cardBytes(card);
  return bytes > CARD_BYTES_MAX ? `a card has at most ${CARD_BYTES_MAX} bytes, and this one ${bytes}` : null;
}

/** Bytes of a card as it is sent. */
export function cardBytes(card: AdaptiveCard): number {
  return utf8Length(JSON.stringify(card));
}

/** A card of these elements; `fallbackText` is for clients that draw no cards. */
export function adaptiveCard(
  fallbackText: string,
  body: readonly CardElement[],
  actions: readonly CardAction[],
): AdaptiveCard {
  return {
    type: "AdaptiveCard",
    $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
    version: "1.5",
    fallbackText: shortened(fallbackText, 1000),
    msteams: { width: "Full" },
    body: [...body],
    actions: [...actions],
  };
}

/** Plain words of ours or of the operator's. A text run is drawn as it stands: no Markdown, no mention, no link is made of it. */
export function words(said: string, more: Omit<Partial<TextRun>, "type" | "text"> = {}): TextRun {
  return { type: "TextRun", text: shortened(said, 3000), ...more };
}

export function paragraph(...inlines: readonly TextRun[]): RichText {
  return { type: "RichTextBlock", inlines: [...inlines] };
}

/** A line close below the one before. */
export function line(...inlines: readonly TextRun[]): RichText {
  return { type: "RichTextBlock", spacing: "None", inlines: [...inlines] };
}
