// How an instance hears of others: what news carry is taken where it comes next, and anything else is read.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { RequestState } from "../../src/core/approval/index.ts";
import { Follower, loadRequest } from "../../src/engine/index.ts";
import { recorded, told } from "../../src/engine/journal.ts";
import type { Append, AppendResult, Store, StoredEntry } from "../../src/ports/store.ts";
import { WatchedStore } from "../../src/server/watched.ts";
import { openMemoryStore } from "../../src/stores/memory/index.ts";
import { exportRows, grantRole, readRows } from "../support/actions.ts";
import { Bench } from "../support/bench.ts";

/** A ledger that others write too: whoever listens is told when a test says so, and pages are counted. */
class Shared extends WatchedStore {
  pages = 0;
  /** What a page waits for. */
  held: Promise<unknown> = Promise.resolve();
  tell: (news?: readonly StoredEntry[]) => void = () => {};

  constructor(real: Store) {
    super(real);
    this.range = async (...given) => {
      this.pages += 1;
      await this.held;
      return real.range(...given);
    };
  }

  override onAdvance: Store["onAdvance"] = (listener) => {
    this.tell = listener;
    return () => {};
  };
}

/** Two engines on one ledger, of which `here` follows what `there` appends. */
class Pair implements Disposable {
  readonly store: Shared;
  readonly here: Bench;
  readonly there: Bench;
  readonly follower: Follower;
  readonly told: string[] = [];
  /** Entries that `here` appended. */
  own = 0;
  /** Called before requests are told: it may fail. */
  onChange: () => void = () => {};
  readonly #closing = new AbortController();

  constructor() {
    const memory = openMemoryStore();
    this.store = new Shared(memory);
    this.here = new Bench({}, {}, this.store);
    this.there = new Bench({}, {}, memory);
    this.follower = new Follower(this.here.ctx, 0, async () => this.onChange());
    this.store.watch((change, result) => {
      this.own += change.entries.length;
      this.follower.wrote(change, result);
    });
    this.here.ctx.bus.subscribe((state) => void this.told.push(lineOf(state)));
    this.follower.run(this.#closing.signal);
  }

  /** What was appended from `from` on. */
  since(from: number): Promise<readonly StoredEntry[]> {
    return this.there.store.range(from, 1000);
  }

  /** Pages that were read, and what was told, while this was done and heard of. */
  async during(work: () => Promise<unknown>): Promise<{ pages: number; told: readonly string[] }> {
    const [pages, told] = [this.store.pages, this.told.length];
    await work();
    for (let turns = 0; turns < 20; turns += 1) await turn();
    return { pages: this.store.pages - pages, told: this.told.slice(told) };
  }

  [Symbol.dispose](): void {
    this.#closing.abort();
    this.here[Symbol.dispose]();
    this.there[Symbol.dispose]();
  }
}

function lineOf({ opened, progress, version }: RequestState): string {
  return `${opened.id} ${progress.status} v${version}`;
}

async function approved(bench: Bench, state: RequestState): Promise<string> {
  const reviewed = await bench.review("ann", state);
  assert.ok(!("refused" in reviewed), JSON.stringify(reviewed));
  return lineOf(reviewed);
}

test("what news carry is told once, and nothing is read for it, also where own entries lie between", async () => {
  using pair = new Pair();
  const { here, there, follower, store } = pair;
  await follower.catchUp();
  const states: RequestState[] = [];
  const asked = await pair.during(async () => {
    states.push(await there.ask(exportRows(12_000)));
    const entries = await pair.since(0);
    // In two pieces, which come in one turn.
    store.tell(entries.slice(0, 1));
    store.tell(entries.slice(1));
  });
  const [held] = states;
  assert.ok(held !== undefined);
  assert.deepEqual(asked, { pages: 0, told: [lineOf(held)] });
  await here.evaluate(exportRows(7));
  const own = await here.ask(exportRows(8));
  let line = "";
  const decided = await pair.during(async () => {
    const from = await there.size();
    line = await approved(there, held);
    store.tell(await pair.since(from));
  });
  assert.deepEqual(decided, { pages: 0, told: [line] });
  assert.equal(follower.cursor, await there.size());
  assert.equal(follower.behindMs, 0);
  // One's own request, decided by somebody else.
  const ours = await pair.during(async () => {
    const from = await there.size();
    line = await approved(there, own);
    store.tell(await pair.since(from));
  });
  assert.deepEqual(ours, { pages: 0, told: [line] });
  assert.equal(follower.heard + pair.own, await there.size());
});

test("news say what the ledger says", async () => {
  using bench = new Bench();
  // What one reader of JSON might take for something else than another one does.
  const text = '\u{1f511} "\\" \u2028 \u00e9 \ufeff';
  const context = { reason: text, [text]: text, "10": [1e21, -1.5e-7, 0.1, null, {}], "9": true, constructor: "c" };
  for (const verdict of ["approve", "deny"] as const) {
    for (const question of [
      exportRows(verdict === "deny" ? 13_000 : 12_000),
      grantRole(`${text} ${verdict}`, { context }),
    ]) {
      const state = await bench.ask(question);
      const reviewed = await bench.review("bob", state, verdict);
      assert.ok(!("refused" in reviewed), JSON.stringify(reviewed));
    }
  }
  const entries = (await bench.store.range(0, 1000)).filter(({ stream }) => stream.startsWith("request/"));
  assert.ok(entries.length >= 8);
  for (const one of entries) assert.deepEqual(told(one), recorded(one));
});

test("news that do not come next are read for, and what is known already is told no more", async () => {
  using pair = new Pair();
  const { there, follower, store } = pair;
  await follower.catchUp();
  const one = await there.ask(exportRows(1));
  const from = await there.size();
  const two = await there.ask(exportRows(2));
  const end = await there.size();
  const gap = await pair.during(async () => store.tell(await pair.since(from)));
  assert.deepEqual(gap, { pages: 1, told: [lineOf(one), lineOf(two)] });
  for (const start of [0, from]) {
    const again = await pair.during(async () => store.tell(await pair.since(start)));
    assert.deepEqual(again, { pages: 0, told: [] });
  }
  const three = await there.ask(exportRows(3));
  const rest = await pair.during(async () => store.tell(await pair.since(from)));
  assert.deepEqual(rest, { pages: 0, told: [lineOf(three)] });
  assert.ok(follower.cursor > end);
  const bare = await pair.during(async () => store.tell());
  assert.deepEqual(bare, { pages: 1, told: [] });
});

test("who wants to be sure reads, whatever the news carried", async () => {
  using pair = new Pair();
  const { there, follower, store } = pair;
  await follower.catchUp();
  await there.ask(exportRows(1));
  const sure = await pair.during(async () => {
    store.tell(await pair.since(0));
    await follower.catchUp();
  });
  assert.equal(sure.pages, 1);
  const unheard = await there.ask(exportRows(2));
  const again = await pair.during(() => follower.catchUp());
  assert.deepEqual(again, { pages: 1, told: [lineOf(unheard)] });
});

test("news that come while a page is read wait for it, and of many little is kept", async () => {
  using pair = new Pair();
  const { there, follower, store } = pair;
  await follower.catchUp();
  const page = Promise.withResolvers<void>();
  store.held = page.promise;
  const lines: string[] = [];
  const all = await pair.during(async () => {
    store.tell(); // a page is under way
    await turn();
    for (let n = 0; n < 50; n += 1) {
      const from = await there.size();
      lines.push(lineOf(await there.ask(exportRows(n))));
      store.tell(await pair.since(from));
    }
    assert.equal(pair.told.length, 0);
    assert.ok(follower.behindMs > 0);
    page.resolve();
    await follower.catchUp();
  });
  assert.deepEqual(all.told, lines);
  assert.ok(all.pages <= 3, `${all.pages} pages`);
  assert.equal(follower.behindMs, 0);
});

test("news are taken one after the other, at whatever moment they come", async () => {
  for (let moment = 0; moment < 24; moment += 1) {
    using pair = new Pair();
    const { here, there, store } = pair;
    const lines: string[] = [];
    const news: (readonly StoredEntry[])[] = [];
    for (let n = 0; n < 3; n += 1) {
      const from = await there.size();
      lines.push(lineOf(await there.ask(exportRows(n))));
      news.push(await pair.since(from));
    }
    const [first, second, third] = news;
    // The third comes while the first is being told, while it ends, or while the second is: so many steps later.
    const stop = here.ctx.bus.subscribe(() => {
      stop();
      let step = Promise.resolve();
      for (let steps = 0; steps < moment; steps += 1) step = step.then(() => {});
      void step.then(() => store.tell(third));
    });
    const all = await pair.during(async () => {
      store.tell(first);
      store.tell(second);
    });
    assert.deepEqual(all, { pages: 0, told: lines }, `after ${moment} steps`);
  }
});

test("news that could not be told come again with the next", async () => {
  using pair = new Pair();
  const { there, follower, store } = pair;
  await follower.catchUp();
  pair.onChange = () => {
    throw new Error("the database is away");
  };
  const one = await there.ask(exportRows(1));
  const failed = await pair.during(async () => store.tell(await pair.since(0)));
  assert.deepEqual([failed.told, follower.cursor], [[], 0]);
  assert.ok(follower.behindMs > 0, "it knows that it is behind");
  pair.onChange = () => {};
  const from = await there.size();
  const two = await there.ask(exportRows(2));
  const both = await pair.during(async () => store.tell(await pair.since(from)));
  assert.deepEqual(both, { pages: 1, told: [lineOf(one), lineOf(two)] });
});

test("the size that is known holds our own entries, those of others once they were read, and none that are on their way", async () => {
  const ledger = openMemoryStore();
  const store = new WatchedStore(ledger);
  using here = new Bench({}, {}, store);
  using there = new Bench({}, {}, ledger);
  const follower = new Follower(here.ctx, 0, () => Promise.resolve());
  const meanwhile: (number | null)[] = [];
  store.watch((change, result) => {
    follower.wrote(change, result);
    meanwhile.push(follower.knownSize);
  });
  assert.equal(follower.knownSize, 0);
  await here.ask(exportRows(1));
  const ours = await there.size();
  assert.equal(follower.knownSize, ours);
  assert.deepEqual(new Set(meanwhile), new Set([null]));
  await there.ask(exportRows(2));
  const theirs = await there.size();
  assert.ok(theirs > ours);
  assert.equal(follower.knownSize, ours, "nobody has told of it");
  await here.ask(exportRows(3));
  assert.equal(follower.knownSize, ours, "ours stand behind what is not known");
  await follower.catchUp();
  assert.equal(follower.knownSize, await there.size());
  await here.ask(exportRows(4));
  assert.equal(follower.knownSize, await there.size());
});

test("an instance that nobody writes beside keeps up with itself, and names few keys when it writes sessions down", async () => {
  const ledger = openMemoryStore();
  const store = new WatchedStore(ledger);
  using bench = new Bench({}, {}, store);
  const follower = new Follower(bench.ctx, 0, () => Promise.resolve());
  store.watch((change, result) => follower.wrote(change, result));
  bench.ctx.around.keeper.share({
    get cursor() {
      return follower.cursor;
    },
    fence: () => [],
  });
  for (let n = 1; n <= 50; n += 1) await bench.evaluate(readRows(n));
  assert.equal(follower.cursor, await bench.size());
  await bench.ctx.around.keeper.save();
  const [head] = (await ledger.documents("sessions")).filter(({ id }) => id === "");
  assert.deepEqual(head?.body, { upTo: await bench.size(), counted: [] });
});

/** A store whose answers to appends of one type come late, or never. */
class Late extends WatchedStore {
  only = "";
  answer: Promise<unknown> = Promise.resolve();

  override async append(change: Append): Promise<AppendResult> {
    const result = super.append(change);
    if (change.entries.some(({ type }) => type === this.only)) await this.answer;
    return result;
  }
}

test("an own append that is in the ledger, and whose answer is lost, is told before anybody takes it for known", async () => {
  const late = new Late(openMemoryStore());
  const watched = new WatchedStore(late);
  using here = new Bench({}, {}, watched);
  const told: string[] = [];
  let isAway = false;
  const follower = new Follower(here.ctx, 0, async ({ types }) => {
    if (isAway) throw new Error("the database is away");
    told.push(...types);
  });
  watched.watch((change, result) => follower.wrote(change, result));
  const lost = Promise.withResolvers<never>();
  late.only = "request.opened";
  late.answer = lost.promise;
  const asked = here.ask(exportRows(12_000)).catch((error: unknown) => String(error));
  for (let turns = 0; turns < 20; turns += 1) await turn();
  await follower.catchUp();
  assert.equal(follower.cursor, await here.size(), "a page has passed it");
  isAway = true;
  lost.reject(new Error("no answer came"));
  assert.equal(await asked, "Error: no answer came");
  for (let turns = 0; turns < 5; turns += 1) await turn();
  assert.equal(follower.knownSize, null);
  await assert.rejects(follower.catchUp());
  isAway = false;
  await follower.catchUp();
  assert.deepEqual(told, ["request.opened"]);
  assert.equal(follower.knownSize, await here.size());
});

test("an own answer that comes after the news of what followed turns nothing back", async () => {
  const memory = openMemoryStore();
  const late = new Late(memory);
  const watched = new WatchedStore(late);
  using here = new Bench({}, {}, watched);
  using there = new Bench({}, {}, memory);
  const follower = new Follower(here.ctx, 0, () => Promise.resolve());
  watched.watch((change, result) => follower.wrote(change, result));
  const lines: string[] = [];
  here.ctx.bus.subscribe((state) => void lines.push(lineOf(state)));
  const asked = await here.ask(grantRole("admin"));
  const answered = Promise.withResolvers<void>();
  late.only = "review.refused"; // cy is barred
  late.answer = answered.promise;
  const reviewed = here.review("cy", asked);
  for (let turns = 0; turns < 20; turns += 1) await turn();
  const known = await loadRequest(there.ctx, asked.opened.id);
  assert.equal(known?.version, asked.version + 1);
  const denied = await there.review("eve", known, "deny");
  assert.ok(!("refused" in denied), JSON.stringify(denied));
  await follower.catchUp();
  answered.resolve();
  await reviewed;
  assert.equal(lines.at(-1), lineOf(denied));
  assert.equal(lines.length, 2);
  assert.equal(here.ctx.around.latest.of(asked.opened.id), null);
});
