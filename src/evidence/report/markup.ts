/** Markup that was escaped where it had to be. Only `markup` and `join` make it. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Value = Markup | string | number | null | readonly (Markup | string)[];

/** A template whose values are escaped, unless they are markup already. Null is nothing. */
export function markup(parts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return new Markup(parts.map((part, at) => part + (at < values.length ? render(values[at] ?? null) : "")).join(""));
}

/** Markup one after the other. */
export function join(items: readonly Markup[]): Markup {
  return new Markup(items.map((item) => item.text).join(""));
}

function render(value: Value): string {
  if (value === null) return "";
  if (value instanceof Markup) return value.text;
  if (typeof value === "string" || typeof value === "number") return escaped(String(value));
  return value.map(render).join("");
}

const NAMES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/**
 * Text as a reader has to see it: nothing in it is markup, and characters that hide, reorder or break the line are
 * written as their code point, for agents choose many of these texts.
 */
function escaped(text: string): string {
  return text
    .replaceAll(
      /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
      (c) => `⟨U+${(c.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`,
    )
    .replaceAll(/[&<>"']/g, (character) => NAMES[character] ?? "");
}
