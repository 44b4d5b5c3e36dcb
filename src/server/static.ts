import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".webmanifest": "application/manifest+json",
};

const CSP =
  "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'";

/** Paths that the console's router knows; each gets the same page. */
const PAGES = ["/", "/sign-in", "/sign-in/:provider", "/accounts", "/passkeys", "/requests/:id"];

/** The built console: beside the sources in a clone, inside the package once published. */
export function consoleFolder(): string | null {
  const places = ["../console/", "../../console/dist/"].map((place) => fileURLToPath(new URL(place, import.meta.url)));
  return places.find((place) => existsSync(join(place, "index.html"))) ?? null;
}

/** Answers with the console's own page that there is nothing here; false where it is no browser that looks. */
type NotFoundPage = (request: FastifyRequest, reply: FastifyReply) => boolean;

/**
 * Serves the console from memory: what was not read at the start does not exist, so no path can lead out. Answers how a
 * person is told of an address that is none; programs, which do not ask for a page, are told by the caller.
 */
export function serveConsole(app: FastifyInstance, folder: string): NotFoundPage {
  const files = new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => {
        const path = join(entry.parentPath, entry.name);
        return [`/${relative(folder, path).split(sep).join("/")}`, readFileSync(path)] as const;
      }),
  );
  const index = files.get("/index.html");
  for (const url of PAGES) {
    app.get(url, (_request, reply) => reply.headers(headersOf(".html", false)).send(index));
  }
  for (const [url, bytes] of files) {
    if (url !== "/index.html")
      app.get(url, (_request, reply) => reply.headers(headersOf(extname(url), url.startsWith("/assets/"))).send(bytes));
  }
  return (request, reply) => {
    if (index === undefined || !wantsPage(request)) return false;
    void reply
      .code(404)
      .headers({ ...headersOf(".html", false), vary: "accept" })
      .send(index);
    return true;
  };
}

/** Whether a person followed a link: browsers name HTML when they open a page, and nothing that speaks JSON does. */
function wantsPage({ method, headers }: FastifyRequest): boolean {
  if (method !== "GET" && method !== "HEAD") return false;
  const types = (headers.accept ?? "").split(",").map((one) => one.trim().toLowerCase());
  return types.some((type) => /^text\/html\s*(?:;|$)/.test(type) && !/;\s*q=0(?:\.0*)?$/.test(type));
}

function headersOf(extension: string, hashed: boolean): Record<string, string> {
  return {
    "content-type": TYPES[extension] ?? "application/octet-stream",
    "content-security-policy": CSP,
    "referrer-policy": "no-referrer",
    "cache-control": hashed ? "public, max-age=31536000, immutable" : "no-cache",
  };
}
