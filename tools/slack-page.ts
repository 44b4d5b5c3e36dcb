import { jsonText } from "../src/core/action/index.ts";
import type { Json, JsonObject } from "../src/core/action/index.ts";

/**
 * A message's blocks as a page: near enough to how Slack draws them to see what stands where. It follows Slack's reference of
 * rich text, in which only what is marked as code, bold or a link is drawn so, and no text is parsed.
 */
export function slackPage(messages: readonly { readonly blocks: Json; readonly thread: boolean }[]): string {
  const drawn = messages.map(
    ({ blocks, thread }) =>
      `<article class="${thread ? "reply" : ""}"><b class="app">Keyturn</b> <i>APP</i>${many(blocks)}</article>`,
  );
  return `<!doctype html><meta charset="utf-8"><title>Slack</title><style>${STYLE}</style><main>${drawn.join("")}</main>`;
}

function many(value: Json | undefined): string {
  return Array.isArray(value)
    ? value
        .map((one: Json) => one as JsonObject)
        .map(draw)
        .join("")
    : "";
}

function draw(one: JsonObject): string {
  const inner = (): string => many(one["elements"]);
  switch (one["type"]) {
    case "header":
      return `<h3>${plain(one["text"])}</h3>`;
    case "rich_text":
      return `<div class="rich">${inner()}</div>`;
    case "rich_text_section":
      return `<div>${inner()}</div>`;
    case "rich_text_list":
      return `<ul>${((one["elements"] ?? []) as readonly JsonObject[]).map((item) => `<li>${draw(item)}</li>`).join("")}</ul>`;
    case "rich_text_preformatted":
      return `<pre>${inner()}</pre>`;
    case "text":
      return styled(one);
    case "link":
      return `<a>${escape(jsonText(one["text"]))}</a>`;
    case "actions":
      return `<div class="actions">${inner()}</div>`;
    case "button":
      return `<button class="${escape(jsonText(one["style"] ?? ""))}">${plain(one["text"])}</button>`;
    case "divider":
      return "<hr>";
    default:
      throw new Error(`a block that nobody can draw: ${jsonText(one["type"])}`);
  }
}

function styled(one: JsonObject): string {
  const style = (one["style"] ?? {}) as JsonObject;
  let html = escape(jsonText(one["text"])).replaceAll("\n", "<br>");
  if (style["code"] === true) html = `<code>${html}</code>`;
  if (style["bold"] === true) html = `<strong>${html}</strong>`;
  if (style["italic"] === true) html = `<em>${html}</em>`;
  return html;
}

function plain(text: Json | undefined): string {
  return escape(jsonText((text as JsonObject)["text"]));
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

const STYLE = `
body { margin: 0; font: 15px/1.46 Lato, "Helvetica Neue", Arial, sans-serif; color: #1d1c1d; background: #fff }
main { padding: 16px 20px; max-width: 660px }
article { margin-bottom: 14px } article.reply { margin-left: 28px; border-left: 3px solid #ddd; padding-left: 12px }
i { font: 10px Arial; background: #ddd; border-radius: 2px; padding: 1px 3px; color: #454245 }
h3 { font-size: 18px; margin: 6px 0 8px } .rich { margin: 6px 0 }
ul { margin: 2px 0; padding-left: 22px }
code { font: 12px Menlo, Consolas, "DejaVu Sans Mono", monospace; color: #e01e5a; background: #f8f8f8; border: 1px solid #ddd; border-radius: 3px; padding: 2px 3px; overflow-wrap: anywhere }
pre { font: 12px/1.5 Menlo, Consolas, "DejaVu Sans Mono", monospace; background: #f8f8f8; border: 1px solid #ddd; border-radius: 4px; padding: 8px; margin: 4px 0; white-space: pre-wrap; overflow-wrap: anywhere }
.actions { display: flex; gap: 8px; margin-top: 8px; flex-wrap: wrap }
button { font: bold 13px Lato, Arial, sans-serif; padding: 6px 12px; border: 1px solid #bbb; border-radius: 4px; background: #fff; color: #1d1c1d }
button.primary { background: #007a5a; border-color: #007a5a; color: #fff } button.danger { background: #fff; border-color: #e01e5a; color: #e01e5a }
a { color: #1264a3; text-decoration: underline }`;
