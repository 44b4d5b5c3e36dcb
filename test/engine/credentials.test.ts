import assert from "node:assert/strict";
import { test } from "node:test";
import type { PersonId } from "../../src/core/brand.ts";
import { Credentials } from "../../src/engine/index.ts";
import { WatchedStore } from "../../src/server/watched.ts";
import { openMemoryStore } from "../../src/stores/memory/index.ts";
import { Bench } from "../support/bench.ts";

test("a session that ends elsewhere while it is being read here is not remembered as it was", async () => {
  const ledger = openMemoryStore();
  const store = new WatchedStore(ledger);
  using here = new Bench({}, {}, store);
  using there = new Bench({}, {}, ledger);
  const [credentials, others] = [new Credentials(here.ctx), new Credentials(there.ctx)];
  const account = { issuer: "keyturn", subject: "ann" };
  const session = { person: "ann" as PersonId, account, client: "cli", assurance: "A1", link: "L3" } as const;
  const opened = await others.openSession(session, null);
  assert.ok(opened !== null);
  const { id } = opened.credential.principal;
  const read = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const { document } = store;
  store.document = async (...asked) => {
    const found = await document(...asked);
    read.resolve();
    await ended.promise;
    return found;
  };
  const answer = credentials.check(opened.secret);
  await read.promise;
  await others.revoke(id);
  credentials.forget(id); // as whoever follows the ledger does
  ended.resolve();
  assert.equal((await answer)?.kind, "session", "what was read before the end was so");
  assert.equal(await credentials.check(opened.secret), null);
});
