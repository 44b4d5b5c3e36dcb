import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, chownSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A PostgreSQL of our own: in a folder of its own, on loopback, gone at the end. */
export type Postgres = {
  readonly port: number;
  /** The folder of the cluster. */
  readonly data: string;
  /** For the superuser, or another role, who all need no password. */
  readonly url: (role?: string, port?: number) => string;
  /** Ends it at once, as a crash would: nothing is flushed, no session hears a word. */
  readonly crash: (signal: "SIGQUIT" | "SIGKILL") => Promise<void>;
  /** Brings it back, on the same port and data. */
  readonly start: () => Promise<void>;
  /** Sends a signal to all of its processes. */
  readonly signal: (signal: "SIGSTOP" | "SIGCONT") => void;
  readonly stop: () => Promise<void>;
};

/** SQLSTATE of the first error, or null; and the first rows of text. */
export type Answer = { readonly code: string | null; readonly rows: () => readonly (readonly string[])[] };

/** A session that speaks the simple query protocol, so that a text reaches the server as it is, all its statements at once. */
export type Session = {
  readonly ask: (sql: string) => Promise<Answer>;
  /** Sends all texts before it waits for the first answer. */
  readonly askAll: (texts: readonly string[]) => Promise<readonly Answer[]>;
  readonly close: () => void;
};

/** Where Debian keeps the servers; the newest comes last. */
const HOMES = "/usr/lib/postgresql";
const START_TRIES = 100;
const START_WAIT_MS = 100;
const ROWS_KEPT_MAX = 10_000;

/** The folder with `initdb` and `postgres`, or null where PostgreSQL is not installed. */
export function findPostgres(): string | null {
  const versions = existsSync(HOMES) ? readdirSync(HOMES).toSorted((a, b) => Number(a) - Number(b)) : [];
  return (
    versions.map((version) => join(HOMES, version, "bin")).findLast((bin) => existsSync(join(bin, "initdb"))) ?? null
  );
}

/** For tests that try statements: fast, because nothing in it is to survive. */
const FLEETING: readonly string[] = ["fsync=off", "autovacuum=off", "statement_timeout=250ms"];

/**
 * Starts a server as a plain user: PostgreSQL refuses to run as root. Its cluster is a new one, or the copy of a server that
 * listens on the port `copyOf`, which it then follows until it is promoted.
 */
export async function startPostgres(
  bin: string,
  settings: readonly string[] = FLEETING,
  copyOf: number | null = null,
): Promise<Postgres> {
  const user = process.getuid?.() === 0 ? plainUser() : undefined;
  const folder = mkdtempSync(join(tmpdir(), "keyturn-pg-"));
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, "data");
  const options = { ...user, cwd: folder, env: { LC_ALL: "C", PATH: process.env["PATH"] ?? "" } };
  if (copyOf === null)
    await run(join(bin, "initdb"), ["-D", data, "-U", "kt", "-A", "trust", "-E", "UTF8", "--no-sync"], options);
  else {
    const from = ["-h", "127.0.0.1", "-p", String(copyOf), "-U", "kt"];
    await run(
      join(bin, "pg_basebackup"),
      ["-D", data, "-R", "-X", "stream", "-c", "fast", "--no-sync", ...from],
      options,
    );
  }
  const port = await freePort();
  const all = [...settings, "listen_addresses=127.0.0.1", "unix_socket_directories="];
  const args = ["-D", data, "-p", String(port), ...all.flatMap((setting) => ["-c", setting])];
  let server: ChildProcess | null = null;
  const start = async (): Promise<void> => {
    for (let tries = 0; tries < START_TRIES; tries += 1) {
      // Children of a killed server may hold its memory for a moment: then the new one ends, and is tried again.
      if (server === null || server.exitCode !== null || server.signalCode !== null) {
        server = spawn(join(bin, "postgres"), args, { ...options, stdio: "ignore" });
      }
      try {
        return (await openSession(port)).close();
      } catch {
        await sleep(START_WAIT_MS);
      }
    }
    throw new Error("PostgreSQL did not start.");
  };
  const endWith = async (signal: NodeJS.Signals): Promise<void> => {
    if (server !== null) await end(server, signal);
    server = null;
  };
  const stop = async (): Promise<void> => {
    await endWith("SIGINT"); // fast shutdown: sessions are ended
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    port,
    data,
    url: (role = "kt", at = port) => `postgres://${role}@127.0.0.1:${at}/postgres`,
    crash: endWith,
    start,
    signal: (signal) => {
      for (const pid of familyOf(server?.pid)) process.kill(pid, signal);
    },
    stop,
  };
}

/** A process and its children. */
function familyOf(pid: number | undefined): readonly number[] {
  if (pid === undefined) return [];
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  return [pid, ...children];
}

async function end(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const gone = once(server, "exit");
  server.kill(signal);
  await gone;
}

function plainUser(): { readonly uid: number; readonly gid: number } {
  const entries = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  const entry = entries.find(([name]) => name === "postgres") ?? entries.find(([name]) => name === "nobody");
  return { uid: Number(entry?.[2] ?? 65_534), gid: Number(entry?.[3] ?? 65_534) };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("No port is free.");
  return address.port;
}

/** Opens a session, as the superuser of the temporary server unless told otherwise. */
export async function openSession(port: number, role: string = "kt", database: string = "postgres"): Promise<Session> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.setNoDelay(true);
  const messages = reader(socket);
  const startup = Buffer.from(`\0\x03\0\0user\0${role}\0database\0${database}\0\0`, "latin1");
  socket.write(Buffer.concat([length(startup.length + 4), startup]));
  await untilReady(socket, messages);
  const askAll = async (texts: readonly string[]): Promise<readonly Answer[]> => {
    const queries = texts.flatMap((sql) => {
      const body = Buffer.from(`${sql}\0`);
      return [Buffer.from("Q"), length(body.length + 4), body];
    });
    socket.write(Buffer.concat(queries));
    const answers: Answer[] = [];
    for (const _ of texts) answers.push(await untilReady(socket, messages));
    return answers;
  };
  return {
    ask: async (sql) => (await askAll([sql]))[0] ?? { code: null, rows: () => [] },
    askAll,
    close: () => socket.destroy(),
  };
}

type Message = { readonly type: string; readonly body: Buffer };

/** Frontend and backend messages: protocol-message-formats in PostgreSQL's documentation. */
async function untilReady(socket: Socket, messages: AsyncIterator<Message>): Promise<Answer> {
  let code: string | null = null;
  const rows: Buffer[] = [];
  for (;;) {
    const next = await messages.next();
    if (next.done === true) throw new Error("The server closed the session.");
    const { type, body } = next.value;
    if (type === "Z") return { code, rows: () => rows.map(columns) };
    if (type === "E") code ??= field(body, "C");
    if (type === "D" && rows.length < ROWS_KEPT_MAX) rows.push(body);
    if (type === "G") socket.write(Buffer.concat([Buffer.from("f"), length(6), Buffer.from("x\0")])); // CopyFail
  }
}

async function* reader(socket: Socket): AsyncGenerator<Message, void, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of socket) {
    if (!Buffer.isBuffer(chunk)) continue;
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= 5 && rest.length > rest.readUInt32BE(1)) {
      const end = 1 + rest.readUInt32BE(1);
      yield { type: String.fromCharCode(rest[0] ?? 0), body: rest.subarray(5, end) };
      rest = rest.subarray(end);
    }
  }
}

function field(body: Buffer, wanted: string): string {
  const found = body
    .toString()
    .split("\0")
    .find((part) => part.startsWith(wanted));
  return found?.slice(1) ?? "";
}

function columns(body: Buffer): string[] {
  const found: string[] = [];
  let at = 2;
  while (at < body.length) {
    const size = body.readInt32BE(at);
    found.push(size < 0 ? "" : body.subarray(at + 4, at + 4 + size).toString());
    at += 4 + Math.max(0, size);
  }
  return found;
}

function length(bytes: number): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(bytes);
  return prefix;
}
