import assert from "node:assert/strict";
import { test } from "node:test";
import { noBrowser, openBrowser } from "../../support/browser.ts";
import { openRenderer, render } from "./renderer.ts";
import { sampleCards } from "./samples.ts";
import { Tenant } from "./tenant.ts";

const skip = noBrowser() ?? false;

test(
  "Microsoft's renderer understands every card, and draws of an agent's words nothing but letters",
  { skip },
  async () => {
    await using tenant = await Tenant.open();
    const cards = await sampleCards(tenant);
    await using browser = await openBrowser();
    const page = await browser.newPage();
    await openRenderer(page);
    const texts = new Map<string, string>();
    for (const [name, card] of cards) {
      const { text, events, buttons, foreign } = await render(page, card);
      assert.deepEqual(events, [], name);
      assert.deepEqual(foreign, [], name);
      texts.set(name, text);
      const expected = new Map([
        ["teams-waiting", ["Approve", "Deny", "Deny and say why", "Open"]],
        ["teams-denied", ["Open"]],
        ["teams-high", ["Open to approve", "Deny", "Deny and say why"]],
        ["teams-narrated", ["Open to approve", "Deny", "Deny and say why"]],
      ]);
      assert.deepEqual(buttons, expected.get(name), name);
    }
    assert.match(texts.get("teams-waiting") ?? "", /^Review: change the structure of …\n/);
    assert.match(texts.get("teams-denied") ?? "", /Bob Baptiste denied/);
    const narrated = texts.get("teams-narrated") ?? "";
    for (const literal of [
      "**Approved by security** {{DATE(2026-01-01T00:00:00Z, SHORT)}} [open](https://evil.example) <b>ok</b>",
      "safe \\u{202e}decorppa\\u{202c}\u{a0}\u{a0} раураl <at>Everyone</at> {{ time(2026-01-01T00:00:00Z)}}",
      "has Latin and Cyrillic letters that look like others",
    ]) {
      assert.equal(narrated.split(literal).length - 1, 2, `${literal} in ${narrated}`);
    }
  },
);

test("the reason of a denial is asked for below the card, and a dialog without one is not sent", { skip }, async () => {
  await using tenant = await Tenant.open();
  const card = (await sampleCards(tenant)).get("teams-waiting");
  assert.ok(card !== undefined);
  await using browser = await openBrowser();
  const page = await browser.newPage();
  await openRenderer(page);
  await render(page, card);
  await page.getByRole("button", { name: "Deny and say why" }).click();
  await page.getByRole("button", { name: "Deny with this reason" }).click();
  await page.getByText("Write a reason, or press Deny alone.").waitFor();
});
