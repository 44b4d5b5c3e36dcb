import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium, type Browser, type Page } from "playwright-core";

/** Where Debian, and then others, keep a Chromium. Playwright's own download is not used. */
const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** Why there is no browser to test with, or null. In CI a missing browser is a failure, not a reason to skip. */
export function noBrowser(): string | null {
  if (executable() !== undefined) return null;
  if (process.env["CI"] !== undefined)
    throw new Error("CI has no Chromium: `.ci/run` installs Debian's package `chromium`");
  return "no Chromium on this machine: install it (Debian: apt-get install chromium) or set CHROMIUM to its path";
}

function executable(): string | undefined {
  return [process.env["CHROMIUM"], ...PLACES].find((path) => path !== undefined && path !== "" && existsSync(path));
}

export async function openBrowser(): Promise<Browser> {
  const path = executable();
  if (path === undefined) throw new Error("there is no Chromium");
  const root = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({
    executablePath: path,
    args: [...root, "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run"],
  });
}

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Violations that axe finds on the page as it stands, a line each. */
export async function axeFindings(page: Page): Promise<readonly string[]> {
  // Evaluated in an isolated way: the page's own policy allows no foreign script, and this is not the page's.
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    const { axe } = globalThis as typeof globalThis & {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    return (await axe.run()).violations.map((violation) => ({
      id: violation.id,
      html: violation.nodes[0]?.html ?? "",
    }));
  });
  return found.map(({ id, html }) => `${id}: ${html}`);
}
