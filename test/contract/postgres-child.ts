/** A process that appends for ever to a ledger in PostgreSQL, for tests that stop or kill it: URL LEDGER CALLERS. */
import { writeSync } from "node:fs";
import { openPostgres } from "../../src/stores/postgres/index.ts";
import { entry } from "./store/changes.ts";

const [url = "", ledger = "", callers = "1"] = process.argv.slice(2);
const store = await openPostgres({ url, ledger, idleTimeoutMs: 400, patienceMs: 20_000 });
await Promise.all(
  Array.from({ length: Number(callers) }, async (_, caller) => {
    for (let turn = 0; ; turn += 1) {
      const name = `${process.pid}/${caller}/${turn}`;
      const result = await store.append({ entries: [entry(name, 0)] });
      if (result.status === "appended") writeSync(1, `ack ${result.index} ${name}\n`);
    }
  }),
);
