// First: WebAssembly that is loaded after it runs by it.
import "../v8/wrappers.ts";
import { randomFillSync } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import type { FastifyInstance } from "fastify";
import type { GroupName, Instant } from "../core/brand.ts";
import { formatId, ID_BYTES } from "../core/ids.ts";
import {
  Bus,
  Credentials,
  keepTime,
  openSurroundings,
  RateWindows,
  Turns,
  recordChange,
  resumeForget,
  type EngineContext,
  type Surroundings,
} from "../engine/index.ts";
import type { Chance, Clock } from "../ports/clock.ts";
import type { Store } from "../ports/store.ts";
import { releaseWhenQuiet } from "../v8/memory.ts";
import type { Log } from "./log.ts";
import { bringClicks, tellingOf } from "./telling.ts";
import { httpAdviser } from "./adviser.ts";
import { clockOf } from "./situation.ts";
import { LEDGER_DEFAULT, type Config } from "./config.ts";
import { originOf } from "./epoch.ts";
import { ensureFolder } from "./folder.ts";
import type { House } from "./house.ts";
import type { WebhookExport } from "./export/webhook.ts";
import { fileSigner, newsSecretOf } from "./keys.ts";
import { alone, joinOthers } from "./instances.ts";
import { Heart, knownKeys, recordConfig, recordKeys, type Keys } from "./lifecycle.ts";
import { Metrics } from "./metrics.ts";
import { Notary } from "./notary.ts";
import { privacyFault } from "./privacy.ts";
import { Pressure } from "./pressure.ts";
import { Publisher } from "./publisher.ts";
import { desksOf } from "./provisioning.ts";
import { RulesKeeper } from "./rules.ts";
import { isShared, keyPaths, openConfigured } from "./stores.ts";
import { endSessionsOfGone } from "./sign-in/ending.ts";
import { tracedAppend } from "./tracing.ts";
import { version } from "./version.ts";
import { Workloads } from "./workloads.ts";
import { WatchedStore } from "./watched.ts";
import { askSharedWitnesses, askWitnesses, assertWitnessed } from "./witnessed.ts";

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
  /** The operator's token, kept in `operator.token` of the data directory; empty where instances share a store and no file for it. */
  readonly operatorToken: string;
  /** Rejects when the server can no longer be trusted; resolves after `close`. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
};

/** How long the operator's token is valid. */
export const OPERATOR_TTL_MS: number = 10 * 365 * 86_400_000;

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
  // Known when the keys are, which a new ledger may have to make first.
  const newsSecret = Promise.withResolvers<Uint8Array>();
  const opening = given ?? openConfigured(config, log, newsSecret.promise);
  const [opened, { buildApp }] = await Promise.all([opening, import("./app.ts")]);
  const store = new WatchedStore(opened);
  const closing = new AbortController();
  try {
    const address = { url: config.publicUrl ?? `http://${config.host}:${config.port}` };
    const house = await furnish({ config, store, clock, demo, log, closing: closing.signal, address });
    await recordConfig(house.ctx, config);
    if (isShared(config)) newsSecret.resolve(newsSecretOf(keyPaths(config).ledger));
    const operatorToken = await operatorTokenOf(config, house);
    const exportTo = await exportOf({ config, store, clock, log, origin: house.ledgerOrigin });
    const app = buildApp(house, log);
    await app.listen({ host: config.host, port: config.port });
    const url = urlOf(config, app);
    address.url = config.publicUrl ?? url; // with port 0 it is known only now
    const fault = house.privacy === null ? null : privacyFault(house);
    if (fault !== null) log("error", `nothing can be erased: ${fault}`);
    return await run(house, app, url, operatorToken, closing, log, exportTo);
  } catch (error) {
    closing.abort();
    await store[Symbol.asyncDispose]();
    throw error;
  }
}

type Parts = {
  readonly config: Config;
  readonly store: WatchedStore;
  readonly clock: Clock;
  readonly demo: boolean;
  readonly log: Log;
  readonly closing: AbortSignal;
  readonly address: { readonly url: string };
};

async function furnish({ config, store, clock, demo, log, closing, address }: Parts): Promise<House> {
  const recorder = { store, clock, chance: systemChance() };
  const ledgerOrigin = await originOf(store, address.url, recorder.chance);
  const keys = await signersOf(config, store);
  const notary = new Notary(store, ledgerOrigin, keys.ledger);
  const { witnesses, witnessQuorum, public: isPublic } = config.ledger ?? LEDGER_DEFAULT;
  // Before anything is appended: what lies on disk must be what witnesses signed, or go on from it.
  const sizeNow = async (): Promise<number> => (await store.head()).size;
  const words = await (isShared(config)
    ? askSharedWitnesses(notary, witnesses, sizeNow)
    : askWitnesses(notary, witnesses));
  assertWitnessed(words, await sizeNow(), witnessQuorum);
  await recordKeys(recorder, keys, ledgerOrigin, isShared(config));
  // What others append from here on is followed; what this one records itself until then is read once more, for nothing.
  const from = await sizeNow();
  const rules = await RulesKeeper.open(config, recorder);
  const publisher = new Publisher({ notary, store, witnesses, quorum: witnessQuorum, log });
  await publisher.restore();
  await resumeForget({ store });
  const metrics = new Metrics();
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
    isQuiet: (config.notify ?? null) === null,
    around: await aroundOf(config, store, clock, metrics),
  };
  const credentials = new Credentials(ctx);
  const telling = await tellingOf({ config, ctx, credentials, address, metrics, log });
  const instance = formatId("token", ctx.chance.bytes(ID_BYTES)).slice("tok_".length);
  const together = isShared(config)
    ? joinOthers({ ctx, store, credentials, rules, from, instance, log })
    : alone(instance);
  await rules.people.connect(ctx);
  measure(store, metrics);
  return {
    ctx,
    credentials,
    rules,
    ...together,
    pressure: pressureOf(ctx, store, metrics, closing),
    people: rules.people,
    scim: desksOf(config.scim ?? [], { store, clock, chance: ctx.chance, isShared: isShared(config) }, rules.people),
    workloads: new Workloads(config.workloads ?? [], clock),
    signIn: await signInOf(config, recorder, log),
    metrics,
    ...telling,
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

/** How long appends take, as a metric and in traces. */
function measure(store: WatchedStore, metrics: Metrics): void {
  store.watch(({ entries }, result) => {
    tracedAppend(entries.length, result);
    const asked = performance.now();
    const answered = (): void => metrics.observe("append_seconds", (performance.now() - asked) / 1000);
    result.then(answered, answered);
  });
}

function pressureOf(ctx: EngineContext, store: WatchedStore, metrics: Metrics, closing: AbortSignal): Pressure {
  return new Pressure(
    {
      appends: () => store.waiting,
      waiters: () => ctx.bus.size + ctx.around.deferrals.waiters,
      waitersMax: ctx.limits.waitersMax,
      closing,
    },
    (because) => metrics.count("refused_total", { because }),
  );
}

/** The keys; those of a ledger that several instances share are never made anew beside ones that it has. */
async function signersOf(config: Config, store: Store): Promise<Keys> {
  const paths = keyPaths(config);
  const known = isShared(config) ? await knownKeys(store) : new Set<string>();
  return {
    permit: fileSigner(paths.permit, known.has("permit")),
    ledger: fileSigner(paths.ledger, known.has("ledger")),
  };
}

/** Loaded only where somebody signs in so: the protocol's libraries are not small. */
async function signInOf({ signIn = [] }: Config, recorder: SignInParts, log: Log): Promise<House["signIn"]> {
  if (signIn.length === 0) return null;
  const { SignIn } = await import("./sign-in/sign-in.ts");
  return new SignIn({ ...recorder, providers: signIn, log });
}

type SignInParts = Pick<EngineContext, "store" | "clock" | "chance">;

/** What came before, as the ledger has it; the people's clock, and whoever may raise scores. */
function aroundOf({ hours, adviser }: Config, store: Store, clock: Clock, metrics: Metrics): Promise<Surroundings> {
  const asked = adviser === undefined || adviser === null ? null : httpAdviser(adviser, metrics);
  return openSurroundings(store, clock.now(), { local: clockOf(hours), adviser: asked });
}

function privacyOf({ privacy }: Config): House["privacy"] {
  if (privacy === undefined || privacy === null) return null;
  return { approvers: privacy.approvers as GroupName, quorum: privacy.quorum };
}

/** Checked before anything listens: a webhook that cannot be signed is a mistake to hear of at the start. */
async function exportOf({ config, store, clock, log, origin }: ExportParts): Promise<WebhookExport | null> {
  if (config.export === undefined || config.export === null) return null;
  const { WebhookExport } = await import("./export/webhook.ts");
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
  const { instance, leadership } = house;
  await recordChange(ctx, "server.started", { node: process.version, demo: house.demo }, { instance });
  tellHeld(house, log);
  endSessionsOfGone(house, log);
  rules.watch(closing.signal, (error) => {
    if (error === null) {
      log("info", "the rules were reloaded");
      tellHeld(house, log);
    } else log("error", `the new rules were refused, the old ones still serve:\n${error.message}`);
  });
  releaseWhenQuiet(closing.signal);
  const following = house.together(closing.signal);
  const timekeeper = keepTime(ctx, closing.signal, leadership);
  const publishing = house.publisher.run(closing.signal, leadership);
  new Heart(ctx).run(closing.signal, leadership);
  const exporting = exportTo?.run(closing.signal, leadership);
  const telling = house.outbox.run(closing.signal).catch(() => {}); // of the store's failure `fault` tells
  const clicking = bringClicks(house, closing.signal);
  const fault = ctx.store.fault.then((error) => {
    throw error;
  });
  const closed = Promise.withResolvers<void>();
  const ended = Promise.race([closed.promise, fault, timekeeper.then(() => closed.promise)]);
  ended.catch(() => {}); // whoever awaits `ended` hears of it; nobody has to

  const close = async (): Promise<void> => {
    if (closing.signal.aborted) return closed.promise;
    await ctx.around.keeper.save().catch(() => {}); // while it may still lead
    closing.abort();
    ctx.bus.release();
    // Nobody new comes in; what has begun is answered, streams and polls end, and their clients go elsewhere.
    app.server.close();
    app.server.closeIdleConnections();
    await house.pressure.drain();
    await app.close();
    await timekeeper.catch(() => {});
    await publishing;
    await exporting;
    await telling;
    await clicking;
    await following;
    await ctx.around.keeper.save().catch(() => {});
    await recordChange(ctx, "server.stopped", {}, { instance }).catch(() => {});
    await ctx.store[Symbol.asyncDispose]();
    closed.resolve();
  };
  return { url, house, operatorToken, ended, close, [Symbol.asyncDispose]: close };
}

/** What the file says and is not in force: an operator who wonders why finds it in the log. */
function tellHeld({ rules }: House, log: Log): void {
  const held = rules.people.held.find(({ ofFile }) => ofFile);
  if (held === undefined) return;
  const { request, refused, moves } = held;
  const what = refused ? "were refused" : "wait for an administrator: see `keyturn people pending`";
  log("info", `${moves.length} steps of directory.yaml are not in force: they ${what}`, { request });
}

/** Whoever can read the data directory is the operator; the token file makes that a credential the API understands. */
async function operatorTokenOf(config: Config, house: House): Promise<string> {
  const path = keyPaths(config).operator;
  // Instances come and go, and each would leave a credential behind: `keyturn store operator-token` makes one.
  if (isShared(config) && (config.keys?.operator ?? null) === null) return "";
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
