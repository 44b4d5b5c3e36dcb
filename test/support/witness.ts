import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openWitnessFolder, serveWitness, Witness, type ServedWitness } from "../../src/witness/index.ts";

/** A witness of our own on the loopback, in a folder that it keeps over restarts. */
export class TestWitness implements AsyncDisposable {
  readonly dir: string;
  readonly log: string[] = [];
  readonly #name: string;
  #port = 0;
  #vkey = "";
  #running: { readonly served: ServedWitness; readonly release: () => void } | null = null;

  constructor(name = "witness.test/one") {
    this.dir = mkdtempSync(join(tmpdir(), "keyturn-witness-"));
    this.#name = name;
  }

  /** Starts it for these logs; again on the same port and folder after a stop. */
  async start(logs: readonly string[]): Promise<this> {
    const folder = openWitnessFolder(this.dir, this.#name);
    const witness = new Witness({ folder, logs, now: () => Math.floor(Date.now() / 1000) });
    const served = await serveWitness(witness, {
      host: "127.0.0.1",
      port: this.#port,
      log: (message) => this.log.push(message),
    });
    this.#port = Number(new URL(served.url).port);
    this.#vkey = folder.vkey;
    this.#running = { served, release: () => folder[Symbol.dispose]() };
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get vkey(): string {
    return this.#vkey;
  }

  async stop(): Promise<void> {
    await this.#running?.served[Symbol.asyncDispose]();
    this.#running?.release();
    this.#running = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
