import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import type { AdaptiveCard } from "../../../src/channels/teams/elements.ts";

const LIBRARY = readFileSync(createRequire(import.meta.url).resolve("adaptivecards/dist/adaptivecards.min.js"), "utf8");

const FONT = {
  fontFamily: "'Segoe UI', 'DejaVu Sans', sans-serif",
  fontSizes: { small: 12, default: 14, medium: 16, large: 18, extraLarge: 24 },
  fontWeights: { lighter: 200, default: 400, bolder: 600 },
};
/** About what Teams looks like: its own host configuration is not published on npm. */
const HOST = {
  fontTypes: { default: FONT, monospace: { ...FONT, fontFamily: "'DejaVu Sans Mono', monospace" } },
  spacing: { small: 4, default: 10, medium: 14, large: 18, extraLarge: 24, padding: 10 },
  actions: { maxActions: 6, buttonSpacing: 8, actionsOrientation: "horizontal", actionAlignment: "left" },
  containerStyles: { emphasis: { backgroundColor: "#f0f0f4" }, warning: { backgroundColor: "#fff4d6" } },
};
const STYLE = `
  body { margin: 16px; background: #f5f5f5; font-family: 'Segoe UI', 'DejaVu Sans', sans-serif }
  #card { width: 720px; background: #fff; border-radius: 6px; box-shadow: 0 1px 4px #0003; padding: 6px }
  .ac-pushButton { border: 1px solid #c7c7d1; background: #fff; border-radius: 4px; padding: 6px 12px; font: 600 14px sans-serif }
  .style-positive { background: #4f52b2; color: #fff; border-color: #4f52b2 }
  .style-destructive { color: #b3261e; border-color: #b3261e }
  .ac-textRun { overflow-wrap: anywhere } textarea { width: 100%; box-sizing: border-box; min-height: 60px }
`;

/** What Microsoft's renderer made of a card. */
export type Rendered = {
  readonly text: string;
  /** What it did not understand of it, and what it would not draw. */
  readonly events: readonly string[];
  readonly buttons: readonly string[];
  /** Elements that a card of ours never has. */
  readonly foreign: readonly string[];
};

/** Opens a page with the renderer; nothing is fetched from anywhere. */
export async function openRenderer(page: Page): Promise<void> {
  await page.route("**/*", (route) => route.abort());
  await page.setContent(`<style>${STYLE}</style><div id="card"></div>`);
  await page.addScriptTag({ content: LIBRARY });
}

type Event = { readonly message: string };
/** What of the browser's own is used here. */
type Drawn = {
  readonly innerText: string;
  readonly outerHTML: string;
  querySelectorAll(selector: string): Iterable<Drawn>;
  replaceChildren(child: Drawn): void;
};
type Library = {
  AdaptiveCard: new () => {
    hostConfig: unknown;
    parse(json: unknown, context: unknown): void;
    validateProperties(): { validationEvents: readonly Event[] };
    render(): Drawn;
  };
  HostConfig: new (json: unknown) => unknown;
  SerializationContext: new () => { readonly eventCount: number; getEventAt(index: number): Event };
};

/** Draws a card into the page. */
export async function render(page: Page, card: AdaptiveCard): Promise<Rendered> {
  return page.evaluate(
    ({ json, host }) => {
      const { AdaptiveCards: library, document } = globalThis as typeof globalThis & {
        AdaptiveCards: Library;
        document: { querySelector(selector: string): Drawn | null };
      };
      const drawn = new library.AdaptiveCard();
      drawn.hostConfig = new library.HostConfig(host);
      const context = new library.SerializationContext();
      drawn.parse(json, context);
      const parsing = Array.from({ length: context.eventCount }, (_, index) => context.getEventAt(index).message);
      const events = [...parsing, ...drawn.validateProperties().validationEvents.map(({ message }) => message)];
      const place = document.querySelector("#card");
      if (place === null) throw new Error("no place for the card");
      const element = drawn.render();
      place.replaceChildren(element);
      const foreign = [...element.querySelectorAll("a, img, script, iframe, b, video")].map(
        ({ outerHTML }) => outerHTML,
      );
      return {
        text: element.innerText,
        events,
        buttons: [...element.querySelectorAll("button")].map(({ innerText }) => innerText),
        foreign,
      };
    },
    { json: card, host: HOST },
  );
}
