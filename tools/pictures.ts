/** Makes the pictures of the console in docs/pictures anew: the demo, a real server and a real browser. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { openBrowser } from "../test/support/browser.ts";

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

const data = mkdtempSync(join(tmpdir(), "keyturn-pictures-"));
const { demo, link } = await startDemo(data);
const browser = await openBrowser();
try {
  await take(browser, link);
} finally {
  await browser.close();
  demo.kill("SIGTERM");
  rmSync(data, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
