// The ledger as C2SP tlog-tiles serves it, and the folder that is published from it.
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { publish, type Source } from "../../src/cli/publish.ts";
import { createClient } from "../../src/client/index.ts";
import {
  decodeBundle,
  decodeTile,
  Frontier,
  leafHash,
  openHeader,
  tilePath,
  tilesSince,
} from "../../src/core/ledger/index.ts";
import { openCheckpoint, readFolder, verifyLedger, verifyReceipt } from "../../src/verify/index.ts";
import { readRows } from "../support/actions.ts";
import { codeOf } from "../support/flow.ts";
import { House } from "../support/house.ts";
import { RuleFiles } from "../support/rules.ts";

async function bytesAt(
  house: House,
  path: string,
): Promise<{ status: number; cache: string | null; bytes: Uint8Array }> {
  const headers = { authorization: `Bearer ${house.operator.token ?? ""}` };
  const response = await fetch(`${house.url}/ledger/${path}`, { headers });
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { status: response.status, cache: response.headers.get("cache-control"), bytes };
}

/** Entries until the ledger has this size. */
async function grow(house: House, size: number): Promise<void> {
  const gate = await house.gate();
  while ((await house.size()) < size) {
    const missing = Math.min(64, size - (await house.size()));
    await Promise.all(Array.from({ length: missing }, () => gate.post("/access/v1/evaluation", readRows(5))));
  }
}

function sourceOf(house: House): Source {
  const client = createClient({ url: house.url, token: house.operator.token ?? "" });
  return {
    vkey: () => client.ledgerKey(),
    checkpoint: () => client.publishedCheckpoint(),
    file: (path) => client.ledgerFile(path),
  };
}

const temporary = (): string => mkdtempSync(join(tmpdir(), "keyturn-published-"));

test("tiles and bundles are the tree under the checkpoint, full ones immutable, and nothing beyond it is there", async () => {
  await using house = await House.open();
  await grow(house, 300);
  const vkey = (await house.anyone.get("/ledger/vkey")).text.trim();
  const note = await house.operator.get("/ledger/checkpoint");
  assert.equal(note.headers.get("cache-control"), "private, max-age=1");
  const { size, root } = openCheckpoint(note.text, vkey);
  assert.equal(size, await house.size());

  const frontier = new Frontier();
  for (const [index, width] of [
    [0, 256],
    [1, size - 256],
  ] as const) {
    const bundle = await bytesAt(house, tilePath({ level: "entries", index, width }));
    const tile = await bytesAt(house, tilePath({ level: 0, index, width }));
    const leaves = decodeBundle(bundle.bytes, width).map(leafHash);
    assert.deepEqual(decodeTile(tile.bytes, width).map(hexOf), leaves.map(hexOf));
    const cache = width === 256 ? "private, max-age=31536000, immutable" : "private, max-age=60";
    assert.deepEqual([bundle.cache, tile.cache], [cache, cache]);
    for (const leaf of leaves) frontier.append(leaf);
  }
  assert.equal(hexOf(frontier.root()), hexOf(root));
  const above = await bytesAt(house, "tile/1/000.p/1");
  assert.equal(above.bytes.length, 32);
  assert.equal((await bytesAt(house, "tile/0/000.p/7")).status, 200, "a partial tile of an earlier size");

  const missing = ["tile/0/002", "tile/0/001", `tile/0/001.p/${size - 255}`, "tile/1/000.p/2", "tile/2/000.p/1"];
  const malformed = [
    "tile/0/0",
    "tile/0/x000/000",
    "tile/0/000.p/0",
    "tile/0/000.p/256",
    "tile/-1/000",
    "tile/entries/..%2f0",
  ];
  for (const path of [...missing, ...malformed]) assert.equal((await bytesAt(house, path)).status, 404, path);
});

test("headers are the operator's to read unless they are made public; the key is everybody's", async () => {
  const paths = ["/ledger/checkpoint", "/ledger/tile/0/000.p/1", "/ledger/tile/entries/000.p/1", "/ledger/receipt/0"];
  {
    await using house = await House.open();
    const gate = await house.gate();
    for (const path of paths) {
      assert.equal(codeOf(await house.anyone.get(path)), "unauthenticated", path);
      assert.equal(codeOf(await gate.get(path)), "not_allowed", path);
      assert.equal((await house.operator.get(path)).status, 200, path);
    }
    assert.equal((await house.anyone.get("/ledger/vkey")).status, 200);
  }
  await using house = await House.open({ ledger: { public: true } });
  for (const path of paths) {
    const answer = await house.anyone.get(path);
    assert.equal(answer.status, 200, path);
    if (!path.includes("receipt")) assert.match(answer.headers.get("cache-control") ?? "", /^public, /, path);
  }
});

test("a receipt of any entry verifies with the key alone", async () => {
  await using house = await House.open();
  await grow(house, 20);
  const vkey = (await house.anyone.get("/ledger/vkey")).text.trim();
  const entries = await house.entries();
  for (const index of [0, 7, entries.length - 1]) {
    const { text } = await house.operator.get(`/ledger/receipt/${index}`);
    const opened = verifyReceipt({ receipt: text, vkey });
    assert.equal(opened.index, index);
    assert.deepEqual(openHeader(opened.leaf).type, entries[index]?.type);
  }
  assert.equal(codeOf(await house.operator.get(`/ledger/receipt/${await house.size()}`)), "entry_unknown");
  assert.equal((await house.operator.get("/ledger/receipt/x")).status, 400);
});

test("a folder is published, then only what is new, and it verifies as it lies there", async () => {
  const folder = temporary();
  try {
    await using house = await House.open();
    await grow(house, 40);
    const first = await publish(folder, sourceOf(house));
    assert.deepEqual([first.from, first.files], [0, 2]);
    assert.deepEqual((await publish(folder, sourceOf(house))).files, 0, "nothing new");

    await grow(house, 530);
    const before = statSync(join(folder, "tile/0/000.p", String(first.size))).mtimeMs;
    const second = await publish(folder, sourceOf(house));
    assert.deepEqual([second.from, second.files], [first.size, [...tilesSince(first.size, second.size)].length]);
    assert.equal(
      statSync(join(folder, "tile/0/000.p", String(first.size))).mtimeMs,
      before,
      "what was there is left alone",
    );
    assert.equal(existsSync(join(folder, ".staging")), false);
    const all = readdirSync(folder, { recursive: true, encoding: "utf8" });
    assert.deepEqual(
      all.filter((name) => name.endsWith(".new")),
      [],
    );

    const file = async (path: string): Promise<Uint8Array | null> =>
      existsSync(join(folder, path)) ? readFileSync(join(folder, path)) : null;
    const checkpoint = readFileSync(join(folder, "checkpoint"), "utf8");
    const vkey = readFileSync(join(folder, "vkey"), "utf8").trim();
    const report = await verifyLedger({ entries: readFolder(file, second.size), checkpoint, vkey });
    assert.deepEqual([report.integrity.findings, report.completeness.findings], [[], []]);
    assert.equal(report.counts.entries, second.size);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("ledger.rechain: what does not go on from the published folder is not published over it", async () => {
  const folder = temporary();
  try {
    await using house = await House.open();
    await grow(house, 300);
    const honest = sourceOf(house);
    await publish(folder, honest);
    const checkpoint = readFileSync(join(folder, "checkpoint"), "utf8");
    await grow(house, 310);
    const flipped = async (path: string): Promise<Uint8Array> => {
      const bytes = await honest.file(path);
      return bytes.map((byte, at) => (at === bytes.length - 1 ? byte ^ 1 : byte));
    };
    const rows: readonly (readonly [what: string, source: Source])[] = [
      [
        "an altered tile",
        { ...honest, file: (path) => (path.startsWith("tile/0") ? flipped(path) : honest.file(path)) },
      ],
      [
        "an altered bundle",
        { ...honest, file: (path) => (path.includes("entries") ? flipped(path) : honest.file(path)) },
      ],
      ["another key", { ...honest, vkey: async () => (await honest.vkey()).replace("/1+", "/2+") }],
      [
        "an altered size",
        { ...honest, checkpoint: async () => (await honest.checkpoint()).replace(/\n\d+\n/, "\n500\n") },
      ],
    ];
    for (const [what, source] of rows) {
      await assert.rejects(publish(folder, source), { code: "refused" }, what);
      assert.equal(readFileSync(join(folder, "checkpoint"), "utf8"), checkpoint, what);
      assert.deepEqual(readdirSync(folder).toSorted(), ["checkpoint", "tile", "vkey"], what);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("ledger.fork: a second history under the same key is not published over the first", async () => {
  const folder = temporary();
  const files = new RuleFiles();
  const [data, copy] = [join(files.dir, "data"), join(files.dir, "copy")];
  try {
    const first = await House.over(files);
    await first.stop();
    cpSync(data, copy, { recursive: true });
    {
      await using house = await House.over(files);
      await grow(house, 30);
      await publish(folder, sourceOf(house));
      await house.stop();
      rmSync(data, { recursive: true });
      cpSync(copy, data, { recursive: true });
      await using forked = await House.over(files);
      await assert.rejects(publish(folder, sourceOf(forked)), { code: "refused", message: /has an old copy/ });
      await grow(forked, 40);
      await assert.rejects(publish(folder, sourceOf(forked)), { code: "refused", message: /does not go on from/ });
    }
  } finally {
    files.remove();
    rmSync(folder, { recursive: true, force: true });
  }
});

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
