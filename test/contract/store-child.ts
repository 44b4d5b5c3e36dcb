/**
 * A process that owns a store, for tests that kill it, lock it out or fill its disk.
 * `hold PATH` opens and waits; `append PATH CALLERS` appends for ever and prints what was acknowledged.
 */
import { writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { StoreError } from "../../src/ports/store.ts";
import type { Store } from "../../src/ports/store.ts";
import { openSqliteStore } from "../../src/stores/sqlite/index.ts";
import { everything } from "./store/changes.ts";

const [mode, path = "", callers = "1"] = process.argv.slice(2);
const say = (line: string): void => void writeSync(1, `${line}\n`);

const store = await openSqliteStore({ path }).catch((error: unknown) => {
  say(`refused ${error instanceof StoreError ? error.code : String(error)}`);
  process.exit();
});
say("open");
if (mode === "hold") await sleep(60_000);
else await Promise.all(Array.from({ length: Number(callers) }, (_, caller) => appendForever(store, caller)));

const { code } = await store.fault;
say(`fault ${code}`);
say(`later append ${await codeOf(store.append({ entries: [] }))}`);
say(`later read ${await codeOf(store.head())}`);
say(`later write ${await codeOf(store.messageDone("m"))}`);
await store[Symbol.asyncDispose]();
say("disposed");

async function appendForever(on: Store, caller: number): Promise<void> {
  for (let turn = 0; ; turn++) {
    const tag = `${process.pid}/${caller}/${turn}`;
    try {
      const result = await on.append(everything(tag));
      if (result.status === "appended") say(`ack ${result.index} ${tag}`);
    } catch (error) {
      return say(`failed ${error instanceof StoreError ? error.code : String(error)}`);
    }
  }
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "no error";
  } catch (error) {
    return error instanceof StoreError ? error.code : String(error);
  }
}
