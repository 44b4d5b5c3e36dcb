import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instant } from "../../src/core/brand.ts";
import { Stated, STATEMENTS_MAX, type Statement } from "../../src/engine/stated.ts";

test("statements that are over make room, whenever they ended, and one about the same thing needs none", () => {
  const stated = new Stated();
  const about = (id: number): Statement["about"] => ({ resource: { type: "table", id: String(id) } });
  const statement = (id: number, until: number): Statement => {
    return { about: about(id), facts: [{ name: "rows", value: id }], source: "test", until: until as Instant };
  };
  for (let id = 0; id < STATEMENTS_MAX; id++) stated.put(statement(id, id === 0 ? 100 : 200));
  assert.equal(stated.isFull(about(STATEMENTS_MAX), 99 as Instant), true);
  assert.equal(stated.isFull(about(7), 99 as Instant), false, "it replaces the one before it");
  assert.equal(stated.isFull(about(STATEMENTS_MAX), 100 as Instant), false);
  const gone = stated.documents(statement(STATEMENTS_MAX, 300), 100 as Instant).filter(({ body }) => body === null);
  assert.equal(gone.length, 1);
  // Not all in one commit, when many end together.
  const swept = stated.documents(statement(STATEMENTS_MAX, 300), 250 as Instant).filter(({ body }) => body === null);
  assert.ok(swept.length > 1 && swept.length < STATEMENTS_MAX, String(swept.length));
});
