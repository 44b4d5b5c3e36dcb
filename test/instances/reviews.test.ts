// Reviews at one instance of what another one changes in the same moment.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Append } from "../../src/ports/store.ts";
import { WatchedStore } from "../../src/server/watched.ts";
import { exportRows } from "../support/actions.ts";
import { HandClock } from "../support/clock.ts";
import { approve, codeOf, hold, review, type Held } from "../support/flow.ts";
import type { Client, House } from "../support/house.ts";
import { Instances, skip, startDatabase } from "../support/instances.ts";
import type { Postgres } from "../support/postgres.ts";
import { until } from "../support/process.ts";
import { DIRECTORY, edited } from "../support/rules.ts";

const GONE = edited(DIRECTORY, "    name: Ann Achterberg", "    active: false\n    name: Ann Achterberg");
const ELSEWHERE = edited(DIRECTORY, "data-owners: [ann, bob,", "data-owners: [bob,");

/** What happens at another instance, between what the reviewer's has read last and its commit; and what the review comes to. */
const CHANGES: readonly {
  readonly what: string;
  readonly change: (here: House, ann: Client, held: Held) => Promise<unknown>;
  readonly code: string;
  /** What the ledger then tells of the review. */
  readonly told?: readonly string[];
}[] = [
  {
    what: "whoever is deactivated",
    change: (here) => here.change({ directory: GONE }),
    code: "unauthenticated",
  },
  {
    what: "whoever leaves the group",
    change: (here) => here.change({ directory: ELSEWHERE }),
    code: "not_in_group",
    told: ["review.refused"],
  },
  {
    what: "whoever signs out",
    change: (here, ann) => here.as(ann.token).post("/v1/sign-out", {}),
    code: "unauthenticated",
  },
  {
    what: "whoever is late",
    change: async (here, _, held) => review(await here.person("bob"), held, "deny"),
    code: "request_closed",
  },
];

/** Appends that were decided on what was known, and what became of them. */
function triesOf(store: WatchedStore): { readonly at: Append["at"]; status: string }[] {
  const tries: { at: Append["at"]; status: string }[] = [];
  store.watch(({ at }, result) => {
    if (at === undefined) return;
    const one = { at, status: "asked" };
    tries.push(one);
    void result.then(({ status }) => (one.status = status));
  });
  return tries;
}

function storeOf(house: House): WatchedStore {
  assert.ok(house.store instanceof WatchedStore);
  return house.store;
}

void describe("reviews at several instances", { skip }, () => {
  let postgres: Postgres;
  before(async () => {
    postgres = await startDatabase();
  });
  after(() => postgres.stop());

  for (const { what, change, code, told = [] } of CHANGES) {
    void test(`${what} at one instance decides nothing at another that has not heard of it`, async () => {
      // The clock stands still: what is remembered of a session is not read again by itself.
      const clock = new HandClock(Date.now());
      await using pair = await Instances.open({ url: postgres.url("app"), count: 2, clock });
      const [here, there] = [pair.one(0), pair.one(1)];
      const held = await hold(await here.gate(), exportRows(100));
      const ann = there.as((await here.person("ann")).token);
      await until("all is known there", async () => there.knownSize === (await here.size()));
      assert.equal((await ann.get("/v1/me")).status, 200);
      // From here on news does not come through, until it is too late for the first try.
      const store = storeOf(there);
      const tries = triesOf(store);
      const { range } = store;
      store.range = (...given) => (tries.length === 0 ? Promise.resolve([]) : range(...given));
      await change(here, ann, held);
      const size = await here.size();
      const asked = performance.now();
      assert.equal(codeOf(await review(ann, held)), code);
      const isTriedAgain = there.knownSize !== null;
      assert.ok(!isTriedAgain || performance.now() - asked > 900, "not at once: others are busy");
      assert.deepEqual(
        tries.map(({ status }) => status),
        ["conflict"],
      );
      const entries = await here.entries(size);
      assert.deepEqual(
        entries.filter(({ stream }) => stream === `request/${held.id}`).map(({ type }) => type),
        told,
      );
    });
  }

  void test("an instance that knows all commits a review without reading first, and proves that it did", async () => {
    await using pair = await Instances.open({ url: postgres.url("app"), count: 2 });
    const [here, there] = [pair.one(0), pair.one(1)];
    const [gate, ann] = [await there.gate(), await here.person("ann")];
    const store = storeOf(here);
    const tries = triesOf(store);
    let reads = 0;
    const { range } = store;
    store.range = (...given) => {
      reads += 1;
      return range(...given);
    };
    const seen: object[] = [];
    const expected: object[] = [];
    // Some rounds, because now and then it looks for news by itself.
    for (let round = 0; round < 4; round += 1) {
      const held = await hold(gate, exportRows(100 + round));
      await until("all is known here", async () => here.knownSize === (await there.size()));
      const at = here.knownSize;
      [reads, tries.length] = [0, 0];
      await approve(ann, held);
      seen.push({ reads, tries: [...tries] });
      expected.push({ reads: 0, tries: [{ at, status: "appended" }] });
    }
    assert.ok(
      seen.filter((one, round) => JSON.stringify(one) === JSON.stringify(expected[round])).length >= 2,
      JSON.stringify({ seen, expected }),
    );
  });
});
