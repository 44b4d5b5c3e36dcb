import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteStore } from "../../src/stores/sqlite/index.ts";
import { storeContract } from "./store.contract.ts";

storeContract("sqlite", async () => {
  const folder = await mkdtemp(join(tmpdir(), "keyturn-store-"));
  const path = join(folder, "store.db");
  let store = await openSqliteStore({ path });
  return {
    store,
    reopen: async () => {
      await store[Symbol.asyncDispose]();
      store = await openSqliteStore({ path });
      return store;
    },
    dispose: async () => {
      await store[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
});
