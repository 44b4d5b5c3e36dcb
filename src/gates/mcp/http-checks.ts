import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Message } from "./jsonrpc.ts";
import { paramsOf } from "./jsonrpc.ts";
import type { Headers } from "./upstream.ts";

/** Names that a browser reaches this machine by, whatever a DNS server says. */
const LOOPBACK: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

export type Places = {
  /** Names, without ports, that the listener answers to. */
  readonly hosts: ReadonlySet<string>;
  /** Pages whose scripts may call it. */
  readonly origins: ReadonlySet<string>;
  /** Whether only this machine reaches it. */
  readonly loopback: boolean;
};

/**
 * Against DNS rebinding: a page whose name suddenly means this machine sends its own name. Null when all is well, else
 * what is wrong.
 */
export function placeProblem({ headers }: IncomingMessage, { hosts, origins, loopback }: Places): string | null {
  const { host = "", origin } = headers;
  if (!isKnown(host, hosts, loopback)) return "this gateway does not answer to that Host";
  if (origin === undefined || origins.has(origin)) return null;
  const { protocol, host: named } = URL.parse(origin) ?? { protocol: "", host: "" };
  const local = loopback && (protocol === "http:" || protocol === "https:") && LOOPBACK.has(nameOf(named));
  return local ? null : "pages of that Origin may not call this gateway";
}

function isKnown(host: string, hosts: ReadonlySet<string>, loopback: boolean): boolean {
  const name = nameOf(host);
  return hosts.has(name) || (loopback && LOOPBACK.has(name));
}

/** A host without its port: `[::1]:80`, `localhost:80`. */
function nameOf(host: string): string {
  return host.toLowerCase().replace(/:\d{1,5}$/, "");
}

/** The SHA-256 of a credential, by which credentials are compared in constant time. */
export function fingerprintOf(credential: string): Buffer {
  return createHash("sha256").update(credential).digest();
}

/** The bearer of a request, or null. */
export function bearerOf({ headers }: IncomingMessage): Buffer | null {
  const found = /^Bearer ([!-~]{1,4096})$/i.exec(headers.authorization ?? "");
  return found?.[1] === undefined ? null : fingerprintOf(found[1]);
}

export function isSame(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** What of a client's headers an upstream gets: the protocol's own, and the trace. Credentials and cookies never. */
export function passedHeaders({ headers }: IncomingMessage): Headers {
  const passed = Object.entries(headers).flatMap(([name, value]): [string, string][] => {
    const known = (name.startsWith("mcp-") && name !== "mcp-session-id") || PASSED.has(name);
    return known && typeof value === "string" ? [[name, value]] : [];
  });
  return Object.fromEntries(passed);
}

const PASSED: ReadonlySet<string> = new Set(["last-event-id", "traceparent", "tracestate"]);

/** Which member of the parameters `Mcp-Name` repeats (SEP-2243). */
const NAMED: Readonly<Record<string, string>> = {
  "tools/call": "name",
  "prompts/get": "name",
  "resources/read": "uri",
  "tasks/get": "taskId",
  "tasks/update": "taskId",
  "tasks/cancel": "taskId",
};

/** Headers that say something else than the body would let two readers see two calls. Null when they agree. */
export function headerProblem({ headers }: IncomingMessage, message: Message): string | null {
  if (message.kind === "response") return null;
  const { method } = message.body;
  const said = single(headers["mcp-method"]);
  if (said !== undefined && said !== method)
    return `the Mcp-Method header says ${shown(said)}, the body ${shown(method)}`;
  const member = NAMED[method];
  const name = single(headers["mcp-name"]);
  if (member === undefined || name === undefined) return null;
  const value = paramsOf(message.body)[member];
  if (value === undefined || decoded(name) === value) return null;
  return `the Mcp-Name header says ${shown(name)}, the body something else`;
}

/** SEP-2243: what no header can hold is written `=?base64?…?=`. */
function decoded(value: string): string {
  const found = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/.exec(value.trim());
  return found?.[1] === undefined ? value.trim() : Buffer.from(found[1], "base64").toString("utf8");
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(", ") : value;
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 128));
}
