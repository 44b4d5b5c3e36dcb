import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { Failure } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

/** One person's sign-in at one server. The session is a credential: the file is for its owner alone. */
export type StoredSession = { readonly person: string; readonly name: string; readonly session: string };

/** All sign-ins of this user, by the server's address; `current` is the latest. */
export type Sessions = { readonly current: string | null; readonly servers: Readonly<Record<string, StoredSession>> };

const NONE: Sessions = { current: null, servers: {} };

/** `$XDG_CONFIG_HOME/keyturn/session.json`, by default below `~/.config`. */
export function sessionPath(terminal: Terminal): string {
  const home = terminal.env["XDG_CONFIG_HOME"];
  // XDG base directory specification: a relative path is invalid and to be ignored.
  const base = home?.startsWith("/") === true ? home : join(terminal.env["HOME"] ?? homedir(), ".config");
  return join(base, "keyturn", "session.json");
}

/** Reads all sign-ins; none when the file is missing. */
export function sessions(terminal: Terminal): Sessions {
  const path = sessionPath(terminal);
  if (!existsSync(path)) return NONE;
  try {
    const given: unknown = JSON.parse(readFileSync(path, "utf8"));
    return isSessions(given) ? given : NONE;
  } catch (cause) {
    throw new Failure({
      code: "file_unreadable",
      message: `${path} cannot be read; \`keyturn sign-out\` removes it.`,
      cause,
    });
  }
}

/** The sign-in at one server, or null. */
export function sessionFor(url: string, terminal: Terminal): StoredSession | null {
  const { servers } = sessions(terminal);
  return Object.hasOwn(servers, url) ? (servers[url] ?? null) : null;
}

/** Keeps a sign-in and makes its server the current one. */
export function keepSession(url: string, session: StoredSession, terminal: Terminal): void {
  const { servers } = sessions(terminal);
  write({ current: url, servers: { ...servers, [url]: session } }, terminal);
}

/** Forgets the sign-in at one server, and the whole file with the last of them. */
export function dropSession(url: string, terminal: Terminal): void {
  const { current, servers } = sessions(terminal);
  const rest = Object.fromEntries(Object.entries(servers).filter(([server]) => server !== url));
  if (Object.keys(rest).length === 0) forgetAll(terminal);
  else write({ current: current === url ? null : current, servers: rest }, terminal);
}

/** Removes the file, readable or not. */
export function forgetAll(terminal: Terminal): void {
  rmSync(sessionPath(terminal), { force: true });
}

function write(content: Sessions, terminal: Terminal): void {
  const path = sessionPath(terminal);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // Written aside and renamed: never half a file, and never one that others could open meanwhile.
  const aside = `${path}.${process.pid}`;
  writeFileSync(aside, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  chmodSync(aside, 0o600);
  renameSync(aside, path);
}

function isSessions(given: unknown): given is Sessions {
  if (typeof given !== "object" || given === null || !("current" in given) || !("servers" in given)) return false;
  const { current, servers } = given;
  if ((current !== null && typeof current !== "string") || typeof servers !== "object" || servers === null)
    return false;
  return Object.values(servers).every(isStored);
}

function isStored(given: unknown): given is StoredSession {
  if (typeof given !== "object" || given === null) return false;
  return ["person", "name", "session"].every((name) => typeof Reflect.get(given, name) === "string");
}
