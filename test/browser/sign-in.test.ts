import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { axeFindings, noBrowser, openBrowser } from "../support/browser.ts";
import { houseWith } from "../support/providers.ts";
import { edited, POLICIES } from "../support/rules.ts";
import { exportRows } from "../support/actions.ts";
import { hold } from "../support/flow.ts";

const reason = noBrowser();
const inBrowser = { skip: reason ?? false };
const ANN = { email: "ann@example.com", name: "Ann Achterberg" };
const FRESH = edited(
  POLICIES,
  '@approvers("data-owners") @expires("1h")',
  '@approvers("data-owners") @expires("1h") @assurance("reauthenticate")',
);

let browser: Browser;
before(async () => {
  if (reason === null) browser = await openBrowser();
});
after(() => browser?.close());

async function openPage(errors: string[]): Promise<Page> {
  const page = await (await browser.newContext({ reducedMotion: "reduce" })).newPage();
  page.on("console", (message) => {
    // Not being signed in is an answer here, and no error.
    if (message.type() === "error" && !message.text().includes("401")) errors.push(message.text());
  });
  page.on("pageerror", (error) => void errors.push(String(error)));
  return page;
}

test(
  "a person links a login of Okta, signs in with it, and proves a decision by signing in anew",
  inBrowser,
  async () => {
    await using place = await houseWith("okta", [ANN], { policies: FRESH, provider: { label: "Okta" } });
    const { house } = place;
    const errors: string[] = [];
    const page = await openPage(errors);
    await page.goto(house.url);
    await page.getByRole("button", { name: "Sign in with Okta" }).click();
    await page.getByText(ANN.email).first().click();
    await page.getByRole("heading", { name: "A login waits to be yours" }).waitFor();
    assert.equal(page.url().includes("code="), false, "nothing of it stays in the address");
    assert.deepEqual(await axeFindings(page), []);

    await page.goto(`${house.url}/sign-in#code=${await house.code("ann")}`);
    await page.getByRole("heading", { name: "Is this login yours?" }).waitFor();
    await page.getByText("Whoever has this login will decide in your name").waitFor();
    assert.deepEqual(await axeFindings(page), []);
    await page.getByRole("button", { name: "Yes, it is mine" }).click();
    await page.getByText(place.idp.config.issuer).waitFor();

    await page.getByRole("button", { name: "Signed in as Ann Achterberg" }).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("button", { name: "Sign in with Okta" }).click();
    await page.getByText(ANN.email).first().click();
    await page.getByRole("button", { name: "Signed in as Ann Achterberg" }).waitFor();

    const held = await hold(await house.gate(), exportRows(7_000));
    await page.goto(`${house.url}/requests/${held.id}`);
    await page.getByText("To approve, you sign in anew").waitFor();
    await page.getByRole("button", { name: "Approve" }).click();
    await page.getByText(ANN.email).first().click();
    await page.waitForURL(`${house.url}/requests/${held.id}`);
    await page.getByText("Approved", { exact: false }).first().waitFor();
    const { body } = await house.operator.get(`/v1/requests/${held.id}`);
    assert.equal(body["status"], "approved");
    assert.deepEqual(errors, []);
    await page.context().close();
  },
);
