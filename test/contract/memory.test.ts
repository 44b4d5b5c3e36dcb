import { openMemoryStore } from "../../src/stores/memory/index.ts";
import { storeContract } from "./store.contract.ts";

storeContract("memory", async () => {
  const store = openMemoryStore();
  return { store, dispose: async () => store[Symbol.asyncDispose]() };
});
