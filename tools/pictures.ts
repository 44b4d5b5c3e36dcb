/**
 * Makes the pictures of the console in docs/pictures anew: the demo, a real server and a real browser. With a folder,
 * `node tools/pictures.ts FOLDER`, it takes every page there instead, wide and narrow, light and dark, to be looked at.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { openBrowser } from "../test/support/browser.ts";
import { startFixture } from "./console-fixture.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const picture = (name: string): string => join(root, "docs/pictures", `${name}.png`);

const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 375, height: 740 };

/** Starts the demo and answers the one-time link once the agent is held. */
async function startDemo(data: string): Promise<{ demo: ChildProcess; link: string }> {
  const demo = spawn(
    process.execPath,
    [join(root, "src/cli/main.ts"), "demo", "--data", data, "--port", "0", "--json"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let link = "";
  let held = 0;
  for await (const line of createInterface({ input: demo.stdout })) {
    const event = JSON.parse(line) as { event: string; sign_in?: string; kind?: string };
    if (event.event === "ready") link = event.sign_in ?? "";
    if (event.kind === "held" && ++held === 3) break;
  }
  return { demo, link };
}

async function openPage(
  browser: Browser,
  link: string,
  viewport: typeof DESKTOP,
  colorScheme: "light" | "dark",
): Promise<Page> {
  const context = await browser.newContext({ viewport, colorScheme, reducedMotion: "reduce", deviceScaleFactor: 2 });
  const page = await context.newPage();
  await page.goto(link);
  await page.getByRole("link", { name: /Export customers/ }).waitFor();
  return page;
}

async function take(browser: Browser, link: string): Promise<void> {
  const page = await openPage(browser, link, DESKTOP, "light");
  await page.screenshot({ path: picture("console") });
  await page.getByRole("link", { name: /Export customers/ }).click();
  await page.getByRole("heading", { name: "Decision" }).waitFor();
  await page.screenshot({ path: picture("request") });
  await page.emulateMedia({ colorScheme: "dark" });
  await page.screenshot({ path: picture("request-dark") });
  await page.setViewportSize(PHONE);
  await page.emulateMedia({ colorScheme: "light" });
  await page.screenshot({ path: picture("request-phone") });
}

/** Every page, as it is before anything is decided and, of the double, as it is in every state of a request. */
async function takeAll(browser: Browser, link: string, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const page = await openPage(browser, link, DESKTOP, "light");
  const origin = new URL(link).origin;
  await takePages(page, folder, "demo", [
    ...["/", "/?show=decided", "/accounts", "/passkeys", "/requests/arq_unknown"].map((path) => origin + path),
    ...(await requestsOf(page)),
  ]);
  await page.context().clearCookies();
  await takePages(page, folder, "nobody", [`${origin}/`, `${origin}/sign-in#code=spent`]);
  const { server } = startFixture();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const double = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await page.goto(double);
  await page.getByRole("listitem").first().waitFor();
  await takePages(page, folder, "double", [`${double}/`, ...(await requestsOf(page))]);
  server.closeAllConnections();
  server.close();
}

async function requestsOf(page: Page): Promise<readonly string[]> {
  const links = await page.locator("main h3 a").all();
  return Promise.all(links.map(async (link) => new URL((await link.getAttribute("href")) ?? "/", page.url()).href));
}

async function takePages(page: Page, folder: string, of: string, urls: readonly string[]): Promise<void> {
  for (const [index, url] of urls.entries()) {
    await page.goto(url);
    await page.locator("h1").waitFor();
    for (const [size, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
      for (const colorScheme of ["light", "dark"] as const) {
        await page.setViewportSize(viewport);
        await page.emulateMedia({ colorScheme });
        await page.screenshot({ path: join(folder, `${of}-${index}-${size}-${colorScheme}.png`), fullPage: true });
      }
    }
  }
}

const [folder] = process.argv.slice(2);
const data = mkdtempSync(join(tmpdir(), "keyturn-pictures-"));
const { demo, link } = await startDemo(data);
const browser = await openBrowser();
try {
  await (folder === undefined ? take(browser, link) : takeAll(browser, link, folder));
} finally {
  await browser.close();
  demo.kill("SIGTERM");
  rmSync(data, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
