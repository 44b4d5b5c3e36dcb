/** The load generator: a process of its own that keeps N callers busy with requests that were made before. */
import { Connection } from "./wire.ts";

export type LoadSpec = {
  readonly port: number;
  readonly callers: number;
  readonly warmMs: number;
  readonly ms: number;
  /** Whole requests in base64; each caller goes round them from another place. */
  readonly requests: readonly string[];
  /** Makes every request a new one: eight digits of it, `fresh` bytes from the end, count up. */
  readonly fresh: number | null;
};

export type LoadResult = {
  readonly kind: "done";
  readonly count: number;
  /** Answers other than 200. */
  readonly failures: number;
  readonly ms: number;
  /** Processor time of the generator itself. */
  readonly cpuMs: number;
  readonly p50: number;
  readonly p99: number;
};
export type FromLoad = { readonly kind: "measuring" } | LoadResult;

const tell = (message: FromLoad): void => void process.send?.(message);

async function run(spec: LoadSpec): Promise<void> {
  const requests = spec.requests.map((text) => Buffer.from(text, "base64"));
  const connections = await Promise.all(Array.from({ length: spec.callers }, () => Connection.open(spec.port)));
  let latencies = new Float64Array(1 << 16);
  let count = 0;
  let failures = 0;
  let serial = 0;
  let measuring = false;
  let over = false;

  const keepBusy = (connection: Connection, caller: number): void => {
    let next = Math.floor((caller * requests.length) / spec.callers);
    let sentAt = 0;
    const send = (): void => {
      const bytes = requests[next++ % requests.length] as Buffer;
      if (spec.fresh !== null) bytes.write(String(serial++).padStart(8, "0"), bytes.length - spec.fresh, "latin1");
      sentAt = performance.now();
      connection.send(bytes, answered);
    };
    const answered = (status: number): void => {
      if (measuring) {
        if (status !== 200) failures += 1;
        if (count === latencies.length) {
          const longer = new Float64Array(count * 2);
          longer.set(latencies);
          latencies = longer;
        }
        latencies[count++] = performance.now() - sentAt;
      }
      if (!over) send();
    };
    send();
  };
  connections.forEach(keepBusy);

  await pause(spec.warmMs);
  measuring = true;
  tell({ kind: "measuring" });
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  await pause(spec.ms);
  const ms = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpu);
  measuring = false;
  over = true;
  const sorted = latencies.subarray(0, count).sort();
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(count * share) - 1)] ?? Number.NaN;
  tell({ kind: "done", count, failures, ms, cpuMs: (user + system) / 1000, p50: at(0.5), p99: at(0.99) });
  await pause(100); // the last answers arrive
  for (const connection of connections) connection.close();
  process.disconnect?.();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

process.once("message", (spec: LoadSpec) => void run(spec));
