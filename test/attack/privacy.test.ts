// Personal data in the ledger: what headers show, what a hash gives away, and what is left after an erasure.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isJsonObject, type Json, type JsonObject } from "../../src/core/action/index.ts";
import { commitPayload, openHeader } from "../../src/core/ledger/index.ts";
import type { StoredEntry } from "../../src/ports/store.ts";
import { openSqliteStore } from "../../src/stores/sqlite/index.ts";
import { verifyLedger, verifyReceipt, type Report } from "../../src/verify/index.ts";
import { deleteAudit, dropTable, exportRows, readRows } from "../support/actions.ts";
import { approve, codeOf, hold, permitFor, redeem, review, type Held } from "../support/flow.ts";
import { House, type Answer } from "../support/house.ts";
import { at, textAt } from "../support/json.ts";
import { FailingStore } from "../support/failing-store.ts";
import { DIRECTORY, edited, RuleFiles } from "../support/rules.ts";

const PRIVACY = { approvers: "security", quorum: 2 };
const SUBJECT = "ada.lovelace@example.com";

/** An action whose parameters name a customer. */
const exportOf = (who: string): JsonObject => {
  const { action, ...rest } = exportRows(101) as { action: JsonObject } & JsonObject;
  return { ...rest, action: { ...action, properties: { limit: 101, filter: `mail = '${who}'` } } };
};

/** All that can happen to requests, with people, e-mail addresses and parameters in it. */
async function day(house: House): Promise<{ readonly used: Held }> {
  const gate = await house.gate("report-bot", "sdk", "dee");
  const [ann, bob, cy] = await Promise.all([house.person("ann"), house.person("bob"), house.person("cy")]);
  await gate.post("/access/v1/evaluation", readRows(5));
  await gate.post("/access/v1/evaluation", deleteAudit());
  const used = await hold(gate, exportOf(SUBJECT));
  assert.equal((await review(cy, used)).status, 403);
  assert.equal((await review(ann, used, "approve", { reason: `for ${SUBJECT}, says Ann` })).status, 200);
  const permit = await permitFor(gate, exportOf(SUBJECT), used);
  const redeemed = await redeem(gate, permit, used.digest);
  const path = `/v1/permits/${textAt(redeemed.body, "permit_id")}/outcome`;
  assert.equal((await gate.post(path, { status: "succeeded", details: { sent_to: SUBJECT } })).status, 200);
  const denied = await hold(gate, exportOf("someone.else@example.com"));
  assert.equal((await review(bob, denied, "deny", { reason: "Bob says no" })).status, 200);
  const given = await hold(gate, dropTable("scratch"));
  assert.equal((await gate.post(`/access/v1/requests/${given.id}/cancel`, {})).status, 200);
  return { used };
}

async function audit(house: House): Promise<Report> {
  const checkpoint = (await house.operator.get("/v1/ledger/checkpoint")).text;
  const vkey = (await house.operator.get("/v1/ledger/vkey")).text.trim();
  return verifyLedger({ entries: await house.store.range(0, 100_000), checkpoint, vkey });
}

async function askErasure(house: House, body: JsonObject): Promise<Answer> {
  return house.operator.post("/v1/erasures", { legal_basis: "GDPR Art. 17(1), ticket 4711", ...body });
}

/** Asks, has two of security agree, and carries out. */
async function erase(house: House, body: JsonObject, by: readonly string[] = ["eve", "fay"]): Promise<Answer> {
  const asked = await askErasure(house, body);
  assert.equal(asked.status, 202, asked.text);
  const id = textAt(asked.body, "request");
  const shown = await house.operator.get(`/v1/requests/${id}`);
  const held = { id, digest: textAt(shown.body, "digest") };
  for (const person of by) assert.equal((await review(await house.person(person), held)).status, 200);
  return house.operator.post(`/v1/erasures/${id}/perform`, {});
}

/** Every text in a payload that is not a number, a word of ours or an id: what a header must not repeat. */
function textsIn(json: Json): string[] {
  if (typeof json === "string") return [json];
  if (Array.isArray(json)) return (json as readonly Json[]).flatMap(textsIn);
  return isJsonObject(json) ? Object.values<Json>(json).flatMap(textsIn) : [];
}

test("privacy.reverse-digest: no header of any type holds a person, an address or a parameter", async () => {
  await using house = await House.open({ privacy: PRIVACY });
  await day(house);
  await house.change({ directory: edited(DIRECTORY, "name: Fay Fontaine", "name: Fay Frost") });
  await erase(house, { subject: SUBJECT });
  const stored = await house.store.range(0, 10_000);
  const personal = new Set([
    "ann",
    "bob",
    "cy",
    "dee",
    "eve",
    "fay",
    "gil",
    "Achterberg",
    "Baptiste",
    "example.com",
    "example.org",
    "00u-ann",
    "customers.csv",
    "scratch",
    "mail =",
    "Bob says",
    "report-bot",
    "users",
    "customers",
  ]);
  const types = new Set<string>();
  for (const { header, type, payload } of stored) {
    types.add(type);
    const { publics } = openHeader(header);
    const shown = JSON.stringify(publics);
    for (const one of personal) {
      assert.ok(!new RegExp(`(?<![a-z0-9])${one}(?![a-z0-9])`, "i").test(shown), `\`${one}\` in ${type}: ${shown}`);
    }
    if (payload === null) continue;
    // Nothing that a person or an agent wrote: texts with a space or an at sign are nobody's ids.
    for (const text of textsIn(JSON.parse(new TextDecoder().decode(payload)) as Json)) {
      if (/[ @]/.test(text) && !/^v\d+ sha256:/.test(text)) assert.ok(!shown.includes(text), `\`${text}\` in ${type}`);
    }
  }
  // The walk is worth what it walks over.
  for (const type of [
    "action.evaluated",
    "request.opened",
    "review.recorded",
    "review.refused",
    "request.approved",
    "permit.issued",
    "permit.redeemed",
    "action.completed",
    "request.denied",
    "request.cancelled",
    "directory.changed",
    "policy.changed",
    "token.created",
    "session.opened",
    "erasure.performed",
  ]) {
    assert.ok(types.has(type), type);
  }
});

test("privacy.reverse-digest: who has all headers and the right guess cannot tell that it is right", async () => {
  await using house = await House.open();
  await day(house);
  const stored = await house.store.range(0, 10_000);
  const guessed = stored.find(({ type }) => type === "review.recorded");
  assert.ok(guessed?.payload != null && guessed.salt !== null);
  const { commitment } = openHeader(guessed.header);
  // The exact payload, hashed in every way that needs no salt.
  const label = new TextEncoder().encode("keyturn entry payload v1\n");
  for (const parts of [[guessed.payload], [label, guessed.payload], [new Uint8Array(32), guessed.payload]]) {
    const hash = createHash("sha256");
    for (const part of parts) hash.update(part);
    assert.notEqual(commitment, `sha256:${hash.digest("hex")}`);
  }
  assert.notEqual(commitPayload(guessed.payload, new Uint8Array(32)), commitment);
  assert.equal(commitPayload(guessed.payload, guessed.salt), commitment, "or the test would compare nothing");
  const salts = new Set(stored.map(({ salt }) => Buffer.from(salt ?? []).toString("hex")));
  assert.equal(salts.size, stored.length, "a salt is never used twice");
});

test("privacy.erase: nothing of the subject is left in any file, and every proof still holds", async () => {
  await using house = await House.open({ privacy: PRIVACY });
  const { used } = await day(house);
  const receipt = (await house.operator.get("/ledger/receipt/3")).text;
  const vkey = (await house.operator.get("/v1/ledger/vkey")).text.trim();
  const before = await house.store.range(0, 10_000);
  const filesWith = (needle: string): string[] => {
    const data = join(house.files.dir, "data");
    return readdirSync(data).filter((name) => readFileSync(join(data, name)).includes(needle));
  };
  assert.notDeepEqual(filesWith(SUBJECT), []);
  assert.equal((await audit(house)).passed, true);

  const erased = await erase(house, { subject: SUBJECT });
  assert.equal(erased.status, 200, erased.text);
  assert.deepEqual(at(erased.body, "by"), ["eve", "fay"]);
  assert.deepEqual(filesWith(SUBJECT), []);
  assert.deepEqual(filesWith("lovelace"), []);

  const after = await house.store.range(0, 10_000);
  assert.deepEqual(headersOf(after.slice(0, before.length)), headersOf(before));
  const performed = after.filter(({ type }) => type === "erasure.performed");
  assert.equal(performed.length, 1);
  const said = JSON.parse(new TextDecoder().decode(performed[0]?.payload ?? undefined)) as JsonObject;
  assert.deepEqual(said["by"], ["eve", "fay"]);
  assert.equal(said["legal_basis"], "GDPR Art. 17(1), ticket 4711");
  assert.deepEqual(indexesOf(said["indexes"]), goneIn(after, before.length));
  // Others' payloads stay.
  const texts = after.map(({ payload }) => new TextDecoder().decode(payload ?? undefined)).join("\n");
  assert.ok(texts.includes("someone.else@example.com"));

  const report = await audit(house);
  assert.equal(report.passed, true, JSON.stringify(report));
  assert.ok(report.counts.erased > 3);
  assert.ok(report.unreadable.includes(`request/${used.id}`), "said, not hidden");
  assert.equal(verifyReceipt({ receipt, vkey }).index, 3, "a receipt from before");
  const answer = await house.operator.get(`/v1/requests/${used.id}`);
  assert.equal(answer.status, 404);
  assert.ok(!(await house.operator.get("/v1/requests")).text.includes("lovelace"));
  assert.ok(!(await house.operator.get("/v1/export/events?from=0")).text.includes("lovelace"));
  // The house lives on.
  await approve(await house.person("ann"), await hold(await house.gate(), exportRows(200)));
});

test("privacy.erase: a person goes with every name, account and session, once out of the directory", async () => {
  await using house = await House.open({ privacy: PRIVACY });
  await day(house);
  assert.equal(codeOf(await askErasure(house, { person: "bob" })), "subject_in_directory");
  const without = DIRECTORY.replace(/^.*id: bob.*\n/m, "").replaceAll("ann, bob, cy", "ann, cy");
  assert.equal((await house.change({ directory: without })).status, 200);
  assert.equal((await erase(house, { person: "bob" })).status, 200);
  const data = join(house.files.dir, "data");
  for (const needle of ["bob@example.com", "Baptiste", '"bob"', "Bob says"]) {
    const found = readdirSync(data).filter((name) => readFileSync(join(data, name)).includes(needle));
    assert.deepEqual(found, [], needle);
  }
  assert.equal((await audit(house)).passed, true);
});

test("privacy.erase: an operator alone erases nothing, and what people saw is what goes", async () => {
  await using house = await House.open({ privacy: PRIVACY });
  await day(house);
  const size = await house.size();
  const asked = await askErasure(house, { subject: SUBJECT });
  const id = textAt(asked.body, "request");
  const perform = (): Promise<Answer> => house.operator.post(`/v1/erasures/${id}/perform`, {});
  assert.equal(codeOf(await perform()), "not_approved");
  const shown = await house.operator.get(`/v1/requests/${id}`);
  const held = { id, digest: textAt(shown.body, "digest") };
  assert.equal(at(shown.body, "action", "properties", "subject"), SUBJECT);
  assert.equal((await review(await house.person("eve"), held)).status, 200);
  assert.equal(codeOf(await perform()), "not_approved", "one of two");
  // A gate, or a person, cannot ask or carry out.
  const gate = await house.gate();
  const ann = await house.person("ann");
  for (const client of [gate, ann, house.anyone]) {
    assert.ok((await client.post("/v1/erasures", { subject: SUBJECT, legal_basis: "none" })).status >= 401);
    assert.ok((await client.post(`/v1/erasures/${id}/perform`, {})).status >= 401);
  }
  assert.equal((await house.store.range(0, size)).filter(({ payload }) => payload === null).length, 0);

  const later = await hold(gate, exportOf(`${SUBJECT}`), { client: { note: "afterwards" } });
  assert.equal((await review(await house.person("fay"), held)).status, 200);
  assert.equal((await perform()).status, 200);
  const rest = await house.store.stream(`request/${later.id}` as StoredEntry["stream"]);
  assert.ok(
    rest.every(({ payload }) => payload !== null),
    "not in the plan that people saw",
  );
  assert.equal(codeOf(await perform()), "request_unknown", "once");
});

test("privacy.erase: what is open or in force stays, and nonsense is refused", async () => {
  await using house = await House.open({ privacy: PRIVACY });
  const gate = await house.gate();
  const open = await hold(gate, exportOf(SUBJECT));
  const rows: readonly (readonly [body: JsonObject, code: string])[] = [
    [{}, "question_invalid"],
    [{ person: "ann", subject: SUBJECT }, "question_invalid"],
    [{ before: "yesterday" }, "question_invalid"],
    [{ subject: "ab" }, "erasure_invalid"],
    [{ subject: "nobody.knows@example.com" }, "nothing_to_erase"],
    [{ subject: SUBJECT, legal_basis: `asked by ${SUBJECT.toUpperCase()}` }, "erasure_invalid"],
  ];
  for (const [body, code] of rows) assert.equal(codeOf(await askErasure(house, body)), code, JSON.stringify(body));
  const erased = await erase(house, { before: new Date(Date.now() + 60_000).toISOString() });
  assert.equal(erased.status, 200, erased.text);
  assert.equal((await gate.get(`/access/v1/requests/${open.id}`)).status, 200);
  await approve(await house.person("ann"), open);
  const types = (await house.entries()).filter((entry) => !entry.erased).map(({ type }) => type);
  for (const type of ["directory.changed", "policy.changed", "erasure.performed", "request.opened"]) {
    assert.ok(types.includes(type), type);
  }
  assert.equal((await audit(house)).passed, true);
  for (const privacy of [
    { approvers: "nobody-there", quorum: 2 },
    { approvers: "security", quorum: 9 },
  ]) {
    await using few = await House.open({ privacy });
    assert.equal(codeOf(await askErasure(few, { subject: SUBJECT })), "privacy_unset");
    assert.match((await few.operator.get("/v1/doctor")).text, /privacy_impossible/);
    assert.ok(few.log.some((line) => /nothing can be erased: .*privacy\.approvers/.test(line)));
  }
  await using unset = await House.open();
  assert.equal(codeOf(await askErasure(unset, { subject: SUBJECT })), "privacy_unset");
});

test("privacy.erase: an erasure that is broken off goes on after a restart, and leaves no less", async () => {
  const files = new RuleFiles();
  const path = join(files.dir, "data", "keyturn.db");
  const disk = new FailingStore(await openSqliteStore({ path }));
  let id = "";
  {
    const house = await House.over(files, { privacy: PRIVACY, store: disk });
    const { used } = await day(house);
    const asked = await askErasure(house, { subject: SUBJECT });
    id = textAt(asked.body, "request");
    const digest = textAt((await house.operator.get(`/v1/requests/${id}`)).body, "digest");
    for (const person of ["eve", "fay"]) await review(await house.person(person), { id, digest });
    disk.failOn("action.completed", "before"); // the entries are erased, the files are not rewritten
    assert.equal((await house.operator.post(`/v1/erasures/${id}/perform`, {})).status, 503);
    assert.ok(used.id !== "");
    await house.stop().catch(() => {});
  }
  await using house = await House.over(files, { privacy: PRIVACY });
  const again = await house.operator.post(`/v1/erasures/${id}/perform`, {});
  assert.equal(again.status, 200, again.text);
  const data = join(files.dir, "data");
  assert.deepEqual(
    readdirSync(data).filter((name) => readFileSync(join(data, name)).includes(SUBJECT)),
    [],
  );
  assert.equal((await audit(house)).passed, true);
});

function headersOf(entries: readonly StoredEntry[]): readonly string[] {
  return entries.map(({ header }) => Buffer.from(header).toString("hex"));
}

function goneIn(entries: readonly StoredEntry[], below: number): readonly number[] {
  return entries.filter(({ index, payload }) => payload === null && index < below).map(({ index }) => index);
}

function indexesOf(ranges: Json | undefined): readonly number[] {
  return (ranges as readonly (readonly [number, number])[]).flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, at) => first + at),
  );
}
