import { quoted } from "../../core/risk/index.ts";
import type { Findings } from "../../core/risk/index.ts";

/** Characters of a URL. */
const URL_CHARS_MAX = 8_192;

/** A URL that all parsers read alike: `plain` is false where some would not. */
export type PlainUrl = {
  readonly scheme: string;
  readonly host: string;
  readonly port: string;
  readonly path: string;
  readonly query: readonly string[];
  readonly plain: boolean;
};

/** Reads a URL; null when it is none, or none of HTTP. Says what is odd about it. */
export function parseUrl(written: string, found: Findings): PlainUrl | null {
  if (written.length > URL_CHARS_MAX || !URL.canParse(written)) {
    found.opaque(`It is no URL, or one of more than ${URL_CHARS_MAX} characters.`);
    return null;
  }
  const url = new URL(written);
  const odd = oddities(written, url);
  for (const reason of odd) {
    found.trait("obfuscated", reason);
    found.opaque(reason);
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    found.opaque(`${quoted(url.protocol)} is not HTTP.`);
    if (url.protocol === "file:") found.trait("file_access", "It names a file of the machine.");
    return null;
  }
  return {
    scheme: url.protocol.slice(0, -1),
    host: url.hostname,
    port: url.port,
    path: url.pathname,
    query: [...url.searchParams.keys()],
    plain: odd.length === 0,
  };
}

/** What different parsers read differently, or what hides where a request goes. */
function oddities(written: string, url: URL): string[] {
  const odd: string[] = [];
  const authority = /^[a-z]+:\/\/([^/?#]*)/.exec(written)?.[1];
  if (url.username !== "" || url.password !== "" || authority?.includes("@") === true) {
    odd.push("The URL holds a user name or a password before its host.");
  }
  if (authority === undefined || authority.replace(/:\d*$/, "") !== url.hostname) {
    odd.push("The host is written in another way than it is read.");
  }
  if (!/^[\x21-\x7e]*$/.test(written) || /[\\^`{|}<>"]/.test(written))
    odd.push("The URL holds characters that no URL has.");
  if (url.hostname.includes("xn--")) odd.push("The host has letters that look like others.");
  if (url.hostname.endsWith(".")) odd.push("The host ends in a dot.");
  const path = /^[a-z]+:\/\/[^/?#]*([^?#]*)/.exec(written)?.[1] ?? "";
  if (path !== url.pathname && !(path === "" && url.pathname === "/"))
    odd.push("The path is not written as it is read.");
  // Encoded separators, dots and double encodings are read as one segment here and as another one behind a proxy.
  if (/%(?:2f|5c|2e|00|25|0a|0d|3b|3f|23)|\/\/|;/i.test(url.pathname)) odd.push("The path hides separators or dots.");
  return odd;
}
