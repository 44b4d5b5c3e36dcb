import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";

const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];
const PATIENCE_MS = 120_000;

/** The system's Chromium: what CHROMIUM names, or the usual places; null where there is none. */
export function findChromium(env: Readonly<Record<string, string | undefined>>): string | null {
  return [env["CHROMIUM"], ...PLACES].find((path) => path !== undefined && path !== "" && existsSync(path)) ?? null;
}

/** Prints a page of ours as PDF. It has no script and no link, and the browser gets a profile that is thrown away. */
export async function printPdf(chromium: string, page: string, pdf: string): Promise<void> {
  const profile = mkdtempSync(join(tmpdir(), "keyturn-print-"));
  const asRoot = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  try {
    await promisify(execFile)(
      chromium,
      [
        ...asRoot,
        "--headless",
        "--disable-gpu",
        "--disable-background-networking",
        "--no-first-run",
        `--user-data-dir=${profile}`,
        "--no-pdf-header-footer",
        "--generate-pdf-document-outline",
        `--print-to-pdf=${pdf}`,
        pathToFileURL(page).href,
      ],
      { timeout: PATIENCE_MS },
    );
  } finally {
    rmSync(profile, { recursive: true, force: true });
  }
}
