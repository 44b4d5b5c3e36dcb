import assert from "node:assert/strict";
import type { Append, AppendResult, SlotChange } from "../../../src/ports/store.ts";
import { openMemoryStore } from "../../../src/stores/memory/index.ts";
import { entry, everything, snapshot, stream } from "./changes.ts";
import type { Open } from "./changes.ts";
import { scenesOn } from "./scene.ts";

/** What `append` promises of slots, and of a conflict in the middle of a commit. */
export function slotContract(open: Open): void {
  const scene = scenesOn(open);

  scene("of many that take the same slot exactly one wins", async (store) => {
    const racers = Array.from({ length: 32 }, (_, at) =>
      store.append({
        entries: [entry(`racer/${at}`, 0)],
        slots: [{ take: "prize", holder: stream(`racer/${at}`), owner: `owner ${at}`, ownerMax: 1 }],
      }),
    );
    const results = await Promise.all(racers);
    const winner = results.findIndex((result) => result.status === "appended");
    assert.equal(await store.slot("prize"), `racer/${winner}`);
    assert.equal((await store.head()).size, 1);
    for (const [at, result] of results.entries()) {
      if (at === winner) continue;
      assert.deepEqual(result, { status: "conflict", on: "slot", slot: "prize", holder: `racer/${winner}` });
    }
  });

  const hold = (take: string, holder: string, owner: string, ownerMax: number): SlotChange => ({
    take,
    holder: stream(holder),
    owner,
    ownerMax,
  });

  // What breaks the append in the middle, whose rows of every other kind must then be nowhere.
  const broken: [string, Partial<Append>, Partial<AppendResult>][] = [
    ["version", { entries: [entry("bad/a", 0), entry("old/a", 0)] }, { on: "version" }],
    ["slot", { slots: [hold("bad", "bad/a", "bad", 9), hold("old-slot", "bad/a", "bad", 9)] }, { on: "slot" }],
    ["owner", { slots: [hold("bad", "bad/a", "bad", 9), hold("bad-2", "bad/a", "bad", 1)] }, { on: "owner" }],
    [
      "slot after a free",
      { slots: [{ free: "old-slot" }, hold("old-slot", "bad/a", "bad", 9), hold("old-slot", "bad/b", "bad", 9)] },
      { on: "slot" },
    ],
    [
      "slot of a neighbour",
      { slots: [hold("bad", "bad/a", "bad", 9), hold("left-slot", "bad/a", "bad", 9)] },
      { on: "slot" },
    ],
    ["version of a neighbour", { entries: [entry("bad/a", 0), entry("left/b", 0)] }, { on: "version" }],
  ];
  for (const [title, breaking, expected] of broken) {
    scene(`a conflict (${title}) writes nothing and spares its neighbours in the same commit`, async (store) => {
      await store.append(everything("old"));
      const change = {
        ...everything("bad"),
        documents: [{ kind: "policy", id: "old-document", body: null }],
        ...breaking,
      };
      const [left, bad, right] = await Promise.all([
        store.append(everything("left")),
        store.append(change),
        store.append(everything("right")),
      ]);
      assert.deepEqual(left, { status: "appended", index: 3, size: 6 });
      assert.deepEqual({ ...bad, ...expected }, bad);
      assert.deepEqual(right, { status: "appended", index: 6, size: 9 });
      const twin = openMemoryStore();
      for (const tag of ["old", "left", "right"]) await twin.append(everything(tag));
      const slots = ["old-slot", "left-slot", "right-slot", "bad", "bad-2", "bad-slot"];
      assert.deepEqual(await snapshot(store, slots), await snapshot(twin, slots));
      const key = await store.append({ entries: [], idempotency: { key: "bad-key", fingerprint: "", answer: {} } });
      assert.equal(key.status, "appended");
    });
  }

  const slotTable: [string, SlotChange[], "appended" | "slot" | "owner", { [key: string]: string | null }][] = [
    ["a free slot is taken", [hold("k", "s", "o", 1)], "appended", { k: "s" }],
    ["an owner with no places takes nothing", [hold("k", "s", "o", 0)], "owner", { k: null }],
    ["taken twice by the same stream", [hold("k", "s", "o", 1), hold("k", "s", "o", 1)], "appended", { k: "s" }],
    ["taken by two streams", [hold("k", "s", "o", 9), hold("k", "t", "p", 9)], "slot", { k: null }],
    [
      "freed, then taken by another",
      [hold("k", "s", "o", 1), { free: "k" }, hold("k", "t", "o", 1)],
      "appended",
      { k: "t" },
    ],
    ["taken, then freed", [hold("k", "s", "o", 1), { free: "k" }], "appended", { k: null }],
    ["one place, two slots", [hold("k", "s", "o", 1), hold("l", "s", "o", 1)], "owner", { k: null, l: null }],
    [
      "one place given back in time",
      [hold("k", "s", "o", 1), { free: "k" }, hold("l", "s", "o", 1)],
      "appended",
      { k: null, l: "s" },
    ],
    ["two owners, a place each", [hold("k", "s", "o", 1), hold("l", "s", "p", 1)], "appended", { k: "s", l: "s" }],
    [
      "moved to a full owner",
      [hold("k", "s", "o", 1), hold("l", "s", "p", 1), hold("k", "s", "p", 1)],
      "owner",
      { k: null, l: null },
    ],
    [
      "moved, so the old owner has room",
      [hold("k", "s", "o", 1), hold("k", "s", "p", 1), hold("l", "s", "o", 1)],
      "appended",
      { k: "s", l: "s" },
    ],
    ["nobody's slot is freed", [{ free: "never" }], "appended", { never: null }],
    ["nobody holds it", [{ unheld: "k" }], "appended", { k: null }],
    ["somebody holds it", [hold("k", "s", "o", 1), { unheld: "k" }], "slot", { k: null }],
    ["it was freed in time", [hold("k", "s", "o", 1), { free: "k" }, { unheld: "k" }], "appended", { k: null }],
    ["nobody holds it yet", [{ unheld: "k" }, hold("k", "s", "o", 1)], "appended", { k: "s" }],
  ];
  scene("slots change in their order, each seeing the ones before it", async (store) => {
    for (const [title, changes, expected, held] of slotTable) {
      const own = (name: string): string => `${title}: ${name}`; // each row has keys and owners of its own
      const slots = changes.map((change) =>
        "take" in change
          ? { ...change, take: own(change.take), owner: own(change.owner) }
          : "free" in change
            ? { free: own(change.free) }
            : { unheld: own(change.unheld) },
      );
      const result = await store.append({ entries: [], slots });
      assert.equal(result.status === "conflict" ? result.on : result.status, expected, title);
      for (const [key, holder] of Object.entries(held)) assert.equal(await store.slot(own(key)), holder, title);
    }
  });

  scene("slots outlive their append, and their owner's places are counted over all", async (store) => {
    for (const at of [0, 1, 2]) {
      assert.equal(
        (await store.append({ entries: [], slots: [hold(`k${at}`, `s/${at}`, "o", 3)] })).status,
        "appended",
      );
    }
    const full = await store.append({ entries: [], slots: [hold("k3", "s/3", "o", 3)] });
    assert.deepEqual(full, { status: "conflict", on: "owner", owner: "o", held: 3 });
    const slot = await store.append({ entries: [], slots: [hold("k1", "s/3", "o", 3)] });
    assert.deepEqual(slot, { status: "conflict", on: "slot", slot: "k1", holder: "s/1" });
    await store.append({ entries: [], slots: [{ free: "k1" }] });
    assert.equal((await store.append({ entries: [], slots: [hold("k3", "s/3", "o", 3)] })).status, "appended");
  });
}
