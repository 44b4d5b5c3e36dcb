// The parts of the evidence pack, each for itself.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import type { Instant } from "../../src/core/brand.ts";
import { openEntry } from "../../src/core/ledger/index.ts";
import {
  ClockReader,
  Disclosure,
  drawSample,
  ExceptionFinder,
  GapFinder,
  manifestOf,
  RangeFinder,
  RuleReader,
  sampleSeed,
  TAR_FILE_BYTES_MAX,
  tarEnd,
  tarHeader,
  tarPadding,
} from "../../src/evidence/index.ts";
import type { IndexRange, ReadEntry } from "../../src/evidence/index.ts";
import { asked, digest, entriesOf, minutes, passed, story } from "../verify/fixture.ts";
import type { Event } from "../verify/fixture.ts";

/** Entries taken apart, payloads and all. */
function read(events: readonly Event[]): readonly ReadEntry[] {
  return entriesOf(events).map(({ index, header, payload, salt }) => {
    const opened = openEntry(header, payload, salt);
    return { index, header: opened, payload: opened.payload };
  });
}

const everything = (events: readonly Event[]): IndexRange => ({ first: 0, end: events.length });

function gapsOf(events: readonly Event[], range = everything(events)): ReturnType<GapFinder["result"]> {
  const finder = new GapFinder(range);
  for (const entry of read(events)) finder.add({ ...entry, payload: null }); // headers alone have to suffice
  return finder.result();
}

test("tar reads back what was written, long paths too", () => {
  const dir = mkdtempSync(join(tmpdir(), "keyturn-tar-"));
  try {
    const long = `${"folder/".repeat(20)}${"n".repeat(99)}`;
    const files: readonly (readonly [string, string])[] = [
      ["a", ""],
      ["pack/b.txt", "x".repeat(512)],
      ["pack/c", "0123456789".repeat(100)],
      [long, "deep"],
    ];
    const blocks = files.flatMap(([path, text]) => {
      const content = Buffer.from(text);
      const modifiedAt = Date.UTC(2026, 0, 2);
      return [tarHeader({ path, size: content.length, modifiedAt }), content, tarPadding(content.length)];
    });
    const archive = Buffer.concat([...blocks, tarEnd()]);
    assert.equal(archive.length % 512, 0);
    writeFileSync(join(dir, "t.tar"), archive);
    const listed = execFileSync("tar", ["--utc", "-tvf", join(dir, "t.tar")], { encoding: "utf8" }).split("\n");
    assert.match(listed[0] ?? "", /^-rw-r--r-- 0\/0 +0 2026-01-02 00:00 a$/);
    mkdirSync(join(dir, "out"));
    execFileSync("tar", ["-xf", join(dir, "t.tar"), "-C", join(dir, "out")]);
    for (const [path, text] of files) assert.equal(readFileSync(join(dir, "out", path), "utf8"), text, path);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  const refused = ["/etc/passwd", "../up", "a/../b", "a//b", "", "a b", "ü", "n".repeat(101), `${"d/".repeat(130)}n`];
  for (const path of refused) assert.throws(() => tarHeader({ path, size: 1, modifiedAt: 0 }), RangeError, path);
  assert.throws(() => tarHeader({ path: "a", size: TAR_FILE_BYTES_MAX + 1, modifiedAt: 0 }), RangeError);
});

test("the manifest is what sha256sum checks", () => {
  const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
  const listed = [
    { path: "b", sha256: sha256("2") },
    { path: "a/c", sha256: sha256("1") },
  ];
  assert.equal(manifestOf(listed), `${sha256("1")}  a/c\n${sha256("2")}  b\n`);
});

test("a sample is the same for everybody, grows with its size, and hangs on nonce and root", () => {
  const root = new Uint8Array(32).fill(7);
  const population = Array.from({ length: 400 }, (_, at) => at * 3);
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.nat(60), fc.nat(60), (nonce, less, more) => {
      const seed = sampleSeed(nonce, root);
      const small = drawSample(seed, population, less);
      const large = drawSample(seed, population.toReversed(), less + more);
      assert.deepEqual(large.slice(0, less), small);
      assert.equal(new Set(large).size, less + more);
      assert.ok(large.every((index) => population.includes(index)));
    }),
    { numRuns: 30 },
  );
  // As an auditor computes it, by the words of README.txt.
  const rank = (index: number): string => {
    const place = Buffer.alloc(8);
    place.writeBigUInt64BE(BigInt(index));
    const seed = createHash("sha256").update("word").update(root).digest();
    return createHash("sha256").update(seed).update(place).digest("hex");
  };
  const ten = Array.from({ length: 10 }, (_, at) => at);
  const lowest = ten.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1));
  assert.deepEqual(drawSample(sampleSeed("word", root), ten, 3), lowest.slice(0, 3));
  assert.notDeepEqual(drawSample(sampleSeed("word2", root), ten, 10), lowest);
  assert.notDeepEqual(drawSample(sampleSeed("word", new Uint8Array(32)), ten, 10), lowest);
});

test("each item is drawn about as often as any other", () => {
  const hits = new Map<number, number>();
  for (let round = 0; round < 2000; round++) {
    const seed = sampleSeed(`nonce ${round}`, new Uint8Array(32));
    for (const index of drawSample(seed, [0, 1, 2, 3, 256, 65_536, 2 ** 33, 2 ** 52], 2)) {
      hits.set(index, (hits.get(index) ?? 0) + 1);
    }
  }
  assert.equal(hits.size, 8);
  for (const [index, count] of hits) assert.ok(count > 420 && count < 580, `${index}: ${count}`);
});

test("a period leaves out none of its entries, wherever clocks stood", () => {
  const range = (times: readonly number[], from: number, to: number): IndexRange => {
    const finder = new RangeFinder({ from: from as Instant, to: to as Instant });
    for (const at of times) finder.add(at as Instant);
    return finder.range;
  };
  const cases: readonly (readonly [string, number[], number, number, IndexRange])[] = [
    ["inside", [1, 2, 3, 4, 5], 2, 4, { first: 1, end: 3 }],
    ["the end is not included", [1, 2, 3], 1, 3, { first: 0, end: 2 }],
    ["all", [1, 2, 3], 0, 9, { first: 0, end: 3 }],
    ["none, between", [1, 2, 8, 9], 4, 6, { first: 2, end: 2 }],
    ["none, after", [1, 2], 4, 6, { first: 2, end: 2 }],
    ["none, before", [7, 8], 4, 6, { first: 0, end: 0 }],
    ["no entries", [], 4, 6, { first: 0, end: 0 }],
    ["out of order at the edges", [1, 5, 3, 6, 9, 7, 10], 5, 8, { first: 1, end: 6 }],
  ];
  for (const [name, times, from, to, expected] of cases) assert.deepEqual(range(times, from, to), expected, name);
});

test("ledger.skip: the gap report names what the ledger does not tell", () => {
  const whole = [asked("a"), ...story("a"), ...passed("b", 7), ...passed("c", 8)];
  const clean = gapsOf(whole);
  assert.deepEqual(clean.gates, [
    { gate: "sdk", evaluations: 3, allowed: 2, held: 1, denied: 0, requests: 1, released: 1, outcomes: 3, silent: 0 },
  ]);
  for (const kind of Object.values(clean).slice(1)) assert.equal("count" in kind && kind.count, 0);

  const without = (type: string, stream: string): Event[] =>
    whole.filter((event) => !(event[1] === type && event[0].startsWith(stream)));
  const cases: readonly (readonly [string, readonly Event[], keyof typeof clean])[] = [
    ["an outcome that nobody told", without("action.completed", "evaluation/eval_b"), "allowedWithoutOutcome"],
    ["a release that nobody told of", without("action.completed", "request/"), "releasedWithoutOutcome"],
    ["an execution without redemption", without("permit.redeemed", "request/"), "outcomesWithoutPermit"],
    ["a held action that nobody asked for", [asked("z")], "heldWithoutRequest"],
    ["a request that never closed", whole.slice(0, 4), "requestsNeverClosed"],
  ];
  for (const [name, events, kind] of cases) {
    const found = gapsOf(events)[kind];
    assert.ok("count" in found && found.count === 1 && found.items.length === 1, name);
  }
  const denied: Event[] = [
    asked("d", { outcome: "deny" }),
    [`evaluation/eval_d`, "action.completed", 1, {}, { digest }],
  ];
  assert.equal(gapsOf(denied).outcomesWithoutPermit.count, 1, "executed after a denial");
  const silent = without("action.completed", "request/");
  const outside = gapsOf(silent, { first: silent.length - 4, end: silent.length - 1 });
  assert.equal(outside.releasedWithoutOutcome.count, 0, "what is outside the period is not counted");
  assert.equal(outside.gates[0]?.evaluations, 2);
});

test("exceptions are counted by kind, and only those of the period", () => {
  const refusal = { refused: "person_barred", because: "You stand behind this action." };
  const events: Event[] = [
    ["server", "server.started", 0, { demo: true, node: "v24" }],
    ["server", "server.started", 0, { demo: false, node: "v24" }],
    ["request/arq_a", "review.refused", 1, { person: "olga", refusal }, { rule: "person_barred" }],
    ["request/arq_a", "review.refused", 1, { person: "eve", refusal }, { rule: "not_in_group" }],
    ["request/arq_a", "review.voided", 2, { person: "ada", refusal }, { rule: "person_inactive" }],
    ["request/arq_a", "request.expired", 3, {}],
    ["request/arq_b", "action.completed", 3, {}, { status: "failed" }],
    ["request/arq_c", "action.completed", 3, {}, { status: "succeeded" }],
    ["limit/l", "limit.exceeded", 4, { agent: "report-bot" }, { limit: "evaluations_per_minute" }],
    ["erasure", "erasure.performed", 5, {}, {}],
    ["request/arq_d", "request.failed", 6, { because: "policy changed" }],
  ];
  const finder = new ExceptionFinder({ first: 0, end: events.length - 1 });
  for (const entry of read(events)) finder.add(entry);
  const counts = Object.entries(finder.result()).flatMap(([kind, { count }]) => (count === 0 ? [] : [[kind, count]]));
  assert.deepEqual(Object.fromEntries(counts), {
    refused_self: 1,
    refused_other: 1,
    voided: 1,
    expired: 1,
    failed_action: 1,
    limit_exceeded: 1,
    demo: 1,
    erasure: 1,
  });
});

test("the clock report notices a clock that went back, one that drifts, and silence", () => {
  const beat = (minute: number, drift: number): Event => [
    "server",
    "server.heartbeat",
    minute,
    {},
    { drift_ms: drift },
  ];
  const events: Event[] = [
    beat(0, 3),
    beat(60, -5),
    beat(59, 0), // a minute back
    beat(119, 9000),
    beat(300, 4), // three hours of nothing
    ["server", "server.stopped", 301, {}],
    beat(900, 0), // after a stop, silence is no wonder
  ];
  const clock = new ClockReader(everything(events));
  for (const entry of read(events)) clock.add(entry);
  const { heartbeats, driftMaxMs, drifts, backwards, silences } = clock.result();
  assert.deepEqual([heartbeats, driftMaxMs], [6, 9000]);
  assert.deepEqual(
    [drifts, backwards, silences].map(({ items }) => items.map(({ index }) => index)),
    [[3], [2], [4]],
  );
});

test("payloads are disclosed of the period, of what was under way in it, and of the rules it began with", () => {
  const rules = (index: number): Event => ["policy", "policy.changed", 0, {}, { policies: `sha256:${index}` }];
  const events: Event[] = [
    rules(0), // replaced before the period
    rules(1), // in force when it begins
    ["session", "session.opened", 0, { person: "ada" }],
    asked("a"), // named by a request that was opened before the period, and decided in it
    ...story("a").slice(0, 2),
    ...passed("b"), // over before the period
    ...story("a").slice(2, 5),
    ["session", "session.opened", 9, { person: "bob" }],
    ...story("a").slice(5), // after the period, of an action of it
    ...passed("c"),
  ];
  const range = { first: 8, end: 12 };
  const disclosure = new Disclosure(range);
  const entries = read(events);
  for (const { index, header } of entries) disclosure.plan(index, header);
  const shown = entries.filter(({ index, header }) => disclosure.shows(index, header)).map(({ index }) => index);
  assert.deepEqual(shown, [1, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15]);

  const reader = new RuleReader(range);
  for (const entry of entries) reader.add(entry);
  assert.deepEqual(
    reader.result().map(({ index, standing, digest: named }) => [index, standing, named]),
    [[1, "in_force", "sha256:1"]],
  );
  assert.equal(minutes(0), Date.UTC(2026, 10, 21));
});
