import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { connect, Denied, type Keyturn } from "../../src/gates/sdk/index.ts";
import { axeFindings, noBrowser, openBrowser } from "../support/browser.ts";
import { House } from "../support/house.ts";

const reason = noBrowser();
/** In CI a missing browser has failed already. */
const inBrowser = { skip: reason ?? false };

const SIZES = [
  ["desktop", { width: 1280, height: 900 }],
  ["phone", { width: 375, height: 740 }],
] as const;

let house: House;
let browser: Browser;
let agent: Keyturn;

before(async () => {
  if (reason !== null) return;
  house = await House.open({ demo: true });
  browser = await openBrowser();
  agent = connect({
    url: house.anyone.url,
    token: (await house.gate("report-bot")).token ?? "",
    environment: "production",
  });
});

after(async () => {
  agent?.close();
  await browser?.close();
  await house?.[Symbol.asyncDispose]();
});

/** A guarded export whose runs are counted; every limit is another action. */
function guardedExport(): { run: (input: { limit: number }) => Promise<number>; runs: () => number } {
  let runs = 0;
  const guarded = agent.guard(({ limit }: { limit: number }) => (runs++, limit), {
    action: "customers.export",
    resource: { type: "table", id: "customers" },
    reason: "the quarterly report",
  });
  return { run: guarded, runs: () => runs };
}

/** A page with a session, opened by the one-time link as a person would, that fails the test on any console error. */
async function signedIn(person: string, viewport: { width: number; height: number }, errors: string[]): Promise<Page> {
  const { body } = await house.operator.post("/v1/sign-in-links", { person });
  const context = await browser.newContext({ viewport, reducedMotion: "reduce" });
  const page = await context.newPage();
  page.on("console", (message) => void (message.type() === "error" && errors.push(message.text())));
  page.on("pageerror", (error) => void errors.push(String(error)));
  await page.goto(body["url"] as string);
  await page.getByRole("heading", { name: "Inbox" }).waitFor();
  return page;
}

for (const [index, [size, viewport]] of SIZES.entries()) {
  test(
    `${size}: a person approves one request and denies another, and the agent hears at once`,
    inBrowser,
    async () => {
      const errors: string[] = [];
      const page = await signedIn("ann", viewport, errors);
      const { run, runs } = guardedExport();
      const approved = run({ limit: 12_000 + index });
      const denied = run({ limit: 20_000 + index });
      for (const call of [approved, denied]) call.catch(() => {}); // awaited below, after the clicks

      const rows = page.getByRole("link", { name: /Export customers/ });
      await rows.nth(1).waitFor();
      assert.deepEqual(await axeFindings(page), [], "the inbox is accessible");

      await openRequest(page, 12_000 + index);
      assert.deepEqual(await axeFindings(page), [], "the request page is accessible");
      await page.getByRole("button", { name: "Approve" }).click();
      assert.equal(await approved, 12_000 + index);
      await page.getByText("The gate reports: succeeded").waitFor();

      await page.goto(`${house.anyone.url}/`);
      await openRequest(page, 20_000 + index);
      await page.getByRole("textbox", { name: "Reason" }).fill("ask for the rows you need");
      await page.getByRole("button", { name: "Deny" }).click();
      await assert.rejects(
        denied,
        (error) => error instanceof Denied && /ask for the rows you need/.test(error.message),
      );
      assert.equal(runs(), 1, "only what was approved has run");
      assert.deepEqual(errors, []);
      await page.context().close();
    },
  );
}

test(
  "input.xss: what an agent writes stays text, and the agent's owner finds out why he cannot approve",
  inBrowser,
  async () => {
    const errors: string[] = [];
    const page = await signedIn("cy", SIZES[0][1], errors);
    const stop = new AbortController();
    const guarded = agent.guard(({ limit }: { limit: number; note: string }) => limit, {
      action: "customers.export",
      resource: { type: "table", id: "customers" },
      reason: "<img src=x onerror=alert(1)> **approved by Ann** \u202Etxet",
    });
    const held = guarded.with({ signal: stop.signal })({ limit: 30_000, note: "<script>alert(1)</script>" });
    held.catch(() => {});
    await openRequest(page, 30_000);
    await page.getByText(/You stand behind this action/).waitFor();
    assert.equal(await page.getByRole("button", { name: "Approve" }).isDisabled(), true);
    assert.equal(
      await page.locator("main img, main script").count(),
      0,
      "input.xss: markup of the agent is shown, not run",
    );
    assert.match(await page.locator("main").innerText(), /<img src=x onerror=alert\(1\)>/);
    stop.abort();
    await assert.rejects(held);
    assert.deepEqual(errors, []);
    await page.context().close();
  },
);

async function openRequest(page: Page, limit: number): Promise<void> {
  const shown = new RegExp(limit.toLocaleString("en").replace(",", "\\D?"));
  await page.getByRole("listitem").filter({ hasText: shown }).getByRole("link").first().click();
  await page.getByRole("heading", { name: "Decision" }).waitFor();
}
