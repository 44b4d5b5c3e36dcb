/** Makes docs/pictures/teams-*.png anew: our cards, drawn by Microsoft's renderer in a real browser. */
import { fileURLToPath } from "node:url";
import { openRenderer, render } from "../test/channels/teams/renderer.ts";
import { sampleCards } from "../test/channels/teams/samples.ts";
import { Tenant } from "../test/channels/teams/tenant.ts";
import { openBrowser } from "../test/support/browser.ts";

await using tenant = await Tenant.open();
const cards = await sampleCards(tenant);
await using browser = await openBrowser();
const page = await browser.newPage({ viewport: { width: 780, height: 400 }, deviceScaleFactor: 2 });
await openRenderer(page);
for (const [name, card] of cards) {
  await render(page, card);
  const path = fileURLToPath(new URL(`../docs/pictures/${name}.png`, import.meta.url));
  await page.locator("#card").screenshot({ path });
}
