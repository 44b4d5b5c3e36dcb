import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalBytes, digest } from "../../src/core/action/index.ts";
import type { Json, JsonObject } from "../../src/core/action/index.ts";
import { Frontier, encodeBundle, leafHash, tilePath } from "../../src/core/ledger/index.ts";
import { payloadsPath, readFolder, readRemembered, verifyLedger } from "../../src/verify/index.ts";
import type { AuditedEntry, LedgerEntry, Remembered, Report } from "../../src/verify/index.ts";
import { RULES, asked, checkpointOf, entriesOf, minutes, passed, story, vkey } from "./fixture.ts";
import type { Event } from "./fixture.ts";

const POLICIES = "sha256:p1";
const directory = (digest: string, change: JsonObject = {}): JsonObject => ({
  digest,
  people: ["ada", "bob", "cid"].map((id): Json => ({ id, active: true })),
  agents: [{ id: "report-bot", owners: ["olga"], deployers: [] }],
  groups: [
    { group: "owners", members: [{ group: "owners", person: "ada", since: 0 }] },
    {
      group: "security",
      members: ["ada", "bob", "cid"].map((person): Json => ({ group: "security", person, since: 0 })),
    },
  ],
  ...change,
});
const inForce = (minute: number, digest: string, change: JsonObject = {}): Event => [
  "directory",
  "directory.changed",
  minute,
  { directory: directory(digest, change) },
  { directory: digest },
];
const history: readonly Event[] = [
  inForce(0, "sha256:d1"),
  ["policy", "policy.changed", 0, {}, { policies: POLICIES }],
  ["catalogue", "catalogue.changed", 0, { catalogue: null }, { catalogue: "sha256:c1" }],
  asked("a", { policies: POLICIES }),
  asked("b", { policies: POLICIES }),
  ...story("a"),
  ...passed("x", 7),
  ...story("b", 8),
  ...passed("y", 30),
  ["server", "server.stopped", 31, {}],
];
const entries = entriesOf(history);
const sentences = ({ integrity, completeness, decisions, time }: Report): string =>
  [integrity, completeness, decisions, time].flatMap(({ findings }) => findings.map((f) => f.because)).join("; ");
const verdicts = ({ integrity, completeness, decisions, time }: Report): string =>
  [integrity, completeness, decisions, time].map(({ verdict }) => verdict).join(" ");

async function verifyTo(
  size: number,
  remembered?: Remembered,
  list: readonly LedgerEntry[] = entries,
): Promise<Report> {
  const from = remembered?.frontier === undefined ? 0 : Number(remembered.checkpoint.split("\n")[1]);
  return verifyLedger({
    entries: list.slice(from, size),
    checkpoint: checkpointOf(list.slice(0, size)),
    vkey,
    ...(remembered === undefined ? {} : { remembered }),
  });
}

test("law: verifying in two parts finds what verifying at once finds, wherever the parts meet", async () => {
  const whole = await verifyTo(entries.length);
  assert.equal(sentences(whole), "");
  for (let cut = 0; cut <= entries.length; cut++) {
    const first = await verifyTo(cut);
    assert.equal(sentences(first), "", `up to ${cut}`);
    const kept = readRemembered(JSON.parse(JSON.stringify(first.remember)) as Json);
    const second = await verifyTo(entries.length, kept);
    assert.equal(sentences(second), "", `from ${cut}`);
    assert.equal(second.from, cut);
    assert.equal(second.counts.entries, entries.length - cut);
    for (const name of ["released", "completed", "evaluations", "requests"] as const) {
      assert.equal(first.counts[name] + second.counts[name], whole.counts[name], `${name} at ${cut}`);
    }
    assert.deepEqual(second.remember?.checkpoint, whole.remember?.checkpoint);
    assert.deepEqual(second.remember?.frontier, whole.remember?.frontier);
  }
});

test("law: what a later part breaks is found as if all had been read", async () => {
  const broken: readonly (readonly [string, number, (events: Event[]) => Event[], RegExp])[] = [
    [
      "a second release",
      22,
      (e) => [...e, e.find(([, type]) => type === "permit.redeemed") ?? assert.fail()],
      /while the request was/,
    ],
    [
      "a second execution",
      22,
      (e) => [...e, ...passed("x", 32).slice(1)],
      /an action was executed and its evaluation was/,
    ],
    [
      "an unknown policy",
      22,
      (e) => [...e, asked("z", { policies: "sha256:p2" })],
      /names policies that were not in force/,
    ],
  ];
  for (const [name, cut, change, sentence] of broken) {
    const list = entriesOf(change([...history]));
    const { remember } = await verifyTo(cut, undefined, list);
    const report = await verifyTo(list.length, remember ?? assert.fail(), list);
    assert.match(sentences(report), sentence, name);
  }
  // Whoever approves by a review made before the cut is judged by what was remembered of it.
  const swapped = history.map((event): Event => {
    const [stream, type, minute, payload, publics] = event;
    const by = ["ada", "ada", "bob"];
    return type === "request.approved" && stream === "request/arq_b"
      ? [stream, type, minute, { ...payload, by }, publics ?? {}]
      : event;
  });
  const list = entriesOf(swapped);
  const cut = swapped.findIndex(([stream, type]) => stream === "request/arq_b" && type === "request.approved");
  const { remember } = await verifyTo(cut, undefined, list);
  assert.match(sentences(await verifyTo(list.length, remember ?? assert.fail(), list)), /one person is counted twice/);
});

test("a remembered checkpoint alone: all is read again, and the old root must be a prefix", async () => {
  const old = checkpointOf(entries.slice(0, 9));
  assert.equal(sentences(await verifyTo(entries.length, { checkpoint: old })), "");
  const other = entriesOf(
    history.map((event, at): Event => (at === 8 ? [event[0], event[1], event[2], event[3], { x: 1 }] : event)),
  );
  assert.match(
    sentences(await verifyTo(other.length, { checkpoint: old }, other)),
    /the first 9 entries are not those/,
  );
  assert.match(
    sentences(await verifyTo(8, { checkpoint: old })),
    /the ledger went back: .* over 9 entries, this one over 8/,
  );
  assert.equal(sentences(await verifyTo(9, { checkpoint: old })), "");
});

test("a remembered frontier proves itself, and what goes on from it must lead to the new root", async () => {
  const { remember } = await verifyTo(9);
  const kept = remember ?? assert.fail();
  const forged = new Frontier();
  for (let n = 0; n < 9; n++) forged.append(leafHash(Uint8Array.of(n)));
  const wrong = { ...kept, frontier: Buffer.from(forged.toBytes()).toString("base64") };
  assert.match(
    sentences(await verifyTo(entries.length, wrong)),
    /edge of the tree is not that of the remembered checkpoint/,
  );
  const report = await verifyLedger({
    entries: entries.slice(10),
    checkpoint: checkpointOf(entries),
    vkey,
    remembered: kept,
  });
  assert.match(sentences(report), /and only \d+ are here.*index 9 is expected here, this is 10/);
  assert.equal((await verifyTo(3)).remember?.checkpoint, checkpointOf(entries.slice(0, 3)));
  const bad = await verifyLedger({ entries, checkpoint: checkpointOf(entries.slice(1)), vkey });
  assert.equal(bad.remember, null, "only what passed is worth remembering");
  for (const junk of [null, [], {}, { checkpoint: 1 }]) assert.throws(() => readRemembered(junk), /has no checkpoint/);
});

test("from the middle with nothing known before: what began earlier is not judged, and said so", async () => {
  const cut = history.findIndex(([, type]) => type === "permit.issued");
  const { remember } = await verifyTo(cut);
  const { checkpoint, frontier = "" } = remember ?? assert.fail();
  const report = await verifyTo(entries.length, { checkpoint, frontier });
  assert.equal(sentences(report), "");
  assert.deepEqual(report.unreadable, ["request/arq_a"], "released here, approved before");
  assert.equal(report.counts.released, 2);
});

test("a published folder is read as it stands, in parts, and without payloads", async () => {
  const many = entriesOf([
    ...history,
    ...Array.from({ length: 600 }, (_, n): Event => ["server", "server.started", 40, { n }]),
  ]);
  const files = folderOf(many);
  const read = async (path: string): Promise<Uint8Array | null> => files.get(path) ?? null;
  const all = async (size: number, from = 0): Promise<AuditedEntry[]> => {
    const found: AuditedEntry[] = [];
    for await (const some of readFolder(read, size, from)) found.push(...some);
    return found;
  };
  const audited = await all(many.length);
  assert.ok(
    audited.every((entry) => entry.stream === undefined),
    "lines that end as their headers do need no parser",
  );
  assert.deepEqual(
    audited.map(({ index }) => index),
    many.map(({ index }) => index),
  );
  for (const [at, entry] of audited.entries())
    assert.deepEqual(Buffer.from(entry.payload ?? []), Buffer.from(many[at]?.payload ?? []));
  assert.equal(
    sentences(await verifyLedger({ entries: readFolder(read, many.length), checkpoint: checkpointOf(many), vkey })),
    "",
  );
  assert.deepEqual(
    (await all(many.length, 300)).map(({ index }) => index),
    many.slice(300).map(({ index }) => index),
  );
  assert.equal((await all(500)).length, 500, "a partial bundle's entries out of the full one that replaced it");
  for (const path of [...files.keys()].filter((path) => path.startsWith("payloads/"))) files.delete(path);
  const bare = await verifyLedger({ entries: readFolder(read, many.length), checkpoint: checkpointOf(many), vkey });
  assert.deepEqual(
    [verdicts(bare), bare.counts.erased, bare.counts.unreadable],
    ["pass pass pass pass", many.length, 2],
  );
  files.delete(tilePath({ level: "entries", index: 1, width: 256 }));
  const gone = await verifyLedger({ entries: readFolder(read, many.length), checkpoint: checkpointOf(many), vkey });
  assert.match(sentences(gone), /and only 256 are here/);
});

test("a folder whose lines lie, or cannot be read, is noticed", async () => {
  const line = (change: (text: string) => string): Promise<Report> => {
    const files = folderOf(entries);
    const path = payloadsPath(0);
    const lines = Buffer.from(files.get(path) ?? assert.fail())
      .toString()
      .split("\n");
    files.set(path, Buffer.from(lines.with(5, change(lines[5] ?? "")).join("\n")));
    const read = async (name: string): Promise<Uint8Array | null> => files.get(name) ?? null;
    return verifyLedger({ entries: readFolder(read, entries.length), checkpoint: checkpointOf(entries), vkey });
  };
  assert.equal(sentences(await line((text) => text)), "");
  const spaced = await line((text) => text.replaceAll('":', '": '));
  assert.equal(sentences(spaced), "", "another spelling of the same line");
  assert.match(sentences(await line((text) => text.replace("request/arq_a", "request/arq_b"))), /filed under another/);
  assert.match(
    sentences(await line((text) => text.replace('"type":"request.opened"', '"type":"review.recorded"'))),
    /filed under another/,
  );
  assert.match(
    sentences(await line((text) => text.replace(/"salt":"[^"]*"/, '"salt":null'))),
    /of payload and salt only one/,
  );
  assert.match(
    sentences(await line((text) => text.replace(/"salt":"./, '"salt":"+'))),
    /not the one that the header commits to|only one/,
  );
  const erased = await line((text) => text.replace(/"payload":"[^"]*","salt":"[^"]*"/, '"payload":null,"salt":null'));
  assert.deepEqual([verdicts(erased), erased.counts.erased], ["pass pass pass pass", 1]);
  await assert.rejects(
    line((text) => text.replace('"index":5', '"index":6')),
    /is of entry 6, not 5/,
  );
  await assert.rejects(
    line(() => "{}"),
    /payloads\/000.jsonl: line 6 is none, of entry 5/,
  );
  await assert.rejects(
    line((text) => text.slice(0, 40)),
    /line 6/,
  );
});

/** The files of a published folder, as spec/ledger.md says. */
function folderOf(list: readonly LedgerEntry[]): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (let index = 0; index * 256 < list.length; index++) {
    const some = list.slice(index * 256, (index + 1) * 256);
    files.set(
      tilePath({ level: "entries", index, width: some.length }),
      encodeBundle(some.map(({ header }) => header)),
    );
    const base64 = (bytes: Uint8Array | null): string | null =>
      bytes === null ? null : Buffer.from(bytes).toString("base64");
    const lines = some.map(({ index, payload, salt, stream, type, version }) =>
      JSON.stringify({ index, payload: base64(payload), salt: base64(salt), stream, type, version }),
    );
    files.set(payloadsPath(index), Buffer.from(`${lines.join("\n")}\n`));
  }
  return files;
}

const audit = (events: readonly Event[], tolerance?: number): Promise<Report> => {
  const list = entriesOf([...RULES, ...events]);
  const options = tolerance === undefined ? {} : { clockToleranceMs: tolerance };
  return verifyLedger({ entries: list, checkpoint: checkpointOf(list), vkey, ...options });
};

test("eligibility: reviews are judged by the directory that was in force, with a minute's grace after a change", async () => {
  const noBob = {
    groups: [
      { group: "owners", members: [{ group: "owners", person: "ada", since: 0 }] },
      { group: "security", members: ["ada", "cid"].map((person): Json => ({ group: "security", person, since: 0 })) },
    ],
  };
  const late = {
    groups: [
      { group: "owners", members: [{ group: "owners", person: "ada", since: 0 }] },
      {
        group: "security",
        members: ["ada", "bob", "cid"].map((person): Json => ({ group: "security", person, since: minutes(0) + 1 })),
      },
    ],
  };
  const inactive = { people: ["ada", "bob", "cid"].map((id): Json => ({ id, active: id !== "bob" })) };
  const owner = { agents: [{ id: "report-bot", owners: ["olga", "bob"], deployers: [] }] };
  const with1 = (event: Event, ...rest: Event[]): Event[] => [
    event,
    asked("a", { directory: event[4]?.["directory"] ?? null }),
    ...rest,
  ];
  const cases: readonly (readonly [string, Event[], RegExp | null])[] = [
    ["as it should be", with1(inForce(0, "d1"), ...story()), null],
    ["not in the group", with1(inForce(0, "d1", noBob), ...story()), /`bob` is not in `security` by the directory/],
    ["in the group too late", with1(inForce(0, "d1", late), ...story()), /`ada` came into `security` after/],
    ["inactive", with1(inForce(0, "d1", inactive), ...story()), /`bob` is no active person/],
    ["owner by now", with1(inForce(0, "d1", owner), ...story()), /`bob` stands behind the agent/],
    [
      "left before the review",
      with1(inForce(0, "d1"), ...around(story(), 1, inForce(0, "d2", noBob))),
      /`bob` is not in `security`/,
    ],
    [
      "left at the same moment",
      with1(inForce(0, "d1"), ...around(story(), 2, inForce(2, "d2", noBob), inForce(2, "d3"))),
      null,
    ],
    [
      "left before redemption",
      with1(inForce(0, "d1"), ...around(story(), 6, inForce(3, "d2", noBob))),
      /`bob` is not in `security`/,
    ],
    ["left right before redemption", with1(inForce(0, "d1"), ...around(story(), 7, inForce(5, "d2", noBob))), null],
    [
      "another directory than it is called",
      with1(inForce(0, "d1", { digest: "d9" }), ...story()),
      /not the one that came into force/,
    ],
    [
      "a directory of another shape",
      with1(inForce(0, "d1", { people: "ada" }), ...story()),
      /directory cannot be read/,
    ],
  ];
  for (const [name, events, sentence] of cases) {
    const report = await audit(events);
    if (sentence === null) assert.equal(sentences(report), "", name);
    else assert.match(sentences(report), sentence, name);
    assert.equal(report.decisions.verdict, sentence === null ? "pass" : "fail", name);
  }
  const erased = entriesOf([...RULES, ...with1(inForce(0, "d1", noBob), ...story())]).map((entry) =>
    entry.type === "directory.changed" ? { ...entry, payload: null, salt: null } : entry,
  );
  const report = await verifyLedger({ entries: erased, checkpoint: checkpointOf(erased), vkey });
  assert.equal(sentences(report), "", "an erased directory judges nobody");
});

function around(events: readonly Event[], place: number, ...more: Event[]): Event[] {
  return [...events.slice(0, place), ...more, ...events.slice(place)];
}

/** A catalogue comes into force under the digest of the first content; the payload shows the second. */
function catalogueChanged(named: JsonObject, shown: JsonObject = named): Event {
  return ["catalogue", "catalogue.changed", 0, { catalogue: shown }, { catalogue: digest(canonicalBytes(named)) }];
}

test("an evaluation names the rules in force, an outcome follows an allowed one, a request one that asked", async () => {
  const policy = (digest: string, minute: number): Event => [
    "policy",
    "policy.changed",
    minute,
    {},
    { policies: digest },
  ];
  const by = (policies: string, minute: number): Event => {
    const [stream, type, , payload, publics] = asked(`n${minute}`, { policies, outcome: "deny" });
    return [stream, type, minute, payload, publics ?? {}];
  };
  const opens = story().slice(0, 1);
  const cases: readonly (readonly [string, Event[], RegExp | null])[] = [
    ["in force", [policy("p1", 0), by("p1", 1)], null],
    ["the one before, a moment after", [policy("p1", 0), policy("p2", 5), by("p1", 6)], null],
    ["the one before, too late", [policy("p1", 0), policy("p2", 5), by("p1", 7)], /policies that were not in force/],
    ["none", [by("p1", 1)], /policies that were not in force/],
    ["by no catalogue", [asked("x", { catalogue: null })], /does not name the catalogue by which it was answered/],
    ["by another catalogue", [asked("x", { catalogue: "c2" })], /names a catalogue that was not in force/],
    ["by another directory", [asked("x", { directory: "d2" })], /names a directory that was not in force/],
    ["a catalogue as it is called", [catalogueChanged({ actions: {} })], null],
    [
      "another catalogue than it is called",
      [catalogueChanged({ actions: {} }, { actions: { read: {} } })],
      /the catalogue shown is not the one/,
    ],
    [
      "a catalogue that is not there",
      [["catalogue", "catalogue.changed", 0, {}, { catalogue: "c2" }]],
      /catalogue cannot be read/,
    ],
    ["a change without a name", [["policy", "policy.changed", 0, {}, {}]], /does not name what came into force/],
    ["an outcome without an evaluation", passed("x").slice(1), /its evaluation was not there/],
    ["an outcome twice", [...passed("x"), ...passed("x").slice(1)], /was executed before/],
    ["an outcome of what was held", [asked("x"), ...passed("x").slice(1)], /an answer that asks for approval/],
    ["an outcome of what was denied", [asked("x", { outcome: "deny" }), ...passed("x").slice(1)], /a denial/],
    [
      "an outcome of something else",
      [asked("x", { outcome: "allow", digest: "sha256:other" }), ...passed("x").slice(1)],
      /of another action than the evaluation/,
    ],
    ["an outcome outside", [["server", "action.completed", 0, {}]], /outside any request and evaluation/],
    ["two answers", [asked("x"), asked("x")], /a second answer to one evaluation/],
    ["an answer to nothing", [asked("x", { outcome: 3 })], /does not say what it was about/],
    ["an unknown entry", [asked("x"), ["evaluation/eval_x", "action.blessed", 0, {}]], /no entry of an evaluation/],
    ["a request after what was allowed", [asked("a", { outcome: "allow" }), ...opens], /did not ask for approval/],
    ["a request after another action", [asked("a", { digest: "sha256:other" }), ...opens], /was about another action/],
    ["a request after nothing", [...opens], /which is not in the ledger/],
    ["a request a day later", [asked("a"), ...story("a", 1441).slice(0, 1)], /more than a day old/],
    [
      "the header of another action",
      [
        asked("a"),
        ...around(story(), 1, [
          story()[0]![0],
          "review.refused",
          1,
          { refusal: { refused: "x" } },
          { digest: "sha256:other" },
        ]),
      ],
      /digest of another action than the request/,
    ],
  ];
  for (const [name, events, sentence] of cases) {
    const report = await audit(events);
    if (sentence === null) assert.equal(sentences(report), "", name);
    else assert.match(sentences(report), sentence, name);
  }
});

test("time: a clock set back is named once, small differences are not, and tolerance can be chosen", async () => {
  const at = (minute: number): Event => ["server", "server.started", minute, {}];
  const cases: readonly (readonly [string, Event[], string])[] = [
    ["forward", [at(0), at(1), at(1), at(2)], ""],
    ["half a minute back", [at(1), at(0.5)], ""],
    [
      "a minute back",
      [at(1), at(0)],
      "the clock was set back by 1 min: before this entry of 2026-11-21T00:00:00.000Z it was 2026-11-21T00:01:00.000Z",
    ],
    [
      "a step, then on from there",
      [at(600), at(1), at(2), at(3)],
      "the clock was set back by 9 h 59 min: before this entry of 2026-11-21T00:01:00.000Z it was 2026-11-21T10:00:00.000Z",
    ],
    [
      "slowly",
      [at(1), at(0.8), at(0.6), at(0.4)],
      "the clock was set back by 36 s: before this entry of 2026-11-21T00:00:24.000Z it was 2026-11-21T00:01:00.000Z",
    ],
  ];
  for (const [name, events, sentence] of cases) {
    const report = await audit(events);
    assert.equal(sentences(report), sentence, name);
    assert.equal(report.time.verdict, sentence === "" ? "pass" : "fail", name);
  }
  assert.equal((await audit([at(1), at(0)], 60_000)).time.verdict, "pass");
  assert.equal((await audit([at(1), at(0.99)], 0)).time.verdict, "fail");
  const list = entriesOf([at(0)]);
  const early = await verifyLedger({ entries: list, checkpoint: checkpointOf(list), vkey, now: minutes(-120) });
  assert.match(sentences(early), /the last entry is of 2026-11-21T00:00:00.000Z, which is 2 h from now/);
});
