import { z } from "zod";

// What Slack takes: https://docs.slack.dev/reference/block-kit. It refuses a message that breaks one of these as a whole,
// and cuts some without a word; so it is checked here, before sending.

/** Blocks of one message, and characters of all their texts together: `msg_blocks_too_long` comes above. */
export const BLOCKS_MAX = 50;
export const MESSAGE_CHARS_MAX = 12_000;
export const HEADER_CHARS_MAX = 150;
export const BUTTON_CHARS_MAX = 75;
export const BUTTON_VALUE_CHARS_MAX = 2000;
/** Characters of the plain text beside the blocks, for notifications. */
export const FALLBACK_CHARS_MAX = 3000;

export type PlainText = { type: "plain_text"; text: string; emoji: false };
type Link = { type: "link"; url: string; text: string };
type Text = {
  type: "text";
  text: string;
  style?: { bold?: boolean | undefined; italic?: boolean | undefined; code?: boolean | undefined } | undefined;
};
export type InlineElement = Text | Link;
type SectionElement = { type: "rich_text_section"; elements: InlineElement[] };
export type RichElement =
  | SectionElement
  | { type: "rich_text_preformatted"; elements: { type: "text"; text: string }[] }
  | { type: "rich_text_list"; style: "bullet"; elements: SectionElement[] };
export type ButtonElement = {
  type: "button";
  action_id: string;
  text: PlainText;
  value?: string | undefined;
  url?: string | undefined;
  style?: "primary" | "danger" | undefined;
};
type InputBlock = {
  type: "input";
  block_id: string;
  label: PlainText;
  element: {
    type: "plain_text_input";
    action_id: string;
    multiline: true;
    min_length: number;
    max_length: number;
  };
};
export type Block =
  | { type: "header"; text: PlainText }
  | { type: "divider" }
  | { type: "rich_text"; elements: RichElement[] }
  | { type: "actions"; elements: ButtonElement[] }
  | InputBlock;

const text = (max: number): z.ZodType<PlainText> =>
  z.strictObject({ type: z.literal("plain_text"), text: z.string().min(1).max(max), emoji: z.literal(false) });

const Style = z.strictObject({
  bold: z.boolean().optional(),
  italic: z.boolean().optional(),
  code: z.boolean().optional(),
});
const Url = z.url({ protocol: /^https?$/ }).max(3000);
const Inline = z.union([
  z.strictObject({ type: z.literal("text"), text: z.string().min(1).max(3000), style: Style.optional() }),
  z.strictObject({ type: z.literal("link"), url: Url, text: z.string().min(1).max(300) }),
]);
const Section = z.strictObject({ type: z.literal("rich_text_section"), elements: z.array(Inline).min(1).max(100) });
const Preformatted = z.strictObject({
  type: z.literal("rich_text_preformatted"),
  elements: z.array(z.strictObject({ type: z.literal("text"), text: z.string().min(1).max(3000) })).length(1),
});
const List = z.strictObject({
  type: z.literal("rich_text_list"),
  style: z.literal("bullet"),
  elements: z.array(Section).min(1).max(100),
});
const Button = z.strictObject({
  type: z.literal("button"),
  action_id: z.string().min(1).max(255),
  text: text(BUTTON_CHARS_MAX),
  value: z.string().min(1).max(BUTTON_VALUE_CHARS_MAX).optional(),
  url: Url.optional(),
  style: z.enum(["primary", "danger"]).optional(),
});
const Input = z.strictObject({
  type: z.literal("input"),
  block_id: z.string().min(1).max(255),
  label: text(2000),
  element: z.strictObject({
    type: z.literal("plain_text_input"),
    action_id: z.string().min(1).max(255),
    multiline: z.literal(true),
    min_length: z.int().min(0),
    max_length: z.int().min(1).max(3000),
  }),
});
const BlockOf: z.ZodType<Block> = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("header"), text: text(HEADER_CHARS_MAX) }),
  z.strictObject({ type: z.literal("divider") }),
  z.strictObject({
    type: z.literal("rich_text"),
    elements: z
      .array(z.discriminatedUnion("type", [Section, Preformatted, List]))
      .min(1)
      .max(100),
  }),
  z.strictObject({ type: z.literal("actions"), elements: z.array(Button).min(1).max(25) }),
  Input,
]);

/** Shown to nobody but people of our own making: `text` is a template of ours, and Slack is told to parse nothing. */
export type SlackMessage = { readonly text: string; readonly blocks: readonly Block[] };

/** Why Slack would not take these blocks, or null. */
export function blockFault(blocks: readonly Block[]): string | null {
  if (blocks.length > BLOCKS_MAX) return `a message has at most ${BLOCKS_MAX} blocks`;
  const parsed = z.array(BlockOf).min(1).safeParse(blocks);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return `${issue?.path.join(".") ?? "blocks"}: ${issue?.message ?? "not understood"}`;
  }
  const chars = charsOf(blocks);
  return chars > MESSAGE_CHARS_MAX
    ? `a message has at most ${MESSAGE_CHARS_MAX} characters, and this one ${chars}`
    : null;
}

/** Characters of all texts in blocks. */
export function charsOf(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + charsOf(item), 0);
  if (typeof value !== "object" || value === null) return 0;
  return Object.entries(value).reduce(
    (sum, [name, member]) => sum + (name === "text" && typeof member === "string" ? member.length : charsOf(member)),
    0,
  );
}

/** Plain words of ours or of the operator's. Rich text is drawn as it stands: no markup, mentions or links are made of it. */
export function words(said: string, style?: { readonly bold?: true; readonly italic?: true }): InlineElement {
  return { type: "text", text: said, ...(style === undefined ? {} : { style }) };
}

export function section(...elements: readonly InlineElement[]): RichElement {
  return { type: "rich_text_section", elements: [...elements] };
}

export function bullets(items: readonly (readonly InlineElement[])[]): RichElement {
  const elements = items.map((one) => ({ type: "rich_text_section" as const, elements: [...one] }));
  return { type: "rich_text_list", style: "bullet", elements };
}

export function richText(elements: readonly RichElement[]): Block {
  return { type: "rich_text", elements: [...elements] };
}

export function plainText(said: string): PlainText {
  return { type: "plain_text", text: said, emoji: false };
}
