import { randomUUID } from "node:crypto";
import { after, before } from "node:test";
import { migratePostgres, openPostgres } from "../../src/stores/postgres/index.ts";
import { findPostgres, startPostgres } from "../support/postgres.ts";
import type { Postgres } from "../support/postgres.ts";
import { storeContract } from "./store.contract.ts";

// One database for all tests; each has a ledger of its own, and knows nothing of the others.
const bin = findPostgres();
let postgres: Postgres;

if (bin === null && process.env["CI"] === undefined) {
  console.log("# the postgres store was not tried: install `postgresql`");
} else {
  before(async () => {
    if (bin === null) throw new Error("CI needs PostgreSQL: install `postgresql`");
    postgres = await startPostgres(bin, ["fsync=off"]);
    await migratePostgres({ url: postgres.url() });
  });
  after(() => postgres.stop());

  storeContract("postgres", async () => {
    const options = { url: postgres.url(), ledger: randomUUID() };
    let store = await openPostgres(options);
    return {
      store,
      reopen: async () => {
        await store[Symbol.asyncDispose]();
        store = await openPostgres(options);
        return store;
      },
      dispose: async () => store[Symbol.asyncDispose](),
    };
  });
}
