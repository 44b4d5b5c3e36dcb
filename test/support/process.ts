import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Client } from "./house.ts";
import { textAt } from "./json.ts";
import { RuleFiles } from "./rules.ts";
import type { RuleTexts } from "./rules.ts";

/** The root of the repository, and the binary as it runs there. */
export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));
export const MAIN: string = join(ROOT, "src/cli/main.ts");

/** How long anything here may take before the test says what it saw instead. */
const PATIENCE_MS = 20_000;

export type Ended = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
};

export type LaunchOptions = {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Bytes that it may write into one file, in the shell's blocks of 512. */
  readonly blocksMax?: number;
};

/** A process of ours. Disposing kills it, and only it. */
export class Launched implements AsyncDisposable {
  readonly ended: Promise<Ended>;
  out = "";
  err = "";
  #over = false;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;

  constructor(command: string, args: readonly string[], { cwd, env = {}, blocksMax }: LaunchOptions) {
    // With `exec`, so that the process of the shell becomes the one that was asked for.
    const shell = ["-c", `ulimit -f ${blocksMax ?? 0}; exec "$0" "$@"`, command, ...args];
    const [program, argv] = blocksMax === undefined ? [command, args] : ["/bin/sh", shell];
    this.#child = spawn(program, argv, {
      cwd,
      env: { PATH: process.env["PATH"] ?? "", HOME: cwd, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#child.stdin.end();
    this.#child.stdout.setEncoding("utf8").on("data", (chunk: string) => (this.out += chunk));
    this.#child.stderr.setEncoding("utf8").on("data", (chunk: string) => (this.err += chunk));
    this.ended = new Promise((resolve, reject) => {
      this.#child.once("error", reject);
      this.#child.once("close", (code, signal) => {
        this.#over = true;
        resolve({ code, signal, out: this.out, err: this.err });
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits until `look` finds something in what was written; a process that ends first is a failure. */
  async seen<T>(look: (written: { readonly out: string; readonly err: string }) => T | null): Promise<T> {
    for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += 10) {
      const over = this.#over;
      const found = look(this);
      if (found !== null) return found;
      if (over) break;
      await sleep(10);
    }
    throw new Error(`process ${this.pid} never said it; out: ${this.out}; err: ${this.err}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#over) this.#child.kill("SIGKILL");
    await this.ended;
  }
}

/** Keeps looking until the condition holds; says `what` was wanted when it never does. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  limitMs: number = PATIENCE_MS,
): Promise<void> {
  const giveUpAt = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > giveUpAt) throw new Error(`not within ${limitMs} ms: ${what}`);
    await sleep(5);
  }
}

/**
 * A port that is free now and will be after a restart: below the ports that systems hand out by themselves, from which
 * another test might get it while our server is down.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const free = await new Promise<boolean>((resolve) => {
      const probe = createServer();
      probe.once("error", () => resolve(false));
      probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

export type ServeOptions = { readonly port?: number; readonly blocksMax?: number };

/** `keyturn serve` as its own process. */
export class Served implements AsyncDisposable {
  readonly url: string;
  readonly process: Launched;
  readonly operator: Client;
  readonly anyone: Client;

  constructor(process: Launched, url: string, data: string) {
    this.process = process;
    this.url = url;
    this.operator = new Client(url, readFileSync(join(data, "operator.token"), "utf8").trim());
    this.anyone = new Client(url, null);
  }

  /** A fresh token for one agent at one gate. */
  async token(agent: string, gate = "sdk"): Promise<string> {
    const { status, body, text } = await this.operator.post("/v1/tokens", { agent, gate });
    if (status !== 200) throw new Error(text);
    return textAt(body, "token");
  }

  /** A client with a session of this person, opened by a one-time link. */
  async person(id: string): Promise<Client> {
    const link = await this.operator.post("/v1/sign-in-links", { person: id });
    if (link.status !== 200) throw new Error(link.text);
    const code = textAt(link.body, "url").split("#code=")[1] ?? "";
    const { status, body, text } = await this.anyone.post("/v1/sign-in", { code, client: "cli" });
    if (status !== 200) throw new Error(text);
    return new Client(this.url, textAt(body, "session"));
  }

  /** kill -9: nothing is said, nothing is finished. */
  async kill(): Promise<void> {
    this.process.signal("SIGKILL");
    await this.process.ended;
  }

  /** SIGTERM, as an init system ends it. */
  async stop(): Promise<Ended> {
    this.process.signal("SIGTERM");
    return this.process.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }
}

/** Rules, settings and state in a folder of their own, and the real binary over them. */
export class Installation implements AsyncDisposable {
  readonly files: RuleFiles;
  readonly dir: string;
  readonly data: string;
  readonly #main: string;
  readonly #launched: Launched[] = [];

  /** `main` is another binary than that of the sources, such as an installed one. */
  constructor(texts: RuleTexts = {}, main: string = MAIN) {
    this.#main = main;
    this.files = new RuleFiles(texts);
    this.dir = this.files.dir;
    this.data = join(this.dir, "data");
    mkdirSync(join(this.dir, "config"));
    writeFileSync(join(this.dir, "keyturn.yaml"), "listen: 127.0.0.1:0\n");
  }

  /** Starts the binary with these arguments in the folder of keyturn.yaml. */
  launch(args: readonly string[], { env = {}, blocksMax }: Omit<LaunchOptions, "cwd"> = {}): Launched {
    const started = new Launched(process.execPath, [this.#main, ...args], {
      cwd: this.dir,
      env: { XDG_CONFIG_HOME: join(this.dir, "config"), ...env },
      ...(blocksMax === undefined ? {} : { blocksMax }),
    });
    this.#launched.push(started);
    return started;
  }

  /** Runs a command of the binary to its end. */
  keyturn(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    return this.launch(args, { env }).ended;
  }

  /** Starts the server; resolves when it says that it is ready. */
  async serve({ port = 0, ...options }: ServeOptions = {}): Promise<Served> {
    const started = this.launch(["serve", "--listen", `127.0.0.1:${port}`, "--json"], options);
    const url = await started.seen(({ out }) => {
      const line = out.includes("\n") ? (JSON.parse(out.slice(0, out.indexOf("\n"))) as { url: string }) : null;
      return line === null ? null : line.url;
    });
    return new Served(started, url, this.data);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#launched.map((one) => one[Symbol.asyncDispose]()));
    this.files.remove();
  }
}
