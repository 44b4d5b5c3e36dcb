/** `bench ledger`: what the ledger costs to write, to keep and to verify. */
import { fork } from "node:child_process";
import { generateKeyPairSync, hash, randomBytes, sign } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { StreamName } from "../src/core/brand.ts";
import { checkpointText, noteSignedBytes } from "../src/core/ledger/index.ts";
import type { NewEntry, Store } from "../src/ports/store.ts";
import { moduleOf } from "./build.ts";
import { disk, flushMs } from "./disk.ts";
import { history, madeCheckpoint, publish, type Published } from "./history.ts";
import type { Options } from "./options.ts";
import { atMost, many, median, row, type Anchor, type Row } from "./row.ts";
import { scratch } from "./server.ts";
import type { VerifyResult, VerifySpec } from "./verify-child.ts";

export const note = `Appends are one entry of 2.3 kB each; so many at a time share a commit, and a commit is one fdatasync. *Raw* is
node:sqlite with the same rows, journal and flush, without Merkle tree, tiles, streams or checks. A history is what a busy installation
writes: of fifty actions one is held, approved by two and released, the others pass at once (evaluation and outcome); headers are some 440
bytes, payloads 80 to 2,000. It is verified from a published folder, by one thread of a process of its own, cached by the system: once as everybody may
read it (signature, every header, the tree, the order of every stream, each outcome after its evaluation), once with everything that was
committed to (and people, times and terms). Bare SHA-256 hashes as many bytes as the latter in as many calls.
Memory is the most that the process ever had.`;

const CALLERS = [1, 16, 128];
const TURNS = 5;
/** A verifier that kept something of each entry would need gigabytes for ten million. */
const MEMORY_MB_MAX = 350;

/** Appends, storage, verification, memory. */
export async function run({ dist, quick, progress }: Options): Promise<readonly Row[]> {
  using folder = scratch();
  progress("appends");
  const rows = await appendRows(dist, folder.path, quick ? 100 : 2000);
  progress("storage");
  rows.push(...(await storageRows(dist, folder.path, quick ? 2000 : 30_000)));
  progress("making a history");
  const published = publish(folder.path, quick ? 20_000 : 1_000_000);
  progress("verification");
  rows.push(...(await verifyRows(dist, folder.path, published)));
  progress("memory");
  rows.push(...(await memoryRows(dist, quick ? 20_000 : 1_000_000)));
  return rows;
}

async function openStore(dist: string, path: string): Promise<Store> {
  const module: typeof import("../src/stores/sqlite/index.ts") = await import(
    pathToFileURL(moduleOf(dist, "stores/sqlite/index")).href
  );
  return module.openSqliteStore({ path });
}

async function appendRows(dist: string, folder: string, commits: number): Promise<Row[]> {
  const flush = { name: "fdatasync", value: 1000 / flushMs([disk(folder, commits < 1000)]) };
  await using store = await openStore(dist, join(folder, "appends.db"));
  using raw = rawSqlite(join(folder, "raw.db"));
  const { privateKey } = generateKeyPairSync("ed25519");
  const seal = async (): Promise<void> => {
    const { size, root } = await store.head();
    sign(null, noteSignedBytes(checkpointText("bench.example/ledger/1", size, root)), privateKey);
  };
  const rows: Row[] = [];
  for (const callers of CALLERS) {
    const rounds = Math.ceil((callers === 1 ? commits : commits * 4) / callers / TURNS) + 5;
    const append = async (): Promise<void> => {
      await Promise.all(Array.from({ length: callers }, () => store.append({ entries: [entry()] })));
    };
    const sealed = async (): Promise<void> => {
      await append();
      await seal();
    };
    await rate(callers, Math.ceil(rounds / 4), append);
    const [bares, plains, signeds]: [number[], number[], number[]] = [[], [], []];
    // In turns, because a disk that others use as well is faster at one moment than at another.
    for (let turn = 0; turn < TURNS; turn++) {
      bares.push(await rate(callers, rounds, async () => raw.insert(callers)));
      plains.push(await rate(callers, rounds, append));
      signeds.push(await rate(callers, rounds, sealed));
    }
    const bare = { name: "raw node:sqlite", value: median(bares) };
    const [plain, signed] = [median(plains), median(signeds)];
    const name = `append, ${many(callers)}`;
    rows.push(
      row(`${name}: raw node:sqlite`, "1/s", bare.value, { anchor: flush }),
      row(`${name}: with tree and tiles`, "1/s", plain, { anchor: bare }),
      row(`${name}: and a signed checkpoint each commit`, "1/s", signed, { anchor: bare }),
    );
  }
  return rows;
}

/** Entries a second, of rounds that write so many each. */
async function rate(each: number, rounds: number, write: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  for (let round = 0; round < rounds; round++) await write();
  return (each * rounds * 1000) / (performance.now() - startedAt);
}

const [HEADER, PAYLOAD, SALT] = [450, 1800, 32].map((length) => new Uint8Array(randomBytes(length)));

function entry(): NewEntry {
  const [header, payload, salt] = [HEADER, PAYLOAD, SALT].map((bytes) => bytes ?? new Uint8Array(0));
  const stream = `bench/${randomBytes(12).toString("hex")}` as StreamName;
  const none = new Uint8Array(0);
  return {
    stream,
    version: 0,
    type: "bench.appended",
    header: header ?? none,
    payload: payload ?? none,
    salt: salt ?? none,
  };
}

/** The same rows in one table, a transaction for each batch, flushed as ours are. */
function rawSqlite(path: string): Disposable & { insert(count: number): void } {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA locking_mode = EXCLUSIVE");
  db.exec(
    "CREATE TABLE entries (idx INTEGER PRIMARY KEY, stream TEXT, version INTEGER, type TEXT, header BLOB, salt BLOB, payload BLOB) STRICT",
  );
  const insert = db.prepare(
    "INSERT INTO entries (stream, version, type, header, salt, payload) VALUES (?, ?, ?, ?, ?, ?)",
  );
  return {
    insert: (count) => {
      db.exec("BEGIN");
      for (let at = 0; at < count; at++) {
        const { stream, version, type, header, salt, payload } = entry();
        insert.run(stream, version, type, header, salt, payload);
      }
      db.exec("COMMIT");
    },
    [Symbol.dispose]: () => db.close(),
  };
}

/** What an action leaves on disk, all its entries together. */
async function storageRows(dist: string, folder: string, count: number): Promise<Row[]> {
  const path = join(folder, "history.db");
  let [own, actions] = [0, 0];
  const store = await openStore(dist, path);
  let some: NewEntry[] = [];
  for (const { index, stream, version, type, header, payload, salt } of history(count)) {
    const none = new Uint8Array(0);
    own += header.length + (payload?.length ?? 0) + (salt?.length ?? 0);
    if (type === "action.evaluated") actions++;
    some.push({ stream: stream as StreamName, version, type, header, payload: payload ?? none, salt: salt ?? none });
    if (some.length < 64 && index < count - 1) continue;
    await store.append({ entries: some });
    some = [];
  }
  await store[Symbol.asyncDispose]();
  const bytes = statSync(path).size;
  return [
    row("bytes on disk a decision", "B", bytes / actions, { anchor: { name: "its entries", value: own / actions } }),
  ];
}

async function verifyRows(dist: string, folder: string, published: Published): Promise<Row[]> {
  const { checkpoint, vkey, size, bytes } = published;
  const scale = 1_000_000 / size;
  const whole: Anchor = { name: "bare SHA-256", value: bareHash(size, bytes) * scale };
  const all = await verified({ dist, checkpoint, vkey, from: { folder, payloads: true } });
  const outside = await verified({ dist, checkpoint, vkey, from: { folder, payloads: false } });
  const again: Anchor = { name: "bare SHA-256", value: bareHash(size, bytes) * scale };
  const anchor = again.value < whole.value ? again : whole;
  return [
    row("verify a million entries", "s", outside.seconds * scale, { goal: atMost(5) }),
    row("verify a million entries and their payloads", "s", all.seconds * scale, { anchor }),
    row("verify a million entries and their payloads: processor time", "s", all.cpuSeconds * scale, { anchor }),
    row("verify a million entries and their payloads: memory", "MB", all.rssMb),
  ];
}

/** Seconds for one hash of a header, one of two nodes and one of a payload, for each entry. */
function bareHash(size: number, bytes: number): number {
  const header = Buffer.alloc(441, 1);
  const node = Buffer.alloc(65, 2);
  const payload = Buffer.alloc(Math.round(bytes / size) - 440 + 25, 3);
  const startedAt = performance.now();
  for (let at = 0; at < size; at++) {
    for (const input of [header, node, payload]) hash("sha256", input, "hex");
  }
  return (performance.now() - startedAt) / 1000;
}

async function memoryRows(dist: string, count: number): Promise<Row[]> {
  const one = await verified({ dist, ...madeCheckpoint(count), from: { made: count } });
  const ten = await verified({ dist, ...madeCheckpoint(10 * count), from: { made: 10 * count } });
  const anchor = { name: "at a tenth", value: one.rssMb };
  return [
    row(`memory, verifying ${(10 * count).toLocaleString("en")} headers`, "MB", ten.rssMb, {
      anchor,
      goal: atMost(MEMORY_MB_MAX),
    }),
  ];
}

async function verified(spec: VerifySpec): Promise<VerifyResult> {
  const child = fork(fileURLToPath(new URL("./verify-child.ts", import.meta.url)));
  const result = await new Promise<VerifyResult>((resolve, reject) => {
    child.once("error", reject).once("exit", (code) => reject(new Error(`the verification ended with ${code}`)));
    child.once("message", (message: VerifyResult) => resolve(message));
    child.send(spec);
  });
  if (!result.passed) throw new Error(`a history of ${result.entries} entries did not pass`);
  return result;
}
