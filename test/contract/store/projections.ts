import assert from "node:assert/strict";
import type { AgentId } from "../../../src/core/brand.ts";
import type { RequestStatus } from "../../../src/core/approval/index.ts";
import type { Append, RequestFilter, RequestRow, Store } from "../../../src/ports/store.ts";
import { EVER, STATUSES, entry, instant, message, request, snapshot, stream } from "./changes.ts";
import type { Open } from "./changes.ts";
import { scenesOn } from "./scene.ts";

/** What is kept beside the entries: requests, timers, outbox, documents. */
export function projectionContract(open: Open): void {
  const scene = scenesOn(open);

  scene("an append keeps however many of each kind it has, and lets as many go", async (store) => {
    // Stores may write few of them in another way than many.
    for (const count of [0, 1, 2, 4, 5, 40]) {
      const names = Array.from({ length: count }, (_, at) => `${String(count).padStart(2, "0")}-${at}`);
      const before = await snapshot(store);
      const change = (isPut: boolean): Append => ({
        entries: names.map((name) => entry(name, isPut ? 0 : 1)),
        slots: names.map((name) =>
          isPut ? { take: name, holder: stream(name), owner: "o", ownerMax: 99 } : { free: name },
        ),
        requests: names.map((name) => request(name, count, isPut ? "pending" : "denied")),
        timers: names.map((name) =>
          isPut ? { set: name, dueAt: instant(count), kind: "expire", stream: stream(name) } : { clear: name },
        ),
        documents: names.map((name) => ({ kind: "policy", id: name, body: isPut ? { name } : null })),
      });
      await store.append({ ...change(true), idempotency: { key: `k${count}`, fingerprint: "f", answer: {} } });
      const put = await snapshot(store, names);
      assert.equal(put.head.size, before.head.size + count);
      assert.deepEqual(put.slots, names.map(stream));
      assert.deepEqual(
        put.requests
          .slice(0, count)
          .map(({ id }) => String(id))
          .toSorted(),
        names.toSorted(),
      );
      assert.deepEqual(put.timers.map(({ id }) => id).toSorted(), names.toSorted());
      assert.deepEqual(
        put.documents[0]?.map(({ id }) => id),
        names.toSorted(),
      );
      await store.append(change(false));
      const gone = await snapshot(store, names);
      assert.deepEqual(
        gone.entries.slice(before.entries.length).map(({ stream: of }) => String(of)),
        [...names, ...names],
      );
      assert.ok(gone.slots.every((holder) => holder === null));
      assert.deepEqual(
        new Set(gone.requests.slice(0, count).map(({ status }) => status)),
        new Set(count === 0 ? [] : ["denied"]),
      );
      assert.deepEqual([gone.timers, gone.documents[0]], [[], []]);
    }
  });

  scene("requests are listed newest first, filtered, and paged by a cursor", async (store) => {
    // Three share each instant, so that pages also break inside one; ids do not follow the order of appends.
    const rows = Array.from({ length: 60 }, (_, at) => {
      const id = `r${String((at * 37) % 60).padStart(2, "0")}`;
      return request(id, 1000 + Math.floor(at / 3), STATUSES[at % STATUSES.length], `agent-${at % 4}`);
    });
    for (const row of rows) await store.append({ entries: [], requests: [row] });
    const agents: (string | undefined)[] = [undefined, "agent-0", "agent-3", "agent-9"];
    const statuses: (readonly RequestStatus[] | undefined)[] = [
      undefined,
      [],
      ["pending"],
      ["denied", "pending", "denied"],
      STATUSES,
    ];
    for (const agent of agents) {
      for (const status of statuses) {
        const expected = rows
          .filter((row) => agent === undefined || row.agent === agent)
          .filter((row) => status === undefined || status.includes(row.status))
          .toSorted((a, b) => b.openedAt - a.openedAt || (a.id < b.id ? 1 : -1));
        for (const limit of [1, 2, 7, 100]) {
          const filter = {
            ...(agent === undefined ? {} : { agent: agent as AgentId }),
            ...(status === undefined ? {} : { status }),
          };
          assert.deepEqual(
            await pages(store, { ...filter, limit }),
            expected,
            JSON.stringify({ agent, status, limit }),
          );
        }
      }
    }
    assert.deepEqual(await store.requests({ limit: 0 }), []);
  });

  scene("a request that moves on is found under its new status only", async (store) => {
    await store.append({ entries: [], requests: [request("a", 1), request("b", 2)] });
    const approved = { ...request("a", 1, "approved", "agent-2"), view: { other: true } };
    await store.append({ entries: [], requests: [approved] });
    const list = async (filter: Omit<RequestFilter, "limit">): Promise<string[]> =>
      (await store.requests({ ...filter, limit: 9 })).map((row) => row.id);
    assert.deepEqual(await list({ status: ["pending"] }), ["b"]);
    assert.deepEqual(await list({ status: ["approved"] }), ["a"]);
    assert.deepEqual(await list({ agent: "agent-1" as AgentId }), ["b"]);
    assert.deepEqual(await store.requests({ status: ["approved"], limit: 9 }), [approved]);
  });

  scene("timers come due in order, and stay until an append clears or moves them", async (store) => {
    assert.equal(await store.nextTimer(), null);
    const set = (id: string, dueAt: number, kind: string = "expire") => ({
      set: id,
      dueAt: instant(dueAt),
      kind,
      stream: stream(`s/${id}`),
    });
    await store.append({
      entries: [],
      timers: [set("c", 30), set("a", 10), set("b2", 20), set("b1", 20), set("past", -5)],
    });
    const due = async (now: number, limit: number = 9): Promise<string[]> =>
      (await store.dueTimers(instant(now), limit)).map((timer) => timer.id);
    assert.equal(await store.nextTimer(), -5);
    assert.deepEqual(await due(-6), []);
    assert.deepEqual(await due(19), ["past", "a"]);
    assert.deepEqual(await due(20), ["past", "a", "b1", "b2"]);
    assert.deepEqual(await due(20, 3), ["past", "a", "b1"]);
    assert.deepEqual(await due(20), ["past", "a", "b1", "b2"]); // looking takes nothing away
    await store.append({
      entries: [],
      timers: [{ clear: "past" }, { clear: "unknown" }, set("a", 40, "other"), { clear: "c" }, set("c", 35)],
    });
    assert.equal(await store.nextTimer(), 20);
    assert.deepEqual(await store.dueTimers(EVER, 9), [
      { id: "b1", dueAt: 20, kind: "expire", stream: "s/b1" },
      { id: "b2", dueAt: 20, kind: "expire", stream: "s/b2" },
      { id: "c", dueAt: 35, kind: "expire", stream: "s/c" },
      { id: "a", dueAt: 40, kind: "other", stream: "s/a" },
    ]);
  });

  scene("messages wait until they are done; who takes one puts it off and counts an attempt", async (store) => {
    await store.append({ entries: [], outbox: [message("late", 30), message("z", 10), message("a", 10)] });
    const take = async (now: number, until: number, limit: number = 9): Promise<[string, number, number][]> => {
      const taken = await store.takeMessages(instant(now), limit, instant(until));
      return taken.map((one) => [one.id, one.attempts, one.notBefore]);
    };
    const look = async (): Promise<[string, number, number][]> =>
      (await store.messages(9)).map((one) => [one.id, one.attempts, one.notBefore]);
    assert.deepEqual(await take(9, 99), []);
    assert.deepEqual(await take(10, 15, 1), [["z", 1, 15]]); // in the order of appends, not of ids
    assert.deepEqual(await take(10, 20), [["a", 1, 20]]);
    assert.deepEqual(await take(14, 99), []); // both are held
    assert.deepEqual(await take(15, 40, 0), []);
    assert.deepEqual(await look(), [
      ["z", 1, 15],
      ["a", 1, 20],
      ["late", 0, 30],
    ]);
    await store.messageRetry("z", instant(25)); // moves it, and counts nothing
    await store.messageRetry("unknown", instant(25));
    assert.deepEqual(await take(30, 50), [
      ["a", 2, 50],
      ["z", 2, 50],
      ["late", 1, 50],
    ]);
    await store.messageDone("a");
    await store.messageDone("unknown");
    assert.deepEqual(await look(), [
      ["late", 1, 50],
      ["z", 2, 50],
    ]);
    await store.append({ entries: [], outbox: [message("z", 1, "again"), message("a", 40, "again")] });
    assert.deepEqual(await store.messages(9), [
      { ...message("a", 40, "again"), attempts: 0 }, // was done: a new one
      { ...message("late", 50), attempts: 1 },
      { ...message("z", 50), attempts: 2 }, // still waits: the first one stands
    ]);
    assert.deepEqual(await store.messages(1), [{ ...message("a", 40, "again"), attempts: 0 }]);
  });

  scene("of many who take messages at once each gets others", async (store) => {
    const ids = Array.from({ length: 40 }, (_, at) => `m${at}`);
    await store.append({ entries: [], outbox: ids.map((id) => message(id, 5)) });
    const takers = Array.from({ length: 10 }, () => store.takeMessages(instant(5), 7, instant(9)));
    const taken = (await Promise.all(takers)).flat();
    assert.deepEqual(taken.map((one) => one.id).toSorted(), ids.toSorted());
    assert.ok(taken.every((one) => one.attempts === 1));
  });

  scene("documents are put, replaced and deleted, each kind by itself", async (store) => {
    const put = (kind: string, id: string, body: { [key: string]: string } | null) => ({ kind, id, body });
    await store.append({
      entries: [],
      documents: [
        put("policy", "\u{1f511}", { n: "1" }),
        put("policy", "\uff4b", { n: "2" }),
        put("policy", "a", { n: "3" }),
        put("token", "a", { n: "4" }),
      ],
    });
    assert.deepEqual(await store.documents("policy"), [
      put("policy", "a", { n: "3" }),
      put("policy", "\uff4b", { n: "2" }),
      put("policy", "\u{1f511}", { n: "1" }), // code points, not UTF-16 units
    ]);
    await store.append({
      entries: [],
      documents: [put("policy", "a", { n: "5" }), put("policy", "\uff4b", null), put("policy", "unknown", null)],
    });
    await store.append({
      entries: [],
      documents: [put("policy", "b", { n: "6" }), put("policy", "b", null), put("policy", "b", { n: "7" })],
    });
    assert.deepEqual(await store.document("policy", "a"), put("policy", "a", { n: "5" }));
    assert.deepEqual(await store.document("policy", "b"), put("policy", "b", { n: "7" }));
    assert.deepEqual(await store.document("token", "a"), put("token", "a", { n: "4" }));
    assert.equal(await store.document("policy", "\uff4b"), null);
    assert.equal(await store.document("session", "a"), null);
    assert.deepEqual(await store.documents("session"), []);
    assert.equal((await store.head()).size, 0); // documents are not history
  });
}

async function pages(store: Store, filter: RequestFilter): Promise<RequestRow[]> {
  const rows: RequestRow[] = [];
  for (;;) {
    const last = rows.at(-1);
    const before = last === undefined ? {} : { before: { openedAt: last.openedAt, id: last.id } };
    const page = await store.requests({ ...filter, ...before });
    assert.ok(page.length <= filter.limit);
    rows.push(...page);
    if (page.length < filter.limit) return rows;
  }
}
