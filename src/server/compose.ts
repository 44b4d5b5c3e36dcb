import { randomFillSync } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import type { GroupName, Instant } from "../core/brand.ts";
import {
  Bus,
  Credentials,
  keepTime,
  RateWindows,
  Turns,
  recordChange,
  resumeForget,
  type EngineContext,
} from "../engine/index.ts";
import type { Chance, Clock } from "../ports/clock.ts";
import type { Store } from "../ports/store.ts";
import { openSqliteStore } from "../stores/sqlite/index.ts";
import type { Log } from "./app.ts";
import { LEDGER_DEFAULT, type Config } from "./config.ts";
import { originOf } from "./epoch.ts";
import { ensureFolder } from "./folder.ts";
import type { House } from "./house.ts";
import { WebhookExport } from "./export/webhook.ts";
import { fileSigner } from "./keys.ts";
import { Heart, recordConfig, recordKeys } from "./lifecycle.ts";
import { releaseWhenQuiet } from "./memory.ts";
import { Metrics } from "./metrics.ts";
import { Notary } from "./notary.ts";
import { Publisher } from "./publisher.ts";
import { RulesKeeper } from "./rules.ts";
import { version } from "./version.ts";
import { askWitnesses, assertWitnessed } from "./witnessed.ts";

export type StartOptions = {
  readonly config: Config;
  readonly log: Log;
  /** Lets anybody act as anybody: `keyturn demo` only. */
  readonly demo?: boolean;
  /** Another store than the embedded one, for tests. */
  readonly store?: Store;
  readonly clock?: Clock;
};

/** A running server. */
export type Running = AsyncDisposable & {
  readonly url: string;
  readonly house: House;
  /** The operator's token, kept in `operator.token` of the data directory. */
  readonly operatorToken: string;
  /** Rejects when the server can no longer be trusted; resolves after `close`. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
};

const OPERATOR_TTL_MS = 10 * 365 * 86_400_000;

export const systemClock: Clock = { now: () => Date.now() as Instant };

/** Random bytes out of a pool: one call to the system's generator serves a hundred ids and salts. */
export function systemChance(): Chance {
  const pool = new Uint8Array(4096);
  let used = pool.length;
  return {
    bytes: (length) => {
      if (length > pool.length) return randomFillSync(new Uint8Array(length));
      if (used + length > pool.length) {
        randomFillSync(pool);
        used = 0;
      }
      used += length;
      return pool.slice(used - length, used);
    },
  };
}

/** Wires everything and listens. When it resolves, the server is ready. */
export async function start({
  config,
  log,
  demo = false,
  store: given,
  clock = systemClock,
}: StartOptions): Promise<Running> {
  ensureFolder(config.data);
  // Loaded only now, and not above: meanwhile the store's worker starts on another core.
  const [store, { buildApp }] = await Promise.all([
    given ?? openSqliteStore({ path: join(config.data, "keyturn.db"), onLog: (note) => log("info", note) }),
    import("./app.ts"),
  ]);
  const closing = new AbortController();
  try {
    const address = { url: config.publicUrl ?? `http://${config.host}:${config.port}` };
    const house = await furnish({ config, store, clock, demo, log, closing: closing.signal, address });
    await recordConfig(house.ctx, config);
    const operatorToken = await operatorTokenOf(config, house);
    const exportTo = exportOf({ config, store, clock, log, origin: house.ledgerOrigin });
    const app = buildApp(house, log);
    await app.listen({ host: config.host, port: config.port });
    const url = urlOf(config, app);
    address.url = config.publicUrl ?? url; // with port 0 it is known only now
    return await run(house, app, url, operatorToken, closing, log, exportTo);
  } catch (error) {
    closing.abort();
    await store[Symbol.asyncDispose]();
    throw error;
  }
}

type Parts = {
  readonly config: Config;
  readonly store: Store;
  readonly clock: Clock;
  readonly demo: boolean;
  readonly log: Log;
  readonly closing: AbortSignal;
  readonly address: { readonly url: string };
};

async function furnish({ config, store, clock, demo, log, closing, address }: Parts): Promise<House> {
  const recorder = { store, clock, chance: systemChance() };
  const ledgerOrigin = await originOf(store, address.url, recorder.chance);
  const keys = {
    permit: fileSigner(join(config.data, "permit-key.pem")),
    ledger: fileSigner(join(config.data, "ledger-key.pem")),
  };
  const notary = new Notary(store, ledgerOrigin, keys.ledger);
  const { witnesses, witnessQuorum, public: isPublic } = config.ledger ?? LEDGER_DEFAULT;
  // Before anything is appended: what lies on disk must be what witnesses signed, or go on from it.
  const words = await askWitnesses(notary, witnesses);
  assertWitnessed(words, (await store.head()).size, witnessQuorum);
  await recordKeys(recorder, keys, ledgerOrigin);
  const rules = await RulesKeeper.open(config, recorder);
  const publisher = new Publisher({ notary, store, witnesses, quorum: witnessQuorum, log });
  await publisher.restore();
  await resumeForget({ store });
  const ctx: EngineContext = {
    ...recorder,
    signer: keys.permit,
    // The origin is fixed when the store is made, so permits survive a change of address or port.
    issuer: ledgerOrigin,
    limits: config.limits,
    windows: new RateWindows(),
    turns: new Turns(),
    rules: () => rules.current,
    bus: new Bus(),
  };
  return {
    ctx,
    credentials: new Credentials(ctx),
    rules,
    metrics: new Metrics(),
    ledgerSigner: keys.ledger,
    ledgerOrigin,
    notary,
    publisher,
    ledgerPublic: isPublic ?? demo,
    privacy: privacyOf(config),
    get publicUrl() {
      return address.url;
    },
    demo,
    closing,
  };
}

function privacyOf({ privacy }: Config): House["privacy"] {
  if (privacy === undefined || privacy === null) return null;
  return { approvers: privacy.approvers as GroupName, quorum: privacy.quorum };
}

/** Checked before anything listens: a webhook that cannot be signed is a mistake to hear of at the start. */
function exportOf({ config, store, clock, log, origin }: ExportParts): WebhookExport | null {
  if (config.export === undefined || config.export === null) return null;
  return new WebhookExport({ config: config.export, store, clock, log, source: { origin, version: version() } });
}

type ExportParts = Pick<Parts, "config" | "store" | "clock" | "log"> & { readonly origin: string };

async function run(
  house: House,
  app: FastifyInstance,
  url: string,
  operatorToken: string,
  closing: AbortController,
  log: Log,
  exportTo: WebhookExport | null,
): Promise<Running> {
  const { ctx, rules } = house;
  await recordChange(ctx, "server.started", { node: process.version, demo: house.demo }, {});
  rules.watch(closing.signal, (error) => {
    if (error === null) log("info", "the rules were reloaded");
    else log("error", `the new rules were refused, the old ones still serve:\n${error.message}`);
  });
  releaseWhenQuiet(closing.signal);
  const timekeeper = keepTime(ctx, closing.signal);
  const publishing = house.publisher.run(closing.signal);
  new Heart(ctx).run(closing.signal);
  const exporting = exportTo?.run(closing.signal);
  const fault = ctx.store.fault.then((error) => {
    throw error;
  });
  const closed = Promise.withResolvers<void>();
  const ended = Promise.race([closed.promise, fault, timekeeper.then(() => closed.promise)]);
  ended.catch(() => {}); // whoever awaits `ended` hears of it; nobody has to

  const close = async (): Promise<void> => {
    if (closing.signal.aborted) return closed.promise;
    closing.abort();
    await app.close();
    await timekeeper.catch(() => {});
    await publishing;
    await exporting;
    await recordChange(ctx, "server.stopped", {}, {}).catch(() => {});
    await ctx.store[Symbol.asyncDispose]();
    closed.resolve();
  };
  return { url, house, operatorToken, ended, close, [Symbol.asyncDispose]: close };
}

/** Whoever can read the data directory is the operator; the token file makes that a credential the API understands. */
async function operatorTokenOf(config: Config, house: House): Promise<string> {
  const path = join(config.data, "operator.token");
  if (existsSync(path)) {
    const known = readFileSync(path, "utf8").trim();
    if ((await house.credentials.check(known))?.kind === "operator") return known;
  }
  const { secret } = await house.credentials.issueOperatorToken(OPERATOR_TTL_MS);
  writeFileSync(path, `${secret}\n`, { mode: 0o600 });
  return secret;
}

function urlOf(config: Config, app: FastifyInstance): string {
  const { port } = app.server.address() as AddressInfo;
  const host = config.host.includes(":") ? `[${config.host}]` : config.host;
  return `http://${host === "0.0.0.0" ? "127.0.0.1" : host}:${port}`;
}
