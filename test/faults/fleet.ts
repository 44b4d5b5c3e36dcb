// The real binary, one or several of it, on one ledger; what may be killed at any time and is started again on the same address.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { migratePostgres } from "../../src/stores/postgres/index.ts";
import { Client } from "../support/house.ts";
import { textAt } from "../support/json.ts";
import { freePort, Installation, Served, type Ended } from "../support/process.ts";
import { DIRECTORY } from "../support/rules.ts";

/** Agents of the fleet, one for each writer. */
export function agentName(writer: number): string {
  return `bot-${writer}`;
}

/** What a fleet runs on: the embedded file, or a database by its address. */
export type FleetStore = { readonly kind: "sqlite" } | { readonly kind: "postgres"; readonly url: string };
export type FleetOptions = {
  readonly store: FleetStore;
  /** Servers on that store; the embedded one has one. */
  readonly instances: number;
  readonly writers: number;
  /** How long an approval may wait to be used, in seconds. */
  readonly approvedForSeconds: number;
  /** What stands between each server and the system, such as a library that lets calls fail. */
  readonly env?: Readonly<Record<string, string>>;
};

/** One place where a server runs: its address stays, its processes come and go. */
type Berth = { readonly url: string; readonly port: number; served: Served | null };

/** Servers that share a ledger, keys and rules. */
export class Fleet implements AsyncDisposable {
  readonly home: Installation;
  readonly #berths: readonly Berth[];
  readonly #env: Readonly<Record<string, string>>;

  private constructor(home: Installation, berths: readonly Berth[], env: Readonly<Record<string, string>>) {
    this.home = home;
    this.#berths = berths;
    this.#env = env;
  }

  /** Writes the rules and starts all servers. */
  static async open({ store, instances, writers, approvedForSeconds, env = {} }: FleetOptions): Promise<Fleet> {
    const agents = Array.from({ length: writers }, (_, at) => `  - { id: ${agentName(at)}, owners: [cy] }`).join("\n");
    const home = new Installation({ directory: DIRECTORY.replace("agents:\n", `agents:\n${agents}\n`) });
    const ports: number[] = [];
    for (let at = 0; at < instances; at += 1) ports.push(await freePort());
    const keys = join(home.dir, "keys");
    mkdirSync(keys);
    const lines = [
      `public_url: http://127.0.0.1:${ports[0]}`,
      `limits: { approved_for_seconds: ${approvedForSeconds}, evaluations_per_minute: 1000000 }`,
      `keys: { permit: keys/permit.pem, ledger: keys/ledger.pem, operator: keys/operator.token }`,
    ];
    if (store.kind === "postgres") {
      await migratePostgres({ url: store.url });
      lines.push(`store: { postgres: { url: "${store.url}", ledger: main } }`);
    }
    writeFileSync(join(home.dir, "keyturn.yaml"), `${lines.join("\n")}\n`);
    const berths = ports.map((port): Berth => ({ url: `http://127.0.0.1:${port}`, port, served: null }));
    const fleet = new Fleet(home, berths, env);
    for (const at of berths.keys()) await fleet.start(at);
    return fleet;
  }

  get size(): number {
    return this.#berths.length;
  }

  /** The address of one server, or of the next where there are fewer. */
  url(at: number): string {
    return this.#berth(at).url;
  }

  served(at: number): Served {
    const { served } = this.#berth(at);
    if (served === null) throw new Error(`server ${at} does not run`);
    return served;
  }

  /** Starts a server and waits until it is ready. */
  async start(at: number): Promise<Served> {
    const berth = this.#berth(at);
    const started = this.launch(at);
    const url = await started.seen(({ out }) => {
      const end = out.indexOf("\n");
      return end < 0 ? null : (JSON.parse(out.slice(0, end)) as { url: string }).url;
    });
    berth.served = new Served(started, url, join(this.home.dir, "keys"));
    return berth.served;
  }

  /** Launches a server without waiting for it. */
  launch(at: number): ReturnType<Installation["launch"]> {
    const { port } = this.#berth(at);
    const args = ["serve", "--data", `data-${at % this.size}`, "--listen", `127.0.0.1:${port}`, "--json"];
    return this.home.launch(args, { env: this.#env });
  }

  async kill(at: number): Promise<void> {
    const berth = this.#berth(at);
    await berth.served?.kill();
    berth.served = null;
  }

  async stop(at: number): Promise<Ended | null> {
    const berth = this.#berth(at);
    const ended = (await berth.served?.stop()) ?? null;
    berth.served = null;
    return ended;
  }

  /** A token of the agent of each writer. */
  async tokens(writers: number): Promise<readonly string[]> {
    const { operator } = this.served(0);
    const tokens: string[] = [];
    for (let at = 0; at < writers; at += 1) {
      const { status, body, text } = await operator.post("/v1/tokens", { agent: agentName(at), gate: "sdk" });
      if (status !== 200) throw new Error(text);
      tokens.push(textAt(body, "token"));
    }
    return tokens;
  }

  /** Somebody with this credential, at the server that a writer is given. */
  client(at: number, token: string | null): Client {
    return new Client(this.url(at), token);
  }

  #berth(at: number): Berth {
    const berth = this.#berths[at % this.#berths.length];
    if (berth === undefined) throw new RangeError("a fleet has at least one server");
    return berth;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.home[Symbol.asyncDispose]();
  }
}
