// A change that people agreed to comes into force once, whenever the server dies in between.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openSqliteStore } from "../../src/stores/sqlite/index.ts";
import { FailingStore, type Fault } from "../support/failing-store.ts";
import { approve } from "../support/flow.ts";
import { House } from "../support/house.ts";
import { at, textAt } from "../support/json.ts";
import { DIRECTORY, edited, RuleFiles } from "../support/rules.ts";

const ADMINS = `${edited(DIRECTORY, "groups:\n", "groups:\n  admins: [eve, fay]\n")}roles:\n  admin: [admins]\n`;

const points: readonly (readonly [type: string, fault: Fault])[] = [
  ["permit.redeemed", "before"],
  ["permit.redeemed", "after"],
  ["directory.changed", "before"],
  ["directory.changed", "after"],
  ["action.completed", "before"],
  ["action.completed", "after"],
];
for (const [type, fault] of points) {
  test(`default.crash: what administrators agreed to is in force once after a failure ${fault} \`${type}\``, async () => {
    const files = new RuleFiles({ directory: ADMINS });
    mkdirSync(join(files.dir, "data"), { mode: 0o700 });
    const store = new FailingStore(await openSqliteStore({ path: join(files.dir, "data", "keyturn.db") }));
    const house = await House.over(files, { store });
    house.ended.catch(() => undefined);
    const [eve, fay] = [await house.person("eve"), await house.person("fay")];
    const asked = await eve.post("/v1/groups/data-owners/members", { add: ["eve"] });
    const id = textAt(asked.body, "request");
    const digest = textAt((await fay.get(`/v1/requests/${id}`)).body, "digest");
    store.failOn(type, fault);
    await approve(fay, { id, digest, evaluation: "", approval: "" });
    await store.fault;
    await house.stop().catch(() => undefined);

    const again = await House.over(files);
    try {
      const { body } = await again.operator.get("/v1/groups");
      const groups = at(body, "groups") as readonly { readonly group: string; readonly members: readonly string[] }[];
      const owners = groups.find(({ group }) => group === "data-owners")?.members ?? [];
      assert.equal(owners.filter((person) => person === "eve").length, 1);
      const types = (await again.entries())
        .filter(({ stream }) => stream === `request/${id}`)
        .map((entry) => entry.type);
      assert.equal(types.filter((each) => each === "permit.redeemed").length, 1);
      assert.equal(types.filter((each) => each === "action.completed").length, 1);
      assert.deepEqual(at((await again.operator.get("/v1/directory/pending")).body, "pending"), []);
      assert.equal((await again.entries()).filter((entry) => entry.type === "directory.changed").length, 2);
    } finally {
      await again[Symbol.asyncDispose]();
    }
  });
}
