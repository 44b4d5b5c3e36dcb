import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { NO_REST } from "../../src/ports/append-call.ts";
import { StoreError } from "../../src/ports/store.ts";
import type { Store } from "../../src/ports/store.ts";
import { assertVersion, closeFile, openFile } from "../../src/stores/sqlite/file.ts";
import { openSqliteStore } from "../../src/stores/sqlite/index.ts";
import { openReader } from "../../src/stores/sqlite/reader.ts";
import { SCHEMA_VERSION } from "../../src/stores/sqlite/schema.ts";
import { Tree } from "../../src/stores/sqlite/tree.ts";
import { openWriter } from "../../src/stores/sqlite/writer.ts";
import { entry, everything, plain, snapshot, stream } from "./store/changes.ts";
import { leaf, naiveRoot } from "./store/tree.ts";

const CHILD = join(import.meta.dirname, "store-child.ts");

const root = mkdtempSync(join(tmpdir(), "keyturn-file-"));
after(() => rmSync(root, { recursive: true, force: true }));
let files = 0;
const newPath = (): string => join(root, `${(files += 1)}`, "store.db");

async function refusal(path: string): Promise<StoreError> {
  try {
    const store = await openSqliteStore({ path });
    await store[Symbol.asyncDispose]();
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
  return assert.fail(`${path} opened`);
}

async function filled(path: string, entries: number): Promise<void> {
  await using store = await openSqliteStore({ path });
  await Promise.all(Array.from({ length: entries }, (_, at) => store.append({ entries: [entry("s", at)] })));
}

/** Changes a closed store's file behind its back. */
function tamper(path: string, sql: string): void {
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
}

function startChild(args: readonly string[], blocksMax: number | null = null): ChildProcess {
  const limit = blocksMax === null ? "" : `ulimit -f ${blocksMax}; `;
  const shell = ["-c", `${limit}exec "$0" "$@"`, process.execPath, CHILD, ...args];
  return spawn("/bin/sh", shell, { stdio: ["ignore", "pipe", "inherit"] });
}

async function* linesOf(child: ChildProcess): AsyncGenerator<string> {
  if (child.stdout === null) throw new TypeError("a child without stdout");
  yield* createInterface({ input: child.stdout });
}

async function killed(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

/** Nothing acknowledged is missing, indexes are gapless, each append is whole, the head is that of the entries. */
async function assertWhole(store: Store, acknowledged: ReadonlyMap<number, string>): Promise<void> {
  const all = await snapshot(store);
  assert.deepEqual(
    all.entries.map((one) => one.index),
    all.entries.map((_, index) => index),
  );
  assert.deepEqual(all.head, { size: all.entries.length, root: naiveRoot(all.entries.map((one) => leaf(one.header))) });
  for (const [index, tag] of acknowledged) assert.equal(all.entries[index]?.stream, `${tag}/a`, `ack ${index} ${tag}`);
  const appends = all.entries.length / 3;
  const counts = [all.requests, all.timers, all.messages, all.documents.flat()].map((rows) => rows.length);
  assert.deepEqual(counts, [appends, appends, appends, appends]);
}

test("the file is durable, exclusive and distrustful", () => {
  const path = newPath();
  const { db } = openFile(path);
  const table: [string, string | number][] = [
    ["journal_mode", "wal"],
    ["synchronous", 2], // FULL: one flush of the log in each commit
    ["locking_mode", "exclusive"],
    ["trusted_schema", 0],
    ["wal_autocheckpoint", 0],
  ];
  for (const [pragma, expected] of table) {
    assert.equal(Object.values(db.prepare(`PRAGMA ${pragma}`).get() ?? {})[0], expected, pragma);
  }
  db.exec("PRAGMA writable_schema = ON"); // defensive: refused in silence
  assert.throws(() => db.exec("UPDATE sqlite_schema SET sql = sql"), /may not be modified/);
  for (const file of ["store.db", "store.db-wal"]) assert.equal(statSync(join(path, "..", file)).mode & 0o077, 0, file);
  closeFile(path, db);
  assert.deepEqual(readdirSync(join(path, "..")), ["store.db"]);
});

test("an SQLite that can lose committed writes is refused", () => {
  for (const good of ["3.51.3", "3.51.10", "3.53.4", "4.0.0"]) assertVersion(good);
  for (const bad of ["3.51.2", "3.50.7", "3.9.9", "2.99.99", ""]) {
    assert.throws(() => assertVersion(bad), { code: "store_unsupported" }, bad);
  }
});

test("a second store on the same file is told who holds it", async (context) => {
  const sentence = (path: string, pid: number): RegExp =>
    new RegExp(
      `^store ${path} is held by process ${pid} on ${hostname()} since \\d{4}-[^ ]+Z; stop it, or choose another --data$`,
    );

  await context.test("in the same process, which goes on unharmed", async () => {
    const path = newPath();
    await using store = await openSqliteStore({ path });
    for (let again = 0; again < 2; again++) {
      const error = await refusal(path);
      assert.equal(error.code, "store_locked");
      assert.match(error.message, sentence(path, process.pid));
    }
    assert.equal((await store.append(everything("x"))).status, "appended");
    // Closing any descriptor of a file drops the locks that the whole process has on it: so nobody else gets in either.
    const child = startChild(["hold", path]);
    try {
      assert.equal((await linesOf(child).next()).value, "refused store_locked");
    } finally {
      await killed(child);
    }
  });

  await context.test("in another process, and a kill -9 leaves nothing that blocks", async () => {
    const path = newPath();
    const child = startChild(["hold", path]);
    try {
      await linesOf(child).next();
      const error = await refusal(path);
      assert.equal(error.code, "store_locked");
      assert.match(error.message, sentence(path, child.pid ?? 0));
    } finally {
      await killed(child);
    }
    assert.ok(existsSync(`${path}.lock`), "the crash left its name");
    await using store = await openSqliteStore({ path });
    assert.equal((await store.head()).size, 0);
    assert.equal(JSON.parse(readFileSync(`${path}.lock`, "utf8")).pid, process.pid);
  });

  await context.test("a lock file alone blocks nobody, whatever is in it", async () => {
    const self = JSON.stringify({ pid: process.pid, host: hostname(), startedAt: "2026-01-01T00:00:00.000Z" });
    for (const text of ["", "{", "[]", "null", `{"pid":"1"}`, self]) {
      const path = newPath();
      await filled(path, 1);
      writeFileSync(`${path}.lock`, text);
      await using store = await openSqliteStore({ path });
      assert.equal((await store.head()).size, 1);
    }
  });

  await context.test("a holder without a readable name is still a holder", async () => {
    const path = newPath();
    await using store = await openSqliteStore({ path });
    writeFileSync(`${path}.lock`, "not JSON");
    const error = await refusal(path);
    assert.equal(error.message, `store ${path} is held by another process; stop it, or choose another --data`);
    assert.equal((await store.head()).size, 0);
  });
});

test("a file that is not ours, or not of this build, is refused and left as it is", async (context) => {
  const table: [string, (path: string) => Promise<void> | void, RegExp][] = [
    ["no database", (path) => writeFileSync(path, "To whom it may concern. ".repeat(50)), /not a Keyturn store/],
    ["somebody else's database", (path) => tamper(path, "CREATE TABLE theirs (a)"), /not a Keyturn store/],
    ["another application's mark", (path) => tamper(path, "PRAGMA application_id = 7"), /not a Keyturn store/],
    [
      "a newer schema",
      async (path) => {
        await filled(path, 1);
        tamper(path, `INSERT INTO migrations VALUES (${SCHEMA_VERSION + 1}, 'later')`);
      },
      new RegExp(
        `has schema version ${SCHEMA_VERSION + 1}, and this build knows ${SCHEMA_VERSION}; use a newer keyturn`,
      ),
    ],
    [
      "another migration of the same number",
      async (path) => {
        await filled(path, 1);
        tamper(path, "UPDATE migrations SET checksum = 'other' WHERE version = 1");
      },
      /another migration 1/,
    ],
  ];
  for (const [title, prepare, message] of table) {
    await context.test(title, async () => {
      const path = newPath();
      await filled(path, 0);
      rmSync(path);
      await prepare(path);
      const before = readFileSync(path);
      const error = await refusal(path);
      assert.equal(error.code, "store_unsupported");
      assert.match(error.message, message);
      assert.deepEqual(readFileSync(path), before);
      assert.ok(!existsSync(`${path}.lock`));
    });
  }
});

test("a file whose entries are not those under its head does not open", async (context) => {
  const table: [string, string][] = [
    ["the last header is edited", "UPDATE entries SET header = x'00' WHERE idx = 299"],
    ["the last entry is gone", "DELETE FROM entries WHERE idx = 299"],
    [
      "an entry is slipped in",
      "INSERT INTO entries SELECT 300, 'x', 0, type, header, salt, payload FROM entries WHERE idx = 0",
    ],
    [
      "two entries change places",
      "UPDATE entries SET idx = idx + 1000 WHERE idx > 297; UPDATE entries SET idx = 1597 - idx WHERE idx > 1000",
    ],
    ["a tile has another root", "UPDATE tiles SET root = zeroblob(32)"],
    ["a tile is gone", "DELETE FROM tiles"],
    ["the head is an older one", "UPDATE head SET frontier = substr(frontier, 1, 40)"],
    ["the head is gone", "DELETE FROM head"],
  ];
  for (const [title, sql] of table) {
    await context.test(title, async () => {
      const path = newPath();
      await filled(path, 300);
      tamper(path, sql);
      const error = await refusal(path);
      assert.equal(error.code, "store_failed");
      assert.match(error.message, /cannot be used/);
    });
  }
});

test("a store that cannot be created says why", async () => {
  const path = newPath();
  writeFileSync(join(path, "..", "..", `${files}`), "a file where the folder should be");
  const error = await refusal(path);
  assert.equal(error.code, "store_failed");
  assert.match(error.message, /cannot be opened/);
});

test("tiles reach the third level: every hash, before and after a restart", () => {
  const path = newPath();
  const { db } = openFile(path);
  const size = 65_536 + 256 + 3;
  const leaves: Uint8Array[] = [];
  const writer = openWriter(db, Tree.load(db));
  while (leaves.length < size) {
    const entries = Array.from({ length: Math.min(2048, size - leaves.length) }, (_, at) =>
      entry(`${leaves.length + at}`, 0),
    );
    writer.commit([{ kind: "append", entries, ...NO_REST }]);
    leaves.push(...entries.map((one) => leaf(one.header)));
  }
  const tree = Tree.load(db);
  assert.deepEqual(tree.head(), { size, root: naiveRoot(leaves) });
  const read = openReader(db, tree);
  for (let level = 0; level <= 16; level++) {
    const last = Math.floor(size / 2 ** level) - 1;
    const wanted = [0, Math.floor(last / 2), last].map((index) => ({ level, index }));
    const reply = read({ kind: "subtrees", wanted });
    const expected = wanted.map(({ index }) => naiveRoot(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level)));
    assert.deepEqual(reply.kind === "subtrees" && reply.value.map(plain), expected, `level ${level}`);
    assert.equal(read({ kind: "subtrees", wanted: [{ level, index: last + 1 }] }).kind, "out_of_range");
  }
  closeFile(path, db);
});

test("kill -9 loses nothing that was acknowledged", { timeout: 60_000 }, async () => {
  const path = newPath();
  const acknowledged = new Map<number, string>();
  for (const [round, callers] of [1, 16, 64, 4].entries()) {
    const child = startChild(["append", path, `${callers}`]);
    const before = acknowledged.size;
    const wait = 60 + 45 * round;
    let timer: Promise<void> | null = null;
    for await (const line of linesOf(child)) {
      const [word, index, tag] = line.split(" ");
      if (word === "ack" && index !== undefined && tag !== undefined) acknowledged.set(Number(index), tag);
      timer ??= sleep(wait).then(() => killed(child));
    }
    await timer;
    assert.ok(acknowledged.size > before, `round ${round} acknowledged something`);
    await using store = await openSqliteStore({ path });
    await assertWhole(store, acknowledged);
  }
});

test("a disk that takes no more fails the store for good, and nothing acknowledged is lost", async () => {
  const path = newPath();
  const acknowledged = new Map<number, string>();
  const words: string[] = [];
  const child = startChild(["append", path, "8"], 2000); // about 1 MB for any one file
  for await (const line of linesOf(child)) {
    const [word, index, tag] = line.split(" ");
    if (word === "ack" && index !== undefined && tag !== undefined) acknowledged.set(Number(index), tag);
    else words.push(line);
  }
  assert.deepEqual(words, [
    "open",
    ...Array.from({ length: 8 }, () => "failed store_failed"),
    "fault store_failed",
    "later append store_failed",
    "later read store_failed",
    "later write store_failed",
    "disposed",
  ]);
  assert.ok(acknowledged.size > 10);
  await using store = await openSqliteStore({ path });
  await assertWhole(store, acknowledged);
  assert.equal((await store.append(everything("after"))).status, "appended");
});

test("a commit that fails leaves nothing of its batch", () => {
  const path = newPath();
  const { db } = openFile(path);
  const writer = openWriter(db, Tree.load(db));
  const none = {
    at: null,
    idempotency: null,
    inTime: null,
    slots: [],
    requests: [],
    timers: [],
    outbox: [],
    documents: [],
    erase: [],
    awaited: false,
  };
  writer.commit([{ kind: "append", entries: [entry("s", 0)], ...none }]);
  const pages = Object.values(db.prepare("PRAGMA page_count").get() ?? {})[0];
  db.exec(`PRAGMA max_page_count = ${Number(pages) + 1}`);
  const large = { ...entry("t", 0), payload: new Uint8Array(100_000) };
  const batch = [entry("s", 1), large, entry("s", 2)].map((one) => ({
    kind: "append" as const,
    entries: [one],
    ...none,
  }));
  assert.throws(() => writer.commit(batch), /full/);
  assert.equal(db.isTransaction, false);
  const read = openReader(db, Tree.load(db)); // a tree that is loaded anew agrees with the file
  const reply = read({ kind: "range", fromIndex: 0, limit: 9 });
  assert.deepEqual(reply.kind === "range" && reply.value.map((one) => one.stream), [stream("s")]);
  closeFile(path, db);
});

test("one commit serves many callers", async () => {
  const path = newPath();
  await using store = await openSqliteStore({ path });
  await store.append({ entries: [entry("first", 0)] });
  const before = statSync(`${path}-wal`).size;
  await Promise.all(Array.from({ length: 200 }, (_, at) => store.append({ entries: [entry(`s/${at}`, 0)] })));
  const pages = (statSync(`${path}-wal`).size - before) / 4096;
  // A commit of its own writes at least a leaf of the entries, a leaf of their index and the head: 600 pages.
  assert.ok(pages < 200, `${pages} pages for 200 appends`);
});

test("the log is brought home while the store runs", { timeout: 60_000 }, async () => {
  const path = newPath();
  await using store = await openSqliteStore({ path });
  const payload = new Uint8Array(1024 * 1024);
  for (let at = 0; at < 60; at++) await store.append({ entries: [{ ...entry("s", at), payload }] });
  assert.ok(statSync(`${path}-wal`).size < 48 * 1024 * 1024, "the log starts again at its beginning");
  assert.ok(statSync(path).size > 30 * 1024 * 1024, "the file has what was in the log");
  assert.equal((await store.range(59, 1))[0]?.payload?.length, payload.length);
});
