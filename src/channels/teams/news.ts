import { needsText, newsLines, statusText, titleText } from "../../core/card/index.ts";
import type { ClickAnswer, Notice } from "../../ports/channel.ts";
import { adaptiveCard, line, words } from "./elements.ts";
import type { AdaptiveCard } from "./elements.ts";
import { code } from "./literals.ts";

/** What has happened since, for the thread below a card; null where it is nothing to tell. */
export function newsOf({ card, changes, page }: Notice): AdaptiveCard | null {
  const lines = newsLines(card, changes);
  if (lines.length === 0) return null;
  return adaptiveCard(
    `${statusText(card.progress)}: ${titleText(card)}. ${page}`,
    lines.map(({ said, reason }) => line(words(said), ...(reason === null ? [] : [words(" "), ...code(reason)]))),
    [],
  );
}

/** The reminder below a card. */
export function reminderOf({ card, page }: Notice): AdaptiveCard {
  const said = `${statusText(card.progress)}. Needs ${needsText(card.progress)}: ${titleText(card)}.`;
  return adaptiveCard(said, [line(words(said))], [{ type: "Action.OpenUrl", title: "Open", url: page }]);
}

/** What to say to who clicked, below the card. */
export function answerTo(said: ClickAnswer, account: string): string {
  switch (said.status) {
    case "recorded":
      return `Recorded. ${statusText(said.card.progress)}.`;
    case "refused":
      return `Nothing was decided. ${said.because}`;
    case "unlinked":
      return said.link === null
        ? `Nothing was decided: this account (${account}) belongs to nobody in the directory yet. ` +
            "Ask whoever runs Keyturn to link it."
        : "Nothing was decided: this account is not linked to you yet. Link it once, then click again.";
    case "page":
      return "Nothing was decided: a click is not evidence enough for this risk. Open its page.";
    case "late":
      return "Nothing was decided: Teams could not be asked in time who you are. Click again.";
    default:
      return said satisfies never;
  }
}

/** The address that belongs to an answer, for its button; null where there is none. */
export function linkOf(said: ClickAnswer): { readonly title: string; readonly url: string } | null {
  if (said.status === "unlinked" && said.link !== null) return { title: "Link this account", url: said.link };
  return said.status === "page" ? { title: "Open its page", url: said.page } : null;
}
