import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, BrowserContext, CDPSession, Page } from "playwright-core";
import { noOpenssl, PushServiceDouble } from "../channels/push/push-double.ts";
import { exportRows } from "../support/actions.ts";
import { axeFindings, noBrowser, openBrowser } from "../support/browser.ts";
import { hold, statusOf } from "../support/flow.ts";
import { House } from "../support/house.ts";
import { textAt } from "../support/json.ts";

const reason = noBrowser() ?? noOpenssl();
const inBrowser = { skip: reason ?? false };

let browser: Browser;
before(async () => {
  if (reason === null) browser = await openBrowser();
});
after(() => browser?.close());

type Shown = { readonly title: string; readonly body: string; readonly tag: string };

/** Hands a push to the worker as Chromium would that had it from its push service. */
async function deliver(cdp: CDPSession, origin: string, registrationId: string, data: string): Promise<void> {
  await cdp.send("ServiceWorker.deliverPushMessage", { origin, registrationId, data });
}

/** What of a worker's globals is used here; Node's types have none of them. */
type Registration = { getNotifications(): Promise<readonly Shown[]>; readonly scope: string };
type InPage = { readonly navigator: { readonly serviceWorker: { readonly ready: Promise<Registration> } } };
type InWorker = typeof globalThis & {
  readonly clients: { openWindow: (url: string) => Promise<null> };
  readonly registration: Registration;
  dispatchEvent(event: Event): boolean;
};

async function shown(page: Page): Promise<readonly Shown[]> {
  return page.evaluate(async () => {
    const registration = await (globalThis as typeof globalThis & InPage).navigator.serviceWorker.ready;
    return (await registration.getNotifications()).map(({ title, body, tag }) => ({ title, body, tag }));
  });
}

/** Waits for a notification. DevTools may lose a push to a worker that Chromium is just putting to sleep: it is said again. */
async function until(page: Page, title: string, again?: () => Promise<void>): Promise<readonly Shown[]> {
  for (let n = 1; n <= 500; n++) {
    const list = await shown(page);
    if (list.some((one) => one.title === title)) return list;
    await page.waitForTimeout(20);
    if (n % 100 === 0) await again?.();
  }
  assert.fail(`never shown: ${title}, but ${JSON.stringify(await shown(page))}`);
}

/** What a click on a notification opens. Only a person's own click may open a window, so that the opening is looked at. */
async function clicked(context: BrowserContext, tag: string): Promise<readonly string[]> {
  const [worker] = context.serviceWorkers();
  assert.ok(worker !== undefined);
  return worker.evaluate(async (wanted) => {
    const here = globalThis as InWorker;
    const opened: string[] = [];
    here.clients.openWindow = (url) => {
      opened.push(url);
      return Promise.resolve(null);
    };
    const notification = (await here.registration.getNotifications()).find((one) => one.tag === wanted);
    here.dispatchEvent(Object.assign(new Event("notificationclick"), { notification, waitUntil: () => {} }));
    for (let n = 0; n < 1000 && opened.length === 0; n++) await new Promise((resolve) => setTimeout(resolve, 10));
    return opened;
  }, tag);
}

async function signedIn(house: House, context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${house.url}/sign-in#code=${await house.code("ann")}`);
  await page.getByRole("button", { name: "Signed in as Ann Achterberg" }).waitFor();
  await page.goto(`${house.url}/accounts`);
  return page;
}

test(
  "Chromium registers the worker, which shows a push in our words alone and decides nothing",
  inBrowser,
  async () => {
    await using service = await PushServiceDouble.open();
    const push = { name: "push", contact: "mailto:ops@example.com", keyFile: null, services: [service.host] };
    const channel = { ...push, allowPrivate: ["localhost"], agents: [] };
    await using house = await House.open({
      notify: { giveUpAfterMs: 3_600_000, webhooks: [], mail: null, push: channel },
    });
    const context = await browser.newContext({ reducedMotion: "reduce" });
    await context.grantPermissions(["notifications"], { origin: house.url });
    const page = await signedIn(house, context);
    await page.getByRole("heading", { name: "Notifications" }).waitFor();
    assert.deepEqual(await axeFindings(page), []);

    const cdp = await context.newCDPSession(page);
    const registered = Promise.withResolvers<string>();
    cdp.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      const [one] = registrations;
      if (one !== undefined) registered.resolve(one.registrationId);
    });
    await cdp.send("ServiceWorker.enable");
    // Subscribing asks the browser vendor's service, which a test cannot reach: the button gets as far as the worker.
    await page.getByRole("button", { name: "Notify me in this browser" }).click();
    const id = await registered.promise;
    const scope = await page.evaluate(async () => {
      const here = globalThis as typeof globalThis & InPage;
      return (await here.navigator.serviceWorker.ready).scope;
    });
    assert.equal(scope, `${house.url}/`);
    const script = await fetch(`${house.url}/push-worker.js`);
    assert.match(script.headers.get("content-security-policy") ?? "", /^default-src 'self'; script-src 'self';/);
    assert.equal(script.headers.get("cache-control"), "no-cache");

    const held = await hold(await house.gate(), exportRows(12_000));
    const own = service.browser("ann");
    const ann = await house.person("ann");
    await ann.post("/v1/me/push", own.subscription);
    const other = await hold(await house.gate(), exportRows(13_000));
    // What the server really pushes, as the browser decrypts it.
    await deliver(cdp, house.url, id, JSON.stringify(await own.read(1)));
    const { body: view } = await ann.get(`/v1/requests/${other.id}`);
    const [first] = await until(page, `A request waits for you (${textAt(view, "risk", "level")} risk)`);
    assert.deepEqual([first?.tag, first?.body], [other.id, other.id]);
    const say = async (message: object): Promise<void> => deliver(cdp, house.url, id, JSON.stringify(message));
    await say({ kind: "over", request: other.id, level: "high", status: "approved" });
    assert.equal((await until(page, "No longer waiting: approved")).length, 1, "it takes the place of the first");
    assert.deepEqual(await clicked(context, other.id), [`${house.url}/requests/${other.id}`]);
    const forged = (): Promise<void> =>
      say({ kind: "waits", request: "https://evil.example", level: "<b>none</b>", status: "x", title: "evil" });
    await forged();
    const texts = JSON.stringify(await until(page, "A request waits for you", forged));
    assert.doesNotMatch(texts, /evil|<b>/);
    assert.deepEqual(await clicked(context, "keyturn"), [`${house.url}/`]);
    await deliver(cdp, house.url, id, "no JSON");
    for (const { id: request } of [held, other]) {
      assert.equal(await statusOf(await house.gate(), { ...held, id: request }), "pending");
    }
    await context.close();
  },
);
