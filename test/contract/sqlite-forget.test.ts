import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { NewEntry } from "../../src/ports/store.ts";
import { openSqliteStore } from "../../src/stores/sqlite/index.ts";
import { bytes, entry, instant, request } from "./store/changes.ts";

const folder = mkdtempSync(join(tmpdir(), "keyturn-forget-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const NEEDLE = "needle.hay@example.com";

/** The files of the folder in which the needle lies: what somebody with a hex editor would see. */
function filesWith(needle: string): string[] {
  return readdirSync(folder).filter((name) => readFileSync(join(folder, name)).includes(needle));
}

void test("privacy.erase: of an erased payload no byte is left in file, log or indexes, however large it was", async () => {
  await using store = await openSqliteStore({ path: join(folder, "store.db") });
  const about = (version: number, pad: number): NewEntry => ({
    ...entry("s", version),
    payload: bytes(`${NEEDLE.repeat(1 + pad)} and ${"x".repeat(pad * 40)}`),
  });
  // Within a page, over its edge, and over many overflow pages; between them what stays.
  for (const [at, pad] of [0, 3, 50, 2000].entries()) {
    await store.append({ entries: [about(2 * at, pad), entry("s", 2 * at + 1)] });
  }
  await store.append({
    entries: [],
    requests: [{ ...request("r", 1), view: { for: NEEDLE } }],
    documents: [{ kind: "k", id: NEEDLE, body: { to: NEEDLE } }],
    outbox: [{ id: `m:${NEEDLE}`, topic: "t", body: { to: NEEDLE }, notBefore: instant(1) }],
  });
  const head = await store.head();
  assert.notDeepEqual(filesWith(NEEDLE), []); // or the test would see nothing at the end either
  await store.messageDone(`m:${NEEDLE}`);
  await store.append({
    entries: [],
    erase: [0, 2, 4, 6],
    requests: [{ ...request("r", 1), view: {} }],
    documents: [{ kind: "k", id: NEEDLE, body: null }],
  });
  await store.forget();
  assert.deepEqual(filesWith(NEEDLE), []);
  assert.deepEqual(filesWith("needle"), []);
  assert.deepEqual(await store.head(), head);
  assert.equal(new TextDecoder().decode((await store.range(7, 1))[0]?.payload ?? undefined), "payload s 7 ");
  // And the store goes on.
  assert.equal((await store.append({ entries: [entry("s", 8)] })).status, "appended");
});
