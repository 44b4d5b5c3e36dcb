// Somebody who runs the server, holds its signing key and can write anything, rewrites history. Each story is sealed and
// signed so that every hash fits; what is left to see through it are the rules, what an auditor remembers, and a witness.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { JsonObject } from "../../src/core/action/index.ts";
import { addSignatures } from "../../src/core/ledger/index.ts";
import { verifyLedger } from "../../src/verify/index.ts";
import type { Evidence, LedgerEntry, Remembered, Report } from "../../src/verify/index.ts";
import { Signer } from "../core/ledger/signers.ts";
import { exportRows, grantRole, readRows } from "../support/actions.ts";
import { approve, hold, permitFor, redeem, review } from "../support/flow.ts";
import type { Held } from "../support/flow.ts";
import { House } from "../support/house.ts";
import type { Client } from "../support/house.ts";
import { textAt } from "../support/json.ts";
import { Operator, sealed, told, withMember, written } from "./operator.ts";
import type { Told } from "./operator.ts";

const witness = new Signer("witness.example/1", 7);
const HOUR = 3_600_000;

let house: House;
let operator: Operator;
let entries: readonly LedgerEntry[];
let story: readonly Told[];
let honest: string;
let cosigned: string;
let passedAt: string;
let exported: Held;
let granted: Held;
let denied: Held;

before(async () => {
  house = await House.open();
  operator = await Operator.of(house);
  const gate = await house.gate();
  passedAt = textAt((await gate.post("/access/v1/evaluation", readRows(5))).body, "context", "evaluation_id");
  await gate.post(`/v1/evaluations/${passedAt}/outcome`, { status: "succeeded", details: { rows: 5 } });
  exported = await hold(gate, exportRows(12_000));
  await approve(await house.person("ann"), exported);
  await release(gate, exportRows(12_000), exported);
  granted = await hold(gate, grantRole("admin"));
  for (const person of ["ann", "bob"]) await approve(await house.person(person), granted);
  await release(gate, grantRole("admin"), granted);
  denied = await hold(gate, exportRows(400));
  assert.equal((await review(await house.person("bob"), denied, "deny")).status, 200);
  entries = await written(house);
  story = told(entries);
  honest = operator.checkpoint(entries);
  const seconds = Math.floor((story.at(-1)?.at ?? 0) / 1000) + 1;
  cosigned = addSignatures(honest, [witness.cosign(honest, seconds)]);
});

after(async () => {
  await house[Symbol.asyncDispose]();
});

async function release(gate: Client, question: JsonObject, held: Held): Promise<void> {
  const used = await redeem(gate, await permitFor(gate, question, held), held.digest);
  await gate.post(`/v1/permits/${textAt(used.body, "permit_id")}/outcome`, { status: "succeeded", details: {} });
}

type Holds = Pick<Evidence, "remembered" | "witnesses">;
const NOTHING: Holds = {};
const remembers = (checkpoint: string = honest): Holds => ({ remembered: { checkpoint } });
const WITNESS: Holds = { witnesses: { vkeys: [witness.witnessKey], quorum: 1 } };

/** What an auditor finds in a story that was sealed and signed with the real key. */
async function audit(to: readonly Told[], holds: Holds = NOTHING): Promise<Report> {
  const forged = sealed(to, entries);
  return verifyLedger({ entries: forged, checkpoint: operator.checkpoint(forged), vkey: operator.vkey, ...holds });
}

const sentences = ({ integrity, completeness, decisions, time }: Report): string =>
  [integrity, completeness, decisions, time].flatMap(({ findings }) => findings.map((f) => f.because)).join("; ");
const verdicts = ({ integrity, completeness, decisions, time }: Report): string =>
  [integrity, completeness, decisions, time].map(({ verdict }) => verdict).join(" ");

async function foundOut(
  to: readonly Told[],
  sentence: RegExp,
  expected: string,
  holds: Holds = NOTHING,
): Promise<void> {
  const report = await audit(to, holds);
  assert.match(sentences(report), sentence);
  assert.equal(verdicts(report), expected, sentences(report));
  assert.equal(report.passed, false);
}

/** The entry of a request, by type and by the number among those of that type. */
const placeOf = (held: Pick<Held, "id">, type: string, nth: number = 0): number => {
  const places = story.flatMap((entry, place) =>
    entry.stream === `request/${held.id}` && entry.type === type ? [place] : [],
  );
  return places[nth] ?? assert.fail(`no ${type} of ${held.id}`);
};
const changed = (place: number, change: (entry: Told) => Partial<Told>): readonly Told[] =>
  story.map((entry, at) => (at === place ? { ...entry, ...change(entry) } : entry));
const payloadWith = (place: number, path: readonly string[], to: string | number): readonly Told[] =>
  changed(place, ({ payload }) => ({ payload: withMember(payload, path, to) }));
const without = (story: readonly Told[], ...gone: readonly ((entry: Told) => boolean)[]): readonly Told[] =>
  story.filter((entry) => !gone.some((is) => is(entry)));
const isOf = (held: Pick<Held, "id">, type?: string): ((entry: Told) => boolean) => {
  return (entry) => entry.stream === `request/${held.id}` && (type === undefined || entry.type === type);
};

test("the honest ledger passes, re-sealed too, with all that an auditor can hold against it", async () => {
  for (const holds of [NOTHING, remembers()]) {
    const report = await audit(story, holds);
    assert.equal(sentences(report), "");
  }
  assert.deepEqual(
    sealed(story, entries).map(({ header }) => Buffer.from(header).toString()),
    entries.map(({ header }) => Buffer.from(header).toString()),
  );
  const report = await verifyLedger({
    entries,
    checkpoint: cosigned,
    vkey: operator.vkey,
    ...WITNESS,
    ...remembers(cosigned),
  });
  assert.equal(sentences(report), "");
  assert.deepEqual(
    report.witnessed.map(({ name }) => name),
    [witness.name],
  );
  assert.deepEqual([report.counts.released, report.counts.completed], [2, 3]);
});

test("ledger.edit: an entry is changed afterwards", async () => {
  const place = placeOf(granted, "review.recorded");
  const forged = sealed(payloadWith(place, ["review", "reason"], "asked twice"), entries);
  const [original, edited] = [entries[place] ?? assert.fail(), forged[place] ?? assert.fail()];
  const cases: readonly (readonly [string, LedgerEntry[], RegExp, string])[] = [
    [
      "the whole entry",
      entries.with(place, edited),
      /not those under the signed root/,
      "fail not_checked not_checked not_checked",
    ],
    [
      "its payload",
      entries.with(place, { ...original, payload: edited.payload }),
      /not the one that the header commits to/,
      "pass pass fail pass",
    ],
    [
      "where it is filed",
      entries.with(place, { ...original, type: "review.refused" }),
      /filed under another/,
      "fail not_checked not_checked not_checked",
    ],
  ];
  for (const [name, list, sentence, expected] of cases) {
    const report = await verifyLedger({ entries: list, checkpoint: honest, vkey: operator.vkey });
    assert.match(sentences(report), sentence, name);
    assert.equal(verdicts(report), expected, name);
  }
  const resigned = payloadWith(place, ["review", "reason"], "asked twice");
  assert.equal((await audit(resigned)).passed, true, "nobody else holds anything: a reason can be rewritten");
  await foundOut(resigned, /history was rewritten/, "fail not_checked not_checked not_checked", remembers());
  await foundOut(resigned, /0 of 1 witnesses cosigned/, "fail not_checked not_checked not_checked", WITNESS);
});

test("ledger.reorder: the approval is put behind the release, or entries change places", async () => {
  const [approved, redeemed] = [placeOf(exported, "request.approved"), placeOf(exported, "permit.redeemed")];
  const moved = story.with(approved, story[redeemed] ?? assert.fail()).with(redeemed, story[approved] ?? assert.fail());
  await foundOut(moved, /`permit.redeemed` while the request was pending/, "pass pass fail pass");
  const swapped = [...entries];
  [swapped[3], swapped[4]] = [entries[4] ?? assert.fail(), entries[3] ?? assert.fail()];
  const report = await verifyLedger({ entries: swapped, checkpoint: honest, vkey: operator.vkey });
  assert.match(sentences(report), /signed root.*index 3 is expected here, this is 4/);
});

test("ledger.truncate: the end is cut off and the rest signed anew", async () => {
  const shorter = story.slice(0, placeOf(denied, "request.denied"));
  assert.equal((await audit(shorter)).passed, true, "a shorter ledger alone is a ledger");
  await foundOut(
    shorter,
    /the ledger went back: the remembered checkpoint is over/,
    "fail not_checked not_checked not_checked",
    remembers(),
  );
  await foundOut(shorter, /0 of 1 witnesses/, "fail not_checked not_checked not_checked", WITNESS);
  const cut = await verifyLedger({ entries: entries.slice(0, -1), checkpoint: honest, vkey: operator.vkey });
  assert.match(sentences(cut), /and only \d+ are here/);
});

test("ledger.rechain: an unwelcome request is taken out and everything after it sealed again", async () => {
  const cleaned = without(story, isOf(denied));
  assert.equal((await audit(cleaned)).passed, true, "hashes alone prove nothing against who makes them");
  const holds = remembers(operator.checkpoint(entries.slice(0, placeOf(denied, "review.recorded") + 1)));
  await foundOut(cleaned, /history was rewritten|went back/, "fail not_checked not_checked not_checked", holds);
  await foundOut(cleaned, /0 of 1 witnesses/, "fail not_checked not_checked not_checked", WITNESS);
});

test("ledger.fork: two stories under the same key, one for the witness and one for the auditor", async () => {
  const grown = [
    ...story,
    ...story.slice(-1).map((entry) => ({ ...entry, stream: "server", type: "server.stopped", publics: {} })),
  ];
  const fork = sealed(grown, entries);
  const other = sealed([...story.slice(0, -1), ...grown.slice(-1)], entries);
  const [seen, shown] = [operator.checkpoint(fork), operator.checkpoint(other)];
  const seconds = Math.floor((story.at(-1)?.at ?? 0) / 1000) + 1;
  const line = witness.cosign(seen, seconds);
  const cases: readonly (readonly [string, RegExp])[] = [
    [shown, /0 of 1 witnesses cosigned/],
    // The line that the witness made for the other story.
    [addSignatures(shown, [line]), /cosignature of `witness.example\/1` is not valid/],
  ];
  for (const [checkpoint, sentence] of cases) {
    const report = await verifyLedger({ entries: other, checkpoint, vkey: operator.vkey, ...WITNESS });
    assert.match(sentences(report), sentence);
    assert.equal(report.integrity.verdict, "fail");
  }
  const honestly = await verifyLedger({
    entries: fork,
    checkpoint: addSignatures(seen, [line]),
    vkey: operator.vkey,
    ...WITNESS,
  });
  assert.equal(honestly.integrity.verdict, "pass");
  const later = await verifyLedger({ entries: other, checkpoint: shown, vkey: operator.vkey, ...remembers(seen) });
  assert.match(sentences(later), /history was rewritten|went back/);
});

test("ledger.rollback: an old backup is restored and goes on another way", async () => {
  const backup = placeOf(granted, "request.opened");
  const on = [...story.slice(0, backup), ...without(story.slice(backup), isOf(granted), isOf(denied))];
  const filler = Array.from({ length: entries.length }, (): Told => ({
    ...(story.at(-1) ?? assert.fail()),
    stream: "server",
    type: "server.started",
    publics: {},
    payload: {},
  }));
  const longer = [...on, ...filler];
  assert.equal((await audit(longer)).passed, true, "longer than before, and nobody remembers");
  await foundOut(longer, /history was rewritten/, "fail not_checked not_checked not_checked", remembers());
});

test("ledger.key-swap: the operator signs with a new key and hands that out", async () => {
  const thief = new Signer(operator.vkey.split("+")[0] ?? "", 9);
  const text = honest.slice(0, honest.indexOf("\n\n") + 1).split("\n");
  const checkpoint = thief.checkpoint(Number(text[1]), new Uint8Array(Buffer.from(text[2] ?? "", "base64")));
  const held = await verifyLedger({ entries, checkpoint, vkey: operator.vkey });
  assert.match(sentences(held), /no signature by .* with this key/);
  const believed = await verifyLedger({ entries, checkpoint, vkey: thief.vkey });
  assert.equal(believed.passed, true, "who takes the key from the thief believes the thief");
  const remembering = await verifyLedger({ entries, checkpoint, vkey: thief.vkey, ...remembers() });
  assert.match(sentences(remembering), /no signature by/);
  assert.equal(remembering.passed, false);
});

test("ledger.skip: an action ran, and an entry that it needed is not there", async () => {
  const cases: readonly (readonly [string, readonly Told[], RegExp])[] = [
    [
      "no evaluation",
      without(story, (entry) => entry.stream === `evaluation/${passedAt}` && entry.type === "action.evaluated"),
      /an action was executed and its evaluation was not there/,
    ],
    [
      "no approval",
      without(story, isOf(exported, "request.approved")),
      /`permit.redeemed` while the request was pending/,
    ],
    ["no review", without(story, isOf(exported, "review.recorded")), /is counted but has no approval that stands/],
    [
      "one of two reviews",
      without(story, (entry) => entry === story[placeOf(granted, "review.recorded", 1)]),
      /`bob` is counted but has no approval that stands/,
    ],
    [
      "no release",
      without(story, isOf(exported, "permit.redeemed")),
      /`action.completed` while the request was approved/,
    ],
    [
      "no request",
      without(story, isOf(exported, "request.opened")),
      /`permit.redeemed` while the request was unopened/,
    ],
    [
      "no evaluation before the request",
      without(story, (entry) => entry.stream === `evaluation/${exported.evaluation}`),
      /which is not in the ledger or long past/,
    ],
    ["no rules", without(story, (entry) => entry.type === "policy.changed"), /names policies that were not in force/],
    [
      "run twice",
      [
        ...story,
        story.find(({ stream, type }) => stream === `evaluation/${passedAt}` && type === "action.completed") ??
          assert.fail(),
      ],
      /its evaluation was executed before/,
    ],
  ];
  for (const [name, forged, sentence] of cases) {
    const report = await audit(forged);
    assert.match(sentences(report), sentence, name);
    assert.equal(report.decisions.verdict, "fail", name);
  }
  const gap = entries.toSpliced(5, 1);
  const report = await verifyLedger({ entries: gap, checkpoint: operator.checkpoint(gap), vkey: operator.vkey });
  assert.match(sentences(report), /index 5 is expected here, this is 6/);
  assert.equal(report.completeness.verdict, "fail");
});

test("an approver is swapped for somebody who may not approve", async () => {
  const place = placeOf(granted, "review.recorded", 1);
  const approved = placeOf(granted, "request.approved");
  const by = (person: string): readonly Told[] =>
    payloadWith(place, ["review", "person"], person).with(approved, {
      ...(story[approved] ?? assert.fail()),
      payload: { ...story[approved]?.payload, by: ["ann", person] },
    });
  const cases: readonly (readonly [string, RegExp])[] = [
    ["mallory", /`mallory` is no active person of the directory in force/],
    ["dee", /`dee` is not in `security` by the directory in force/],
    ["cy", /`cy` is counted but stands behind the action/],
    ["ann", /one person is counted twice/],
  ];
  for (const [person, sentence] of cases) await foundOut(by(person), sentence, "pass pass fail pass");
  assert.equal((await audit(by("fay"))).passed, true, "who could have approved cannot be told from who did");
  await foundOut(by("fay"), /history was rewritten/, "fail not_checked not_checked not_checked", remembers());
  const unbarred = changed(placeOf(granted, "request.opened"), ({ payload }) => ({
    payload: { request: withMember(payload["request"] ?? {}, ["barred"], []) },
  }));
  await foundOut(
    unbarred,
    /`cy` stands behind the agent by the directory in force, and is not barred/,
    "pass pass fail pass",
  );
});

test("an approval is shown as a denial, or a denial as an approval", async () => {
  const place = placeOf(granted, "review.recorded", 1);
  const shown = changed(place, ({ publics }) => ({ publics: { ...publics, verdict: "deny" } }));
  await foundOut(shown, /the header shows another `verdict` than the payload/, "pass pass fail pass");
  const meant = payloadWith(place, ["review", "verdict"], "deny");
  await foundOut(
    meant,
    /shows another `verdict`.*`bob` is counted but has no approval that stands/,
    "pass pass fail pass",
  );
  const evaluated = story.findIndex(
    ({ stream, type }) => stream === `evaluation/${exported.evaluation}` && type === "action.evaluated",
  );
  const allowed = changed(evaluated, ({ publics }) => ({ publics: { ...publics, outcome: "allow" } }));
  await foundOut(allowed, /another `outcome` than the payload.*did not ask for approval/, "pass pass fail pass");
});

test("evidence is moved between requests", async () => {
  const review = story[placeOf(granted, "review.recorded")] ?? assert.fail();
  const moved = [...without(story, (entry) => entry === review)];
  moved.splice(moved.findIndex(isOf(denied, "review.recorded")), 0, { ...review, stream: `request/${denied.id}` });
  await foundOut(moved, /the digest of another action than the request/, "pass pass fail pass");
  const permit = changed(placeOf(exported, "permit.redeemed"), ({ payload }) => ({
    payload: withMember(payload, ["permit"], granted.id.replace("arq_", "prm_")),
  }));
  await foundOut(permit, /another `permit`.*belongs to another request/, "pass pass fail pass");
  const question = story[placeOf(granted, "request.opened")]?.payload["request"] as JsonObject;
  const other = changed(placeOf(exported, "request.opened"), ({ payload }) => ({
    payload: { request: { ...(payload["request"] as JsonObject), question: question["question"] ?? null } },
  }));
  await foundOut(other, /question is not the action that its digest names/, "pass pass fail pass");
});

test("the clock is set back, for one approval or for everything after", async () => {
  const place = placeOf(exported, "request.approved");
  const back = story.map((entry, at) => (at < place ? entry : { ...entry, at: entry.at - 2 * HOUR }));
  await foundOut(
    back,
    /the clock was set back by 2 h: .*the review was made at .* by its payload/,
    "pass pass fail fail",
  );
  const end = changed(story.length - 1, ({ at }) => ({ at: at - 2 * HOUR }));
  await foundOut(end, /^the clock was set back by 2 h: [^;]*$/, "pass pass pass fail");
  const index = (await audit(back)).time.findings[0]?.index;
  assert.equal(index, place);
  const late = changed(placeOf(granted, "review.recorded"), ({ payload }) => ({
    payload: withMember(payload, ["review", "at"], 1_000_000),
  }));
  await foundOut(late, /the review was made at 1970-01-01T00:16:40.000Z by its payload/, "pass pass pass fail");
  const future = story.map((entry) => ({ ...entry, at: entry.at + 48 * HOUR }));
  assert.match(sentences(await audit(future)), /which is 1 d 23 h|which is 2 d/);
  // The witness signed at a time that entries written before it are later than: the log's clock ran ahead.
  const early = addSignatures(honest, [witness.cosign(honest, Math.floor((story.at(-1)?.at ?? 0) / 1000) - 7200)]);
  const report = await verifyLedger({ entries, checkpoint: early, vkey: operator.vkey, ...WITNESS });
  assert.match(sentences(report), /cosigned at .* and an entry under its signature is of/);
  // Written after the witness had signed, and dated before it.
  const seconds = Math.floor((story.at(-1)?.at ?? 0) / 1000) + 3600;
  const remembered: Remembered = { checkpoint: addSignatures(honest, [witness.cosign(honest, seconds)]) };
  const more = sealed(
    [
      ...story,
      { ...(story.at(-1) ?? assert.fail()), stream: "server", type: "server.stopped", publics: {}, payload: {} },
    ],
    entries,
  );
  const note = operator.checkpoint(more);
  const later = await verifyLedger({
    entries: more,
    checkpoint: addSignatures(note, [witness.cosign(note, seconds + 60)]),
    vkey: operator.vkey,
    remembered,
    now: (seconds + 120) * 1000,
    ...WITNESS,
  });
  assert.match(sentences(later), /the clock was set back by/);
  assert.equal(verdicts(later), "pass pass pass fail");
});
