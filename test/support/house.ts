import { join } from "node:path";
import { parseJson, type Json, type JsonObject } from "../../src/core/action/index.ts";
import { openEntry, type OpenedEntry } from "../../src/core/ledger/index.ts";
import { LIMITS_DEFAULT, type Limits } from "../../src/engine/index.ts";
import type { ScimConfig } from "../../src/identity/scim/index.ts";
import type { WorkloadRule } from "../../src/identity/workload/index.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { People } from "../../src/ports/people.ts";
import type { Store } from "../../src/ports/store.ts";
import type { NotifyConfig } from "../../src/server/channels.ts";
import { start, type Running } from "../../src/server/compose.ts";
import { LEDGER_DEFAULT } from "../../src/server/config.ts";
import type { Config, ExportConfig, LedgerConfig, PeopleConfig, PrivacyConfig } from "../../src/server/config.ts";
import type { ProviderConfig } from "../../src/identity/oidc/index.ts";
import type { AdviserConfig, HoursConfig } from "../../src/server/situation.ts";
import { textAt } from "./json.ts";
import { RuleFiles, type RuleTexts } from "./rules.ts";

export type HouseOptions = RuleTexts & {
  readonly limits?: Partial<Limits>;
  readonly store?: Store;
  readonly clock?: Clock;
  readonly demo?: boolean;
  readonly publicUrl?: string;
  readonly ledger?: Partial<LedgerConfig>;
  readonly privacy?: PrivacyConfig;
  readonly people?: PeopleConfig;
  readonly export?: ExportConfig;
  readonly notify?: NotifyConfig;
  readonly adviser?: AdviserConfig;
  readonly scim?: readonly ScimConfig[];
  readonly workloads?: readonly WorkloadRule[];
  readonly hours?: HoursConfig;
  readonly signIn?: readonly ProviderConfig[];
  /** Any other setting, such as a store that several houses share. */
  readonly settings?: Partial<Config>;
};

/** An answer, its body parsed by our strict parser where it is JSON. */
export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: JsonObject;
};

/** A view of the largest question is larger than the question. */
const ANSWER = { bytesMax: 64 * 1024 * 1024, depthMax: 128 };

export type Init = { readonly headers?: Record<string, string>; readonly signal?: AbortSignal };

/** Somebody who calls the server, with one credential or none. */
export class Client {
  readonly url: string;
  readonly token: string | null;

  constructor(url: string, token: string | null) {
    this.url = url;
    this.token = token;
  }

  async get(path: string, init: Init = {}): Promise<Answer> {
    return this.send("GET", path, null, init);
  }

  async post(path: string, body: Json, init: Init = {}): Promise<Answer> {
    return this.send("POST", path, JSON.stringify(body), init);
  }

  /** A body in exactly these bytes. */
  async send(
    method: string,
    path: string,
    body: string | Uint8Array<ArrayBuffer> | null,
    { headers = {}, signal }: Init = {},
  ): Promise<Answer> {
    const response = await fetch(this.url + path, {
      method,
      redirect: "manual",
      headers: {
        ...(this.token === null ? {} : { authorization: `Bearer ${this.token}` }),
        ...(body === null ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === null ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    });
    const text = await response.text();
    const isJson = /[/+]json\b/.test(response.headers.get("content-type") ?? "");
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson ? (parseJson(text, ANSWER) as JsonObject) : {},
    };
  }
}

/** A real server in this process, on the loopback and a folder of its own. */
export class House implements AsyncDisposable {
  readonly files: RuleFiles;
  /** Every line of the server's log, with its details. */
  readonly log: string[];
  readonly operator: Client;
  readonly anyone: Client;
  readonly #running: Running;
  #settled: () => Promise<void> = () => Promise.resolve();
  #end: (() => Promise<void>) | null = null;

  readonly url: string;

  private constructor(running: Running, files: RuleFiles, log: string[], url: string = running.url) {
    this.#running = running;
    this.files = files;
    this.log = log;
    this.url = url;
    this.operator = new Client(url, running.operatorToken);
    this.anyone = new Client(url, null);
  }

  /**
   * A house of its own. With `KEYTURN_TEST_DATABASE`, the address of a database with the schema, it is three servers on a
   * ledger of it behind a load balancer, as far as the options do not name a store or settings themselves.
   */
  static async open(options: HouseOptions = {}): Promise<House> {
    const url = process.env["KEYTURN_TEST_DATABASE"];
    const { store, settings, ledger, ...shared } = options;
    if (url !== undefined && store === undefined && settings === undefined && ledger === undefined) {
      const { Instances } = await import("./instances.ts");
      const instances = await Instances.open({ url, ...shared });
      instances.house.#end = () => instances[Symbol.asyncDispose]();
      return instances.house;
    }
    const files = new RuleFiles(options);
    try {
      return await House.over(files, options);
    } catch (error) {
      files.remove();
      throw error;
    }
  }

  /** Over files that are there already, such as those of a house that was stopped. */
  static async over(
    files: RuleFiles,
    {
      limits = {},
      store,
      clock,
      demo,
      publicUrl,
      ledger,
      privacy,
      people,
      export: exportTo,
      notify,
      adviser,
      scim,
      workloads,
      hours,
      signIn,
      settings,
    }: HouseOptions = {},
  ): Promise<House> {
    const log: string[] = [];
    const running = await start({
      config: {
        host: "127.0.0.1",
        port: 0,
        publicUrl: publicUrl ?? null,
        data: join(files.dir, "data"),
        directory: files.directory,
        catalogue: files.catalogue,
        policies: files.policies,
        limits: { ...LIMITS_DEFAULT, ...limits },
        ledger: { ...LEDGER_DEFAULT, ...ledger },
        privacy: privacy ?? null,
        ...(people === undefined ? {} : { people }),
        export: exportTo ?? null,
        notify: notify ?? null,
        adviser: adviser ?? null,
        scim: scim ?? [],
        workloads: workloads ?? [],
        hours: hours ?? null,
        signIn: signIn ?? [],
        ...settings,
      },
      log: (level, message, details) => log.push(`${level} ${message} ${JSON.stringify(details ?? {})}`),
      ...(store === undefined ? {} : { store }),
      ...(clock === undefined ? {} : { clock }),
      ...(demo === undefined ? {} : { demo }),
    });
    return new House(running, files, log);
  }

  /** The same house, reached through something that stands in front of it. */
  behind(url: string, settled: () => Promise<void> = () => Promise.resolve()): House {
    const house = new House(this.#running, this.files, this.log, url);
    house.#settled = settled;
    return house;
  }

  /** What names all the rules in force. */
  get rulesDigest(): string {
    const { policies, directory, catalogueDigest } = this.#running.house.ctx.rules();
    return [policies.digest, directory.digest, catalogueDigest].join(" ");
  }

  get ended(): Promise<void> {
    return this.#running.ended;
  }

  get store(): Store {
    return this.#running.house.ctx.store;
  }

  /** The port by which the directory changes, as sign-in and provisioning use it. */
  get people(): People {
    return this.#running.house.people;
  }

  as(token: string | null): Client {
    return new Client(this.url, token);
  }

  /** A client with a fresh token for one agent at one gate. */
  async gate(agent = "report-bot", gate = "sdk", holder?: string): Promise<Client> {
    const { status, body, text } = await this.operator.post("/v1/tokens", {
      agent,
      gate,
      ...(holder === undefined ? {} : { holder }),
    });
    if (status !== 200) throw new Error(text);
    return this.as(textAt(body, "token"));
  }

  /** A client with a session of this person, opened by a one-time link. */
  async person(id: string): Promise<Client> {
    const signedIn = await this.anyone.post("/v1/sign-in", { code: await this.code(id), client: "cli" });
    if (signedIn.status !== 200) throw new Error(signedIn.text);
    return this.as(textAt(signedIn.body, "session"));
  }

  /** A one-time code that signs this person in. */
  async code(id: string): Promise<string> {
    const { status, body, text } = await this.operator.post("/v1/sign-in-links", { person: id });
    if (status !== 200) throw new Error(text);
    return textAt(body, "url").split("#code=")[1] ?? "";
  }

  /** Writes other rules and loads them, as an operator would. */
  async change(texts: RuleTexts): Promise<Answer> {
    this.files.write(texts);
    const answer = await this.operator.post("/v1/reload", {});
    await this.#settled();
    return answer;
  }

  async size(): Promise<number> {
    return (await this.store.head()).size;
  }

  /** The size of the ledger as far as this instance knows all of it. */
  get knownSize(): number | null {
    return this.#running.house.knownSize();
  }

  /** Every entry from `from` on, opened. */
  async entries(from = 0): Promise<readonly OpenedEntry[]> {
    const stored = await this.store.range(from, 100_000);
    return stored.map((entry) => openEntry(entry.header, entry.payload, entry.salt));
  }

  /** Stops the server and keeps its files. */
  async stop(): Promise<void> {
    await this.#running.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#end !== null) return this.#end();
    await this.#running.close().catch(() => {});
    this.files.remove();
  }
}
