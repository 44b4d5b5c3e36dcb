import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { entry, everything, instant, snapshot, stream } from "./changes.ts";
import type { Open } from "./changes.ts";

/** How a store ends, and what it remembers. */
export function lifeContract(open: Open): void {
  void test("closing lets what was asked before finish, and refuses what comes after", async () => {
    const { store, dispose } = await open();
    const asked = Array.from({ length: 40 }, (_, at) => store.append({ entries: [entry(`s/${at}`, 0)] }));
    const read = store.stream(stream("unknown"));
    const closed = store[Symbol.asyncDispose]();
    const late = store.append({ entries: [entry("late", 0)] });
    await assert.rejects(late, { name: "StoreError", code: "store_closed" });
    const results = await Promise.all(asked);
    assert.deepEqual(new Set(results.map((result) => result.status)), new Set(["appended"]));
    assert.deepEqual(await read, []);
    await closed;
    await store[Symbol.asyncDispose](); // twice is once
    const calls: [string, Promise<unknown>][] = [
      ["append", store.append(everything("x"))],
      ["stream", store.stream(stream("s"))],
      ["range", store.range(0, 1)],
      ["head", store.head()],
      ["subtrees", store.subtrees([])],
      ["slot", store.slot("k")],
      ["requests", store.requests({ limit: 1 })],
      ["dueTimers", store.dueTimers(instant(0), 1)],
      ["nextTimer", store.nextTimer()],
      ["takeMessages", store.takeMessages(instant(0), 1, instant(1))],
      ["messages", store.messages(1)],
      ["messageDone", store.messageDone("m")],
      ["forget", store.forget()],
      ["messageRetry", store.messageRetry("m", instant(0))],
      ["document", store.document("policy", "d")],
      ["documents", store.documents("policy")],
    ];
    for (const [title, call] of calls) await assert.rejects(call, { code: "store_closed" }, title);
    assert.equal(await Promise.race([store.fault, sleep(20, "no fault")]), "no fault");
    await dispose();
  });

  void test("a store that outlives its process comes back as it was", async (context) => {
    const { store, reopen, dispose } = await open();
    try {
      if (reopen === undefined) return context.skip("this store forgets");
      for (const tag of ["a", "b", "c"]) await store.append(everything(tag));
      assert.equal((await store.takeMessages(instant(9), 1, instant(70))).length, 1);
      await store.messageRetry("a-message", instant(77));
      await store.messageDone("b-message");
      await store.append({ entries: [entry("a/a", 2)], slots: [{ free: "b-slot" }], timers: [{ clear: "c-timer" }] });
      const before = await snapshot(store, ["a-slot", "b-slot", "c-slot"]);
      const again = await reopen();
      assert.deepEqual(await snapshot(again, ["a-slot", "b-slot", "c-slot"]), before);
      assert.equal((await again.append(everything("a"))).status, "duplicate");
      const stale = await again.append({ entries: [entry("a/a", 2)] });
      assert.deepEqual(stale, { status: "conflict", on: "version", stream: "a/a", expected: 2, actual: 3 });
      assert.deepEqual(await again.append({ entries: [entry("a/a", 3)] }), { status: "appended", index: 10, size: 11 });
    } finally {
      await dispose();
    }
  });
}
