import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "../../src/core/errors.ts";
import { Inbox, loadRequest } from "../../src/engine/index.ts";
import type { RequestState } from "../../src/core/approval/index.ts";
import { ChannelError } from "../../src/ports/channel.ts";
import type { Click, Clickable, ClickAnswer, UsedLogin, Vouched } from "../../src/ports/channel.ts";
import type { Store } from "../../src/ports/store.ts";
import { dropTable, exportRows } from "../support/actions.ts";
import { Bench } from "../support/bench.ts";
import { MINUTE, SECOND } from "../support/clock.ts";
import { DIRECTORY, edited } from "../support/rules.ts";
import { Board, DOWN } from "./board.ts";

const CHAT = "https://chat.example.com";
const LINKED = edited(DIRECTORY, "subject: U-ANN, strength: L2", "subject: U-ANN, strength: L3");
const never = new AbortController().signal;
const OK: Vouched = { status: "vouched", name: "Ann", email: "ann@example.com" };

/** A board on which people click: what they are told is written down. */
class ClickBoard extends Board implements Clickable {
  readonly told: ClickAnswer[] = [];
  vouches: (click: Click) => Promise<Vouched> = () => Promise.resolve(OK);
  listen(): Promise<void> {
    return Promise.resolve();
  }
  vouch(click: Click): Promise<Vouched> {
    return this.vouches(click);
  }
  answer(_: Click, said: ClickAnswer): Promise<void> {
    this.told.push(said);
    return Promise.resolve();
  }
}

type Made = { readonly inbox: Inbox; readonly offered: UsedLogin[]; readonly results: string[] };

function inboxOf(bench: Bench, board: Clickable, store: Store = bench.ctx.store): Made {
  const offered: UsedLogin[] = [];
  const results: string[] = [];
  const inbox = new Inbox({
    ctx: { ...bench.ctx, store },
    channels: [board],
    page: (id) => `https://keyturn.example/requests/${id}`,
    offerLink: (login) => {
      offered.push(login);
      return Promise.resolve("https://keyturn.example/accounts#link=1");
    },
    onResult: (_, result) => results.push(result),
  });
  return { inbox, offered, results };
}

function clickOn(bench: Bench, { opened }: RequestState, subject: string, nonce: string): Click {
  const intent = {
    channel: "board",
    account: { issuer: CHAT, subject },
    request: opened.id,
    digest: opened.digest,
    card: null,
    verdict: "approve",
    reason: null,
    nonce,
  } as const;
  return { intent, at: bench.clock.now(), reply: { place: "here" } };
}

test("a click is kept, decided once, and answered; each answer is the channel's to say", async () => {
  using bench = new Bench({}, { directory: LINKED });
  const board = new ClickBoard();
  const { inbox, offered, results } = inboxOf(bench, board);
  const medium = await bench.ask(dropTable("orders"));
  const high = await bench.ask(exportRows(12_000));
  const one = clickOn(bench, medium, "U-ANN", "one");
  assert.deepEqual([await inbox.take(one), await inbox.take(one)], ["taken", "seen"]);
  assert.equal((await loadRequest(bench.ctx, medium.opened.id))?.reviews.length, 0, "not before it is acknowledged");
  await inbox.step(never);
  assert.equal(await inbox.take(one), "seen", "for ever");
  await inbox.take(clickOn(bench, high, "U-ANN", "two"));
  await inbox.step(never);
  await inbox.take(clickOn(bench, medium, "U-NOBODY", "three"));
  await inbox.step(never);
  assert.deepEqual(
    board.told.map(({ status }) => status),
    ["recorded", "page", "unlinked"],
  );
  assert.deepEqual(results, ["seen", "recorded", "seen", "page", "unlinked"]);
  const evidence = `clicked in board at ${new Date(bench.clock.now()).toISOString()}`;
  assert.deepEqual(offered, [{ issuer: CHAT, subject: "U-NOBODY", name: "Ann", email: "ann@example.com", evidence }]);
  assert.equal((await bench.store.documents("click")).length, 0);
});

test("what two instances take is decided by the one that took it; the other steps in when that one is gone", async () => {
  using bench = new Bench({}, { directory: LINKED });
  const [here, there] = [new ClickBoard(), new ClickBoard()];
  const [first, second] = [inboxOf(bench, here), inboxOf(bench, there)];
  await second.inbox.step(never); // it has started before
  const state = await bench.ask(dropTable("orders"));
  await first.inbox.take(clickOn(bench, state, "U-ANN", "one"));
  bench.clock.pass(SECOND);
  await second.inbox.step(never);
  assert.equal(there.told.length, 0);
  bench.clock.pass(MINUTE);
  await second.inbox.step(never);
  assert.deepEqual([here.told.length, there.told.length], [0, 1]);
  await first.inbox.step(never);
  assert.equal(here.told.length, 0, "it is done");
});

test("a click that another instance decided after ours had failed is not waited for any more", async () => {
  using bench = new Bench({}, { directory: LINKED });
  let reads = 0;
  const counted = new Proxy(bench.ctx.store, {
    get: (store, name) => {
      const member: unknown = Reflect.get(store, name);
      if (name === "documents") reads += 1;
      return typeof member === "function" ? member.bind(store) : member;
    },
  });
  const [here, there] = [new ClickBoard(), new ClickBoard()];
  const [ours, other] = [inboxOf(bench, here, counted), inboxOf(bench, there)];
  here.vouches = () => Promise.reject(DOWN);
  await ours.inbox.take(clickOn(bench, await bench.ask(dropTable("orders")), "U-ANN", "one"));
  await ours.inbox.step(never);
  bench.clock.pass(MINUTE);
  assert.equal(await other.inbox.step(never), 1);
  await ours.inbox.step(never); // finds nothing, and lets go of it
  const before = reads;
  await ours.inbox.step(never);
  assert.equal(reads, before, "nothing is ours, so nobody is asked");
});

test("while the service vouches for nobody nothing is decided, and what it doubts never is", async () => {
  using bench = new Bench({}, { directory: LINKED });
  const board = new ClickBoard();
  const { inbox, results } = inboxOf(bench, board);
  const state = await bench.ask(dropTable("orders"));
  const reviews = async (): Promise<number> => (await loadRequest(bench.ctx, state.opened.id))?.reviews.length ?? -1;
  board.vouches = () => Promise.reject(DOWN);
  await inbox.take(clickOn(bench, state, "U-ANN", "one"));
  for (let n = 0; n < 3; n += 1) {
    await inbox.step(never);
    bench.clock.pass(MINUTE);
  }
  assert.deepEqual([await reviews(), board.told.length], [0, 0]);
  board.vouches = () => Promise.resolve({ status: "doubted", because: "A bot decides nothing." });
  await inbox.step(never);
  assert.deepEqual(board.told, [{ status: "refused", because: "A bot decides nothing." }]);
  assert.equal(await reviews(), 0);
  board.vouches = () => Promise.reject(new TypeError("a fault of the channel's code"));
  await inbox.take(clickOn(bench, state, "U-ANN", "two"));
  for (let n = 0; n < 40; n += 1) {
    await inbox.step(never);
    bench.clock.pass(MINUTE);
  }
  assert.equal(board.told.at(-1)?.status, "late");
  assert.equal(await reviews(), 0);
  assert.deepEqual(results, ["refused", "late"]);
});

test("a click that is too large, came too slowly, or is one too many is not kept", async () => {
  using bench = new Bench({}, { directory: LINKED });
  const { inbox } = inboxOf(bench, new ClickBoard());
  const state = await bench.ask(dropTable("orders"));
  const click = clickOn(bench, state, "U-ANN", "one");
  await assert.rejects(inbox.take({ ...click, reply: { text: "x".repeat(3000) } }), InputError);
  bench.clock.pass(4 * SECOND);
  assert.equal(await inbox.take(click), "late");
  await inbox.step(never);
  assert.equal((await loadRequest(bench.ctx, state.opened.id))?.reviews.length, 0);
  for (let n = 0; n < 2000; n += 1) await inbox.take(clickOn(bench, state, "U-ANN", `many-${n}`));
  await assert.rejects(inbox.take(clickOn(bench, state, "U-ANN", "more")), ChannelError);
});
