// Records and the views of them, over the entries of a server that lived through some days.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { JsonObject } from "../../src/core/action/index.ts";
import type { Instant, StreamName } from "../../src/core/brand.ts";
import { sealEntry } from "../../src/core/ledger/index.ts";
import { recordOf, recordsOf, toCsv, toOcsf, toOscal } from "../../src/evidence/index.ts";
import type { ActionRecord, RawEntry } from "../../src/evidence/index.ts";
import { assertOcsf } from "./ocsf.ts";
import { Month } from "./month.ts";

const SOURCE = { origin: "keyturn.example/ledger/a/1", version: "0.0.0" };

let entries: readonly RawEntry[];
let records: readonly ActionRecord[];
before(async () => {
  await using month = await Month.open();
  await month.live(0, 9);
  entries = await month.house.store.range(0, 100_000);
  records = await all(recordsOf(entries));
});

async function all<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

test("every entry of an evaluation or request is in exactly one record, in order", () => {
  const told = records.flatMap((record) => record.entries.map(({ index }) => index)).toSorted((a, b) => a - b);
  const action = (stream: string): boolean => /^(evaluation|request)\//.test(stream);
  const expected = entries.flatMap((entry) => (action(streamOf(entry)) ? [entry.index] : []));
  assert.ok(expected.length > 100);
  assert.deepEqual(told, expected);
  for (const { entries: own } of records) {
    assert.deepEqual(
      own.map(({ index }) => index),
      own.map(({ index }) => index).toSorted((a, b) => a - b),
    );
  }
});

test("a released request tells who asked, who approved, when it ran and what came of it, with its evaluations", () => {
  const done = records.filter(({ kind, status }) => kind === "request" && status === "completed");
  assert.ok(done.length > 3);
  for (const record of done) {
    const { openedAt, approval, redeemed, completed } = record;
    assert.ok(approval !== null && redeemed !== null && completed !== null && openedAt !== null);
    assert.ok(openedAt <= approval.at && approval.at <= redeemed.at && redeemed.at <= completed.at);
    assert.ok(record.evaluations.length >= 2, "the one before, and the one that applied the approval");
    assert.ok(record.evaluations.every(({ outcome }) => outcome === "require_approval"));
    assert.deepEqual(
      approval.by.toSorted(byText),
      record.reviews
        .filter(({ verdict, standing }) => verdict === "approve" && standing)
        .map(({ person }) => person ?? "")
        .toSorted(byText),
    );
    assert.ok(
      record.action !== null && record.resource !== null && record.effects.length > 0 && record.policies.length > 0,
    );
    assert.equal(record.partial || record.erased, false);
  }
  const statuses = new Set(records.map(({ status }) => status));
  for (const status of ["allowed", "completed", "denied"] as const) assert.ok(statuses.has(status), status);
});

test("one stream alone folds to the same record, but for the evaluations that join it", () => {
  for (const record of records) {
    const own = entries.filter((entry) => streamOf(entry) === record.stream);
    const alone = recordOf(own);
    assert.ok(alone !== null);
    assert.deepEqual(
      [alone.id, alone.status, alone.approval, alone.completed],
      [record.id, record.status, record.approval, record.completed],
    );
  }
});

test("erased payloads leave what headers show, and nothing else", async () => {
  const bare = entries.map((entry) => ({ ...entry, payload: null, salt: null }));
  const erased = await all(recordsOf(bare));
  const request = erased.find(({ kind, status }) => kind === "request" && status === "completed");
  assert.ok(request !== undefined);
  assert.equal(request.erased, true);
  assert.deepEqual([request.agent, request.action, request.resource, request.reason], [null, null, null, null]);
  assert.ok(request.digest !== null && request.gate !== null && request.approval?.id?.startsWith("apr_") === true);
  assert.deepEqual(request.approval.by, []);
  for (const record of erased) {
    toCsv([record]);
    for (const event of toOcsf(record, SOURCE)) assertOcsf(event);
  }
});

test("an export that begins in the middle says which records it knows the end of only", async () => {
  const cut = entries.findIndex(({ index }) => streamOf(entries[index] ?? entries[0]).startsWith("request/"));
  const rest = await all(recordsOf(entries.slice(cut + 1)));
  const partial = rest.filter((record) => record.partial);
  assert.equal(partial.length, 1);
  assert.ok(partial[0]?.stream.startsWith("request/"));
});

test("memory does not grow with the ledger: records under way are told when there are too many", async () => {
  const OPEN_MAX = 300;
  function* flood(): Generator<RawEntry> {
    const payload = { agent: "bot", decision: { outcome: "allow", policies: [] } };
    for (let index = 0; index < OPEN_MAX + 500; index++) {
      const stream = `evaluation/eval_${index}` as StreamName;
      const publics = { outcome: "allow", digest: `sha256:${"0".repeat(64)}`, gate: "g" };
      const at = 1000 as Instant;
      const salt = new Uint8Array(32);
      const sealed = sealEntry({ stream, version: 0, type: "action.evaluated", at, salt, payload, publics });
      pulled = index;
      yield { index, ...sealed };
    }
  }
  let pulled = 0;
  let first: number | null = null;
  let count = 0;
  for await (const record of recordsOf(flood(), OPEN_MAX)) {
    first ??= pulled;
    count += 1;
    assert.equal(record.status, "allowed");
  }
  assert.equal(count, OPEN_MAX + 500);
  assert.equal(first, OPEN_MAX);
});

test("csv: a line for each record, quoted as RFC 4180 says, and no cell that a spreadsheet would run", () => {
  const [record] = records;
  assert.ok(record !== undefined);
  const nasty = {
    ...record,
    agent: '=HYPERLINK("http://x","y")',
    action: "+1",
    reason: 'a "quote", a\r\nbreak',
    environment: "@sum",
    gate: "-2",
  };
  const table = toCsv([nasty]);
  const [header = "", ...lines] = table.split("\r\n");
  assert.equal(header.split(",").length, header.split(",").filter((name) => /^[a-z_]+$/.test(name)).length);
  assert.ok(lines.join("\r\n").includes(`"'=HYPERLINK(""http://x"",""y"")"`));
  assert.ok(table.includes(",'+1,") && table.includes(",'@sum,") && table.includes(",'-2,"));
  assert.ok(table.includes('"a ""quote"", a\r\nbreak"'));
  const plain = toCsv(records).trimEnd().split("\r\n");
  assert.equal(plain.length, records.length + 1);
  for (const line of plain) assert.equal(cellsOf(line), cellsOf(plain[0] ?? ""), line);
});

test("aarm.R8: every decision, permit and outcome is an OCSF event of class 6003 or 3005 that fits its schema", () => {
  const events = records.flatMap((record) => toOcsf(record, SOURCE));
  for (const event of events) assertOcsf(event);
  const uids = events.map(({ metadata }) => metadata.uid);
  assert.equal(new Set(uids).size, uids.length);
  const told = new Map(events.map((event) => [event.metadata.sequence, event]));
  const expected: { readonly [type: string]: readonly [number, string] } = {
    "request.opened": [6003, "Delayed"],
    "review.refused": [6003, "Unauthorized"],
    "request.approved": [6003, "Approved"],
    "request.denied": [6003, "Rejected"],
    "permit.issued": [3005, "Approved"],
    "permit.redeemed": [6003, "Approved"],
    "action.completed": [6003, "Logged"],
  };
  for (const record of records) {
    for (const { index, type } of record.entries) {
      const event = told.get(index);
      if (type === "action.evaluated") {
        const outcome = record.evaluations.find((one) => one.index === index)?.outcome ?? "";
        const word = { allow: "Allowed", deny: "Blocked", require_approval: "Delayed" }[outcome];
        assert.deepEqual([event?.class_uid, event?.["disposition"]], [6003, word]);
        assert.equal(event?.["action_id"], outcome === "allow" ? 1 : 2, "held is never let through");
      }
      const row = expected[type];
      if (row !== undefined) assert.deepEqual([event?.class_uid, event?.["disposition"]], row, type);
    }
  }
  const grants = events.filter((event) => event.class_uid === 3005);
  assert.ok(grants.length > 3);
});

test("the schema of that test is one: what does not fit is refused", () => {
  const [event] = toOcsf(records[0] ?? assert.fail(), SOURCE);
  assert.ok(event !== undefined);
  const bad: readonly JsonObject[] = [
    { ...event, class_uid: 9 },
    { ...event, type_uid: 600_399, activity_id: 1 },
    { ...event, extra: 1 },
    { ...event, time: "now" },
    { ...event, disposition: "Waved through" },
    { ...event, metadata: { ...event.metadata, product: { name: "x" } } },
  ];
  for (const wrong of bad) assert.throws(() => assertOcsf(wrong));
});

test("an event tells what was known at its entry: the entries so far give the first events of all of them", () => {
  for (const record of records.filter(({ kind }) => kind === "request")) {
    const own = entries.filter((entry) => streamOf(entry) === record.stream);
    const whole = toOcsf(recordOf(own) ?? assert.fail(), SOURCE);
    for (let length = 1; length <= own.length; length++) {
      const part = toOcsf(recordOf(own.slice(0, length)) ?? assert.fail(), SOURCE);
      assert.deepEqual(part, whole.slice(0, part.length));
    }
    // And what joins a record later says of an evaluation what was said of it alone.
    const joined = toOcsf(record, SOURCE);
    for (const { index, id } of record.evaluations) {
      const alone = recordOf(entries.filter((entry) => streamOf(entry) === `evaluation/${id}`)) ?? assert.fail();
      assert.deepEqual(
        joined.find((event) => event.metadata.sequence === index),
        toOcsf(alone, SOURCE)[0],
      );
    }
  }
});

test("oscal: an observation for each record, the same ids for the same entries, and no finding", () => {
  const make = (madeAt: number): JsonObject =>
    toOscal({ ...SOURCE, from: 0, to: 2_000_000_000_000, madeAt, evidence: "pack.tar", records });
  const document = make(1_800_000_000_000)["assessment-results"] as JsonObject;
  const text = JSON.stringify(document);
  const uuids = [...text.matchAll(/"(?:subject-)?uuid":"([^"]+)"/g)].map(([, uuid]) => uuid ?? "");
  // OSCAL's own pattern.
  for (const uuid of uuids) {
    assert.match(uuid, /^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[45][0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}$/);
  }
  const [result] = document["results"] as readonly [JsonObject];
  const observations = result["observations"] as readonly JsonObject[];
  assert.equal(observations.length, records.length);
  assert.equal(new Set(observations.map(({ uuid }) => uuid)).size, records.length);
  assert.equal(result["findings"], undefined);
  const again = make(1_900_000_000_000)["assessment-results"] as JsonObject;
  assert.deepEqual(again["results"], document["results"]);
  const empty = toOscal({ ...SOURCE, from: 0, to: 1, madeAt: 1, evidence: "e", records: [] });
  assert.ok(!JSON.stringify(empty).includes("observations"));
});

function streamOf(entry: RawEntry | undefined): string {
  if (entry === undefined) return "";
  return (JSON.parse(new TextDecoder().decode(entry.header)) as { stream: string }).stream;
}

/** Cells of a line without line breaks in them. */
function cellsOf(line: string): number {
  return line.replaceAll(/"(?:[^"]|"")*"/g, "x").split(",").length;
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
