/** Reads one text after the other, so that a hostile one stops this worker and nobody else. */
import { parentPort, workerData } from "node:worker_threads";
import type { Classification } from "../../core/risk/index.ts";
import { openReader } from "./read.ts";
import type { ReaderSettings, Text } from "./text.ts";

/** `ready` once the parsers are loaded; then one answer for each text. `broken` asks for another worker. */
export type FromReader = "ready" | { readonly found: Classification; readonly broken: boolean };

/** Texts that are read before the first one counts, so that its time is that of a warm reader. */
const WARM: readonly Pick<Text, "kind" | "value">[] = [
  { kind: "sql", value: "with a as (select id, name from public.t where id = 1 limit 5) select * from a order by 1" },
  { kind: "sql", value: "delete from public.t where id in (select id from public.u); drop table public.u" },
  { kind: "shell", value: "for f in a b; do sudo cat \"$f\" | grep -c x > /tmp/y && psql -c 'select 1'; done" },
  { kind: "argv", value: ["kubectl", "get", "pods", "-n", "x"] },
];
const WARM_ROUNDS = 5;

async function main(port: NonNullable<typeof parentPort>): Promise<void> {
  const settings: ReaderSettings = workerData;
  const reader = await openReader(settings);
  for (let round = 0; round < WARM_ROUNDS; round += 1) {
    for (const text of WARM) reader.read({ ...text, pointer: "", pinned: true, tool: null });
  }
  port.on("message", (text: Text) => {
    const found = reader.read(text);
    port.postMessage({ found, broken: reader.broken() } satisfies FromReader);
  });
  port.postMessage("ready" satisfies FromReader);
}

if (parentPort !== null) await main(parentPort);
