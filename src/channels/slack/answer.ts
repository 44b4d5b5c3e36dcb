import type { ClickAnswer } from "../../ports/channel.ts";
import { richText, section, words } from "./blocks.ts";
import type { InlineElement, SlackMessage } from "./blocks.ts";

/** What to say to who clicked; null where the message itself shows it. */
export function answerTo(said: ClickAnswer, account: string): SlackMessage | null {
  switch (said.status) {
    case "recorded":
      return null;
    case "refused":
      return only(`Nothing was decided. ${said.because}`);
    case "unlinked":
      return said.link === null
        ? only(
            `Nothing was decided: this Slack account (${account}) belongs to nobody in the directory yet. ` +
              "Ask whoever runs Keyturn to link it.",
          )
        : withLink(
            "Nothing was decided: this Slack account is not linked to you yet. Link it once, then click again.",
            said.link,
            "Link this account",
          );
    case "page":
      return withLink("A click is not evidence enough for this risk. Nothing was decided.", said.page, "Open its page");
    case "late":
      return only("Nothing was decided: Slack could not be asked in time who you are. Click again.");
    default:
      return said satisfies never;
  }
}

function only(text: string): SlackMessage {
  return { text: "Nothing was decided.", blocks: [richText([section(words(text))])] };
}

function withLink(text: string, url: string, label: string): SlackMessage {
  const link: InlineElement = { type: "link", url, text: label };
  return { text: "Nothing was decided.", blocks: [richText([section(words(`${text} `), link)])] };
}
