import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../../src/core/action/index.ts";
import { noteSignedBytes, signedNote, verifierKey } from "../../src/core/ledger/index.ts";
import { verifyLedger } from "../../src/verify/index.ts";
import type { LedgerEntry, Report } from "../../src/verify/index.ts";
import {
  ORIGIN,
  RULES,
  asked,
  checkpointOf,
  entriesOf,
  key,
  keyOf,
  minutes,
  opened,
  review,
  story,
  vkey,
} from "./fixture.ts";
import type { Event } from "./fixture.ts";

const AROUND = [...RULES, asked("a"), asked("b"), asked("2")];
const history = (by: string): Event[] => [
  ...RULES,
  asked("a"),
  asked("b"),
  ...story("a"),
  ["policy", "policy.changed", 7, { by }, { policies: "sha256:2" }],
  ...story("b", 8),
];
const good = entriesOf(history("ada"));
const checkpoint = checkpointOf(good);
const verdicts = ({ integrity, completeness, decisions }: Report): string =>
  [integrity, completeness, decisions].map(({ verdict }) => verdict).join(" ");
const sentences = (report: Report): string =>
  [report.integrity, report.completeness, report.decisions]
    .flatMap(({ findings }) => findings.map((f) => f.because))
    .join("; ");
const audit = (events: readonly Event[]): Promise<Report> => {
  const entries = entriesOf([...AROUND, ...events]);
  return verifyLedger({ entries, checkpoint: checkpointOf(entries), vkey });
};
/** The story with the event of a type replaced by others. */
const told = (type: string, ...others: Event[]): Event[] =>
  story().flatMap((event) => (event[1] === type ? others : [event]));
const stream = "request/arq_a";

test("a ledger as it should be passes, from a list and from a stream, with its counts", async () => {
  const progress: (number | null)[][] = [];
  const onProgress = ({ entries, of }: { entries: number; of: number | null }): void =>
    void progress.push([entries, of]);
  const fromList = await verifyLedger({ entries: good, checkpoint, vkey, onProgress });
  assert.equal(sentences(fromList), "");
  assert.equal(verdicts(fromList), "pass pass pass");
  assert.equal(fromList.passed, true);
  assert.equal(fromList.origin, ORIGIN);
  assert.deepEqual(fromList.counts, {
    entries: 24,
    erased: 0,
    evaluations: 2,
    requests: 2,
    released: 2,
    completed: 2,
    unreadable: 0,
  });
  assert.deepEqual(progress, [[24, 24]]);
  async function* stream(): AsyncGenerator<LedgerEntry> {
    yield* good;
  }
  assert.equal(verdicts(await verifyLedger({ entries: stream(), checkpoint, vkey })), "pass pass pass");
  assert.equal(verdicts(await verifyLedger({ entries: [], checkpoint: checkpointOf([]), vkey })), "pass pass pass");
});

const swap = (list: readonly LedgerEntry[], a: number, b: number): LedgerEntry[] => {
  const [first, second] = [list[a] ?? assert.fail(), list[b] ?? assert.fail()];
  return list.with(a, { ...second, index: a }).with(b, { ...first, index: b });
};
const forged = entriesOf(told("review.recorded"));
const other = keyOf(2);

test("ledger.*: a rewritten history fails by the sentence that names how", async () => {
  const edited = entriesOf(history("eve"));
  const cases: [string, { entries: LedgerEntry[]; checkpoint?: string; vkey?: string }, string, RegExp][] = [
    ["ledger.edit", { entries: edited }, "fail not_checked not_checked", /not those under the signed root/],
    [
      "ledger.edit of one header",
      { entries: good.with(14, edited[14] ?? assert.fail()) },
      "fail not_checked not_checked",
      /signed root/,
    ],
    [
      "ledger.edit of a payload",
      { entries: good.with(14, { ...good[14]!, payload: edited[14]!.payload }) },
      "pass pass fail",
      /not the one that the header commits to/,
    ],
    [
      "ledger.edit of a payload and its salt",
      { entries: good.with(5, { ...good[5]!, payload: edited[15]!.payload, salt: edited[15]!.salt }) },
      "pass pass fail",
      /commits to/,
    ],
    [
      "ledger.edit of a column",
      { entries: good.with(6, { ...good[6]!, type: "review.refused" }) },
      "fail not_checked not_checked",
      /filed under another/,
    ],
    ["ledger.reorder", { entries: swap(good, 6, 7) }, "fail fail not_checked", /signed root.*version 1 of the stream/],
    ["ledger.truncate", { entries: good.slice(0, -1) }, "fail not_checked not_checked", /over 24 entries, and only 23/],
    ["ledger.truncate at the head", { entries: good.slice(1) }, "fail fail fail", /index 0 is expected/],
    [
      "an entry left out",
      { entries: good.toSpliced(14, 1) },
      "fail fail not_checked",
      /index 14 is expected here, this is 15/,
    ],
    [
      "an entry left out and indexes renumbered",
      { entries: good.toSpliced(14, 1).map((entry, index) => ({ ...entry, index })) },
      "fail not_checked not_checked",
      /only 23/,
    ],
    [
      "an entry put in",
      { entries: [...good, { ...good[14]!, index: 24 }] },
      "fail fail not_checked",
      /those from here on are unsigned/,
    ],
    [
      "ledger.rechain without the key",
      { entries: forged, checkpoint: checkpointOf(forged, other) },
      "fail not_checked fail",
      /no signature by/,
    ],
    [
      "ledger.rollback to an older checkpoint",
      { entries: good, checkpoint: checkpointOf(good.slice(0, 8)) },
      "fail not_checked not_checked",
      /^[^;]*unsigned; nothing[^;]*; nothing[^;]*$/,
    ],
    [
      "ledger.key-swap",
      { entries: good, vkey: verifierKey(ORIGIN, other.publicKey) },
      "fail not_checked not_checked",
      /no signature by/,
    ],
    [
      "another ledger's checkpoint under the same key",
      { entries: good, checkpoint: checkpointOf(good, key, "keyturn.example/other") },
      "fail not_checked not_checked",
      /no signature/,
    ],
    [
      "a signature of one bit more",
      {
        entries: good,
        checkpoint: checkpoint.replace(/(.)(..\n)$/, (_, a: string, b: string) => (a === "A" ? "B" : "A") + b),
      },
      "fail not_checked not_checked",
      /./,
    ],
    [
      "another size under the signature",
      { entries: good, checkpoint: checkpoint.replace("\n24\n", "\n25\n") },
      "fail not_checked not_checked",
      /not valid under this key/,
    ],
    ["no checkpoint", { entries: good, checkpoint: "" }, "fail not_checked not_checked", /a note is/],
    ["no key", { entries: good, vkey: "" }, "fail not_checked not_checked", /verifier key/],
    [
      "a header of junk",
      { entries: good.with(14, { ...good[14]!, header: new Uint8Array([1, 2, 3]) }) },
      "fail not_checked not_checked",
      /cannot be read/,
    ],
  ];
  for (const [name, evidence, expected, sentence] of cases) {
    const report = await verifyLedger({ checkpoint, vkey, ...evidence });
    assert.match(sentences(report), sentence, name);
    assert.equal(verdicts(report), expected, name);
    assert.equal(report.passed, false, name);
  }
});

test("ledger.fork: a valid signature is not enough for a text that is no checkpoint, of another ledger, or doubtful", async () => {
  const signed = (text: string): string => signedNote(text, ORIGIN, key.publicKey, key.sign(noteSignedBytes(text)));
  const [text = ""] = checkpoint.split("\n\n");
  const wrongLine = signedNote(`${text}\n`, ORIGIN, key.publicKey, new Uint8Array(64)).split("\n\n")[1];
  const notes: [string, string, RegExp][] = [
    ["no checkpoint", signed(`${ORIGIN}\nnineteen\n`), /three lines/],
    ["another origin", signed(`${text}\n`.replace(ORIGIN, "keyturn.example/other")), /not `keyturn.example\/ledger/],
    ["one line valid, one not", checkpoint + wrongLine, /not valid under this key/],
  ];
  for (const [name, note, sentence] of notes) {
    const report = await verifyLedger({ entries: good, checkpoint: note, vkey });
    assert.equal(verdicts(report), "fail not_checked not_checked", name);
    assert.match(sentences(report), sentence, name);
  }
});

test("completeness: a version left out of a stream by the writer itself is noticed, with the index and the stream", async () => {
  const entries = entriesOf([...RULES, asked(), ...story()]);
  const gapped = entriesOf([...RULES, asked(), ...story()].toSpliced(7, 1)).map((entry, index) =>
    index < 7 ? entry : { ...(entries[index + 1] ?? assert.fail()), index },
  );
  const report = await verifyLedger({ entries: gapped, checkpoint: checkpointOf(gapped), vkey });
  assert.equal(verdicts(report), "pass fail not_checked");
  assert.deepEqual(report.completeness.findings, [
    { index: 7, stream, because: "version 3 of the stream is expected here, this is 4" },
  ]);
});

test("privacy.erase: an erased ledger passes, and says which releases cannot be judged any more", async () => {
  const erase = (indexes: readonly number[]): LedgerEntry[] =>
    good.map((entry) => (indexes.includes(entry.index) ? { ...entry, payload: null, salt: null } : entry));
  const cases: [number[], string[]][] = [
    [[13, 14, 8], []], // outcome, policy and a refused review: nothing that decides
    [[5], ["request/arq_a"]],
    [
      [9, 17],
      ["request/arq_a", "request/arq_b"],
    ],
    [good.map(({ index }) => index), ["request/arq_a", "request/arq_b"]],
  ];
  for (const [indexes, unreadable] of cases) {
    const report = await verifyLedger({ entries: erase(indexes), checkpoint, vkey });
    assert.equal(verdicts(report), "pass pass pass");
    assert.deepEqual(report.unreadable, unreadable);
    assert.equal(report.counts.erased, indexes.length);
  }
  const half = good.with(5, { ...good[5]!, salt: null });
  assert.equal(verdicts(await verifyLedger({ entries: half, checkpoint, vkey })), "pass pass fail");
  // Erasure hides who and what, never the order: a release without approval stands out all the same.
  const events = entriesOf([...RULES, asked(), ...told("request.approved")]).map((entry) => ({
    ...entry,
    payload: null,
    salt: null,
  }));
  assert.match(
    sentences(await verifyLedger({ entries: events, checkpoint: checkpointOf(events), vkey })),
    /while the request was pending/,
  );
});

test("decisions: an operator with the real key who breaks a rule is found out", async () => {
  const approved = (by: string[], until = 13, minute = 3): Event => [
    stream,
    "request.approved",
    minute,
    { approval: "apr_a", by, approvedUntil: minutes(until) },
  ];
  const redeemed = (minute = 5, permit = "prm_a"): Event => [
    stream,
    "permit.redeemed",
    minute,
    { permit, gate: "sdk", attempt: "1" },
  ];
  const started = (change: JsonObject): Event => [stream, "request.opened", 0, opened("a", change)];
  const attached = (person: string): Event => [
    stream,
    "request.attached",
    4,
    {
      evaluation: "eval_2",
      gate: "sdk",
      barred: [{ person, relation: "caller", evidence: "token" }],
      raise: false,
      reason: null,
    },
  ];
  const withReview = (person: string, payload: JsonObject): Event[] =>
    story().map((event) =>
      (event[3]["review"] as JsonObject | undefined)?.["person"] === person
        ? [event[0], event[1], event[2], payload]
        : event,
    );
  const cases: [string, readonly Event[], RegExp][] = [
    ["no opening", told("request.opened"), /while the request was unopened/],
    ["two openings", [...story(), ...story().slice(0, 1)], /`request.opened` while the request was completed/],
    ["no approval", told("request.approved"), /`permit.redeemed` while the request was pending/],
    [
      "permit.replayed",
      told("permit.redeemed", redeemed(), redeemed(6)),
      /`permit.redeemed` while the request was redeemed/,
    ],
    ["redeemed after the outcome", [...story(), redeemed(7)], /`permit.redeemed` while the request was completed/],
    ["permit.swapped", told("permit.redeemed", redeemed(5, "prm_b")), /belongs to another request/],
    ["permit.expired", told("permit.redeemed", redeemed(13)), /after the approval had ended/],
    ["a release outside any request", [["evaluation/eval_1", "permit.redeemed", 1, {}]], /outside any request/],
    ["an outcome before the release", told("permit.redeemed"), /`action.completed` while the request was approved/],
    ["two outcomes", [...story(), ...story().slice(-1)], /`action.completed` while the request was completed/],
    ["approved too late", told("request.approved", approved(["ada", "bob", "cid"], 70, 60)), /after its time was over/],
    ["approved for longer than said", told("request.approved", approved(["ada", "bob", "cid"], 14)), /lasts longer/],
    [
      "after a denial",
      told("request.approved", [stream, "request.denied", 3, { by: "bob" }]),
      /while the request was closed/,
    ],
    [
      "quorum.one-person-many-groups",
      told("request.approved", approved(["ada", "bob"])),
      /need 3 distinct people, and 2 approved/,
    ],
    ["one of security only", told("request.approved", approved(["ada"])), /security need 2 distinct people, and 1/],
    ["quorum.double-click", told("request.approved", approved(["ada", "bob", "bob"])), /counted twice/],
    ["nobody", told("request.approved", approved([])), /need/],
    [
      "a quorum of nobody",
      told("request.opened", started({ terms: [{ group: "security", quorum: 0 }] })),
      /quorum is not/,
    ],
    ["terms that ask nobody", told("request.opened", started({ terms: [] })), /asks nobody/],
    [
      "someone who did not review",
      told("request.approved", approved(["ada", "bob", "dan"])),
      /`dan` is counted but has no approval/,
    ],
    [
      "someone who denied",
      withReview("cid", review("cid", ["security"], { verdict: "deny" })),
      /`cid` is counted but has no approval/,
    ],
    [
      "self.owner",
      told("request.opened", started({ barred: [{ person: "cid", relation: "agent_owner", evidence: "d" }] })),
      /`cid` is counted but stands behind/,
    ],
    ["barred after the approval", told("permit.issued", attached("bob")), /`bob` is counted but stands behind/],
    ["evidence too weak", told("request.opened", started({ assurance: "A3" })), /evidence of `ada` is too weak/],
    ["a person of another group", withReview("cid", review("cid", ["sales"])), /need 3 distinct people, and 2/],
    [
      "a voided review",
      told("permit.issued", [
        stream,
        "review.voided",
        4,
        { person: "bob", refusal: { refused: "person_inactive", because: "left" } },
      ]),
      /while the request was pending; the permit was redeemed and no approval stood/,
    ],
    [
      "shown.differs: another canonical text",
      told("request.opened", started({ canonical: "{}" })),
      /digest is not that of its canonical action/,
    ],
    [
      "shown.differs: another question",
      told(
        "request.opened",
        started({
          question: { subject: { type: "a", id: "b" }, action: { name: "read" }, resource: { type: "c", id: "d" } },
        }),
      ),
      /not the action that its digest names/,
    ],
    [
      "another request's opening",
      told("request.opened", [stream, "request.opened", 0, opened("b")]),
      /the stream another's/,
    ],
    [
      "a payload of another shape",
      told("request.approved", [stream, "request.approved", 3, { by: "ada" }]),
      /`request.approved` cannot be read/,
    ],
    [
      "an entry of unknown type",
      [...story(), [stream, "request.blessed", 9, {}]],
      /no entry of a request that this verifier knows/,
    ],
  ];
  for (const [name, events, sentence] of cases) {
    const report = await audit(events);
    assert.match(sentences(report), sentence, name);
    assert.equal(verdicts(report), "pass pass fail", name);
    assert.ok(
      report.decisions.findings.every((finding) => finding.index !== null && finding.stream !== null),
      name,
    );
  }
});

test("decisions: what looks odd but is right passes", async () => {
  const until = minutes(13);
  const all = { approval: "apr_a", by: ["ada", "bob", "cid"], approvedUntil: until };
  const head = story().slice(0, 6);
  const voided: Event = [
    stream,
    "review.voided",
    4,
    { person: "bob", refusal: { refused: "person_inactive", because: "left" } },
  ];
  const attach: Event = [
    stream,
    "request.attached",
    1,
    { evaluation: "eval_2", gate: "sdk", barred: [], raise: true, reason: null },
  ];
  const single = (quorum: number, by: string[]): Event[] => [
    [stream, "request.opened", 0, opened("a", { terms: [{ group: "security", quorum }], barred: [] })],
    attach,
    ...by.map((person): Event => [stream, "review.recorded", 2, review(person, ["security"])]),
    [stream, "request.approved", 3, { ...all, by }],
    ...story().slice(-2),
  ];
  const cases: [string, Event[]][] = [
    ["never decided", story().slice(0, 3)],
    ["approved, never used", [...head, [stream, "permit.expired", 14, {}]]],
    ["expired", [...story().slice(0, 1), [stream, "request.expired", 60, {}]]],
    [
      "voided and approved anew",
      [
        ...head,
        voided,
        [stream, "review.recorded", 5, review("dan", ["owners"])],
        [stream, "request.approved", 5, { ...all, by: ["ada", "cid", "dan"] }],
        ...story().slice(-2),
      ],
    ],
    [
      "a deny after an approval",
      [
        ...story().slice(0, 3),
        [stream, "review.recorded", 3, review("ada", ["security"], { verdict: "deny" })],
        [stream, "request.denied", 3, { by: "ada" }],
      ],
    ],
    ["raised to two, and two approved", single(1, ["ada", "bob"])],
  ];
  for (const [name, events] of cases) assert.equal(sentences(await audit(events)), "", name);
  assert.match(
    sentences(await audit(single(1, ["ada"]))),
    /security need 2 distinct people, and 1/,
    "self.unknown-initiator",
  );
});

test("a flood of findings is counted, not kept", async () => {
  const events = Array.from({ length: 1500 }, (_, n): Event => [
    `request/arq_${n}`,
    "permit.redeemed",
    1,
    { permit: `prm_${n}` },
  ]);
  const { decisions } = await audit(events);
  assert.equal(decisions.findings.length, 1001);
  assert.match(decisions.findings.at(-1)?.because ?? "", /and \d+ more/);
});
