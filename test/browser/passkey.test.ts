import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, BrowserContext, CDPSession, Page, Route } from "playwright-core";
import type { JsonObject } from "../../src/core/action/index.ts";
import { exportRows } from "../support/actions.ts";
import { axeFindings, noBrowser, openBrowser } from "../support/browser.ts";
import { hold, statusOf, type Held } from "../support/flow.ts";
import { House, type Client } from "../support/house.ts";
import { edited, POLICIES } from "../support/rules.ts";

const reason = noBrowser();
const inBrowser = { skip: reason ?? false };
const SIGNED = edited(
  POLICIES,
  '@approvers("data-owners") @expires("1h")',
  '@approvers("data-owners") @expires("1h") @assurance("passkey")',
);

let house: House;
let browser: Browser;
let gate: Client;
let context: BrowserContext;
let page: Page;
let devices: CDPSession;
let device: string;
let rows = 9_000;
const errors: string[] = [];

/** The console under the name that passkeys work under. */
const named = (path: string): string => `http://localhost:${new URL(house.url).port}${path}`;

before(async () => {
  if (reason !== null) return;
  house = await House.open({ policies: SIGNED });
  gate = await house.gate();
  browser = await openBrowser();
  context = await browser.newContext({ reducedMotion: "reduce" });
  page = await context.newPage();
  page.on("pageerror", (error) => void errors.push(String(error)));
  devices = await context.newCDPSession(page);
  await devices.send("WebAuthn.enable");
  device = await plugIn(true);
  await page.goto(named(`/sign-in#code=${await house.code("ann")}`));
  await page.getByRole("heading", { name: "Inbox" }).waitFor();
});
after(async () => {
  await browser?.close();
  await house?.[Symbol.asyncDispose]();
});

/** A device of Chromium's own, with a finger on it or without. */
async function plugIn(isUserVerified: boolean, transport: "internal" | "usb" = "internal"): Promise<string> {
  const { authenticatorId } = await devices.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport,
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified,
      automaticPresenceSimulation: true,
    },
  });
  return authenticatorId;
}

/** Another held action, open on the page. */
async function opened(): Promise<Held> {
  const held = await hold(gate, exportRows(rows++));
  await page.goto(named(`/requests/${held.id}`));
  await page.getByText("your passkey signs exactly this").waitFor();
  return held;
}

const approve = (): Promise<void> => page.getByRole("button", { name: "Approve" }).click();

/** Changes what the page sends, or what the server answers it, once. */
async function meddle(path: RegExp, with_: (route: Route) => Promise<void>, work: () => Promise<void>): Promise<void> {
  await page.route(path, with_, { times: 1 });
  await work();
  await page.unroute(path);
}

function sent(route: Route): JsonObject {
  return route.request().postDataJSON() as JsonObject;
}

test("a person enrols a passkey in the console, and approves with it what a click cannot", inBrowser, async () => {
  await page.goto(named("/passkeys"));
  await page.getByText("You have none yet").waitFor();
  assert.deepEqual(await axeFindings(page), [], "the page is accessible");
  await page.getByRole("button", { name: "Enrol a passkey" }).click();
  await page.getByText("Your passkey is enrolled").first().waitFor();
  await page.getByText("never leaves its device").waitFor();
  assert.equal((await house.operator.get("/v1/people/ann")).text.match(/"synced":false/g)?.length, 1);

  const held = await opened();
  assert.deepEqual(await axeFindings(page), [], "the request page is accessible");
  await approve();
  await page.getByText("Approved").first().waitFor();
  assert.equal(await statusOf(gate, held), "approved");
  const recorded = (await house.entries()).findLast(({ type }) => type === "review.recorded");
  assert.equal(recorded?.publics["assurance"], "A3");
  assert.deepEqual(errors, []);
});

test("approver.claimed: what is sent instead of what was signed is refused", inBrowser, async () => {
  const refusals: readonly (readonly [string, (body: JsonObject, other: Held) => JsonObject])[] = [
    ["another verdict", (body) => ({ ...body, verdict: "deny" })],
    ["another action", (body, other) => ({ ...body, digest: other.digest })],
    ["another nonce", (body) => ({ ...body, nonce: "12345678-1234" })],
  ];
  const other = await hold(gate, exportRows(rows++));
  for (const [what, swap] of refusals) {
    const held = await opened();
    await meddle(
      /\/reviews$/,
      (route) => route.continue({ postData: swap(sent(route), other) }),
      async () => {
        await approve();
        await page.getByRole("alert").first().waitFor();
      },
    );
    assert.equal(await statusOf(gate, held), "pending", what);
  }
});

test(
  "approver.claimed: the browser signs only what is on the screen, whatever the server asks for",
  inBrowser,
  async () => {
    const held = await opened();
    const other = await hold(gate, exportRows(rows++));
    const swap = async (route: Route): Promise<void> => {
      const response = await route.fetch();
      const body = (await response.json()) as { statement: JsonObject };
      await route.fulfill({ response, json: { ...body, statement: { ...body.statement, digest: other.digest } } });
    };
    await meddle(/\/challenge$/, swap, async () => {
      await approve();
      await page.getByText("The server asked to sign something else than what is shown").waitFor();
    });
    assert.equal(await statusOf(gate, held), "pending");
  },
);

test("approver.claimed: a signature that was sent once is not taken again for another request", inBrowser, async () => {
  const held = await opened();
  let kept: JsonObject = {};
  const keep = async (route: Route): Promise<void> => {
    kept = sent(route);
    await route.continue();
  };
  await meddle(/\/reviews$/, keep, async () => {
    await approve();
    await page.getByText("Approved").first().waitFor();
  });
  assert.equal(await statusOf(gate, held), "approved");
  const next = await opened();
  const replay = (route: Route): Promise<void> =>
    route.continue({ postData: { ...sent(route), assertion: kept["assertion"] } });
  await meddle(/\/reviews$/, replay, async () => {
    await approve();
    await page.getByRole("alert").first().waitFor();
  });
  assert.equal(await statusOf(gate, next), "pending");
});

test("approver.claimed: a device that verifies nobody signs nothing", inBrowser, async () => {
  const held = await opened();
  await devices.send("WebAuthn.setUserVerified", { authenticatorId: device, isUserVerified: false });
  await approve();
  await page.getByText("Your passkey did not answer, or you cancelled").waitFor({ timeout: 15_000 });
  assert.equal(await statusOf(gate, held), "pending");
  await devices.send("WebAuthn.setUserVerified", { authenticatorId: device, isUserVerified: true });
  await approve();
  await page.getByText("Approved").first().waitFor();
});

test("a second device is vouched for by the first", inBrowser, async () => {
  await page.goto(named("/passkeys"));
  await page.getByText("never leaves its device").waitFor();
  const second = await plugIn(true, "usb");
  const touch = (authenticatorId: string, enabled: boolean): Promise<unknown> =>
    devices.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled });
  // The second one is touched to make the key, and then the first one to sign for it: between the two, fingers move.
  await touch(device, false);
  devices.once("WebAuthn.credentialAdded", () => void touch(second, false).then(() => touch(device, true)));
  await page.evaluate(`{
    const get = navigator.credentials.get.bind(navigator.credentials);
    navigator.credentials.get = async (options) => {
      await new Promise((resolve) => setTimeout(resolve, 500));
      return get(options);
    };
  }`);
  const sent = page.waitForRequest((request) => request.method() === "POST" && request.url().endsWith("/me/passkeys"));
  await page.getByRole("button", { name: "Enrol a passkey" }).click();
  const body = (await sent).postDataJSON() as { vouch?: { credential: string }; credential: string };
  assert.ok(body.vouch !== undefined && body.vouch.credential !== body.credential, "the first device signed");
  await page.getByText("Your passkey is enrolled").first().waitFor();
  await page.getByRole("button", { name: `Revoke the passkey ${body.credential}` }).click();
  await page.getByRole("button", { name: `Really revoke the passkey ${body.credential}` }).click();
  await page.getByText("The passkey is revoked").first().waitFor();
  await devices.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId: second });
});

test("a passkey that is revoked on its page signs no more", inBrowser, async () => {
  await page.goto(named("/passkeys"));
  await page.getByRole("button", { name: /^Revoke the passkey/ }).click();
  await page.getByRole("button", { name: /^Really revoke the passkey/ }).click();
  await page.getByText("You have none yet").waitFor();
  const held = await hold(gate, exportRows(rows++));
  await page.goto(named(`/requests/${held.id}`));
  await page.getByText(/enrol a passkey in the console first/).waitFor();
  assert.deepEqual(errors, []);
});
