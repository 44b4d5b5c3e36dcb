import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { JsonObject } from "../../src/core/action/index.ts";
import type { Instant } from "../../src/core/brand.ts";
import type { Clock } from "../../src/ports/clock.ts";
import { relyingPartyOf } from "../../src/identity/passkey/index.ts";
import { isTighter } from "../../src/server/people/edits.ts";
import { rosterOf } from "../core/approval/fixtures.ts";
import { exportRows, grantRole } from "../support/actions.ts";
import { apply, codeOf, hold, permitFor, redeem, review, statusOf } from "../support/flow.ts";
import { House, type Client } from "../support/house.ts";
import { at, textAt } from "../support/json.ts";
import { Key, UNVERIFIED } from "../support/passkey.ts";
import { DIRECTORY, edited, POLICIES } from "../support/rules.ts";

const SIGNED = edited(POLICIES, '@approvers("data-owners") @expires("1h")', '@approvers("data-owners") @expires("1h") @assurance("passkey")'); // prettier-ignore

let now = Date.now();
const clock: Clock = { now: () => now as Instant };
let house: House;
let gate: Client;
let ann: Client;
let bob: Client;
let key: Key;

before(async () => {
  house = await House.open({ policies: SIGNED, clock });
  gate = await house.gate();
  ann = await house.person("ann");
  bob = await house.person("bob");
  key = new Key(house);
  assert.equal((await key.enrol(ann)).status, 200);
});
after(() => house[Symbol.asyncDispose]());

test("where passkeys work: names over TLS, and the loopback under its name", () => {
  const rows: readonly (readonly [string, ReturnType<typeof relyingPartyOf>])[] = [
    ["https://keyturn.example.com", { rp: "keyturn.example.com", origin: "https://keyturn.example.com" }],
    ["https://keyturn.example.com:8443", { rp: "keyturn.example.com", origin: "https://keyturn.example.com:8443" }],
    ["http://127.0.0.1:7070", { rp: "localhost", origin: "http://localhost:7070" }],
    ["http://[::1]:7070", { rp: "localhost", origin: "http://localhost:7070" }],
    ["http://localhost:7070", { rp: "localhost", origin: "http://localhost:7070" }],
    ["https://10.0.0.7", null],
    ["https://[2001:db8::1]", null],
    ["http://keyturn.example.com", null],
  ];
  for (const [url, expected] of rows) assert.deepEqual(relyingPartyOf(url), expected, url);
});

test("enrolment is an entry, keeps the key as OpenSSL reads it, and tells synced keys from others", async () => {
  const size = await house.size();
  const dee = await house.person("dee");
  for (const algorithm of ["ES256", "EdDSA", "RS256"] as const) {
    const made = await new Key(house, { algorithmIdentifiers: [algorithm] }).enrol(dee);
    assert.equal(made.status, 200, made.text);
    assert.equal(at(made.body, "passkey", "synced"), true, "the emulator says that its keys are backed up");
  }
  const changes = (await house.entries(size)).filter(({ type }) => type === "directory.changed");
  assert.equal(changes.length, 3);
  const told = JSON.stringify(changes.at(-1)?.payload);
  // DER of SubjectPublicKeyInfo for P-256, Ed25519 and RSA begins so, in base64url.
  for (const spki of ["MFkwEwYHKoZIzj0CAQ", "MCowBQYDK2VwAyEA", "MIIBIjANBgkqhkiG9w0B"]) assert.ok(told.includes(spki));
  const listed = await dee.get("/v1/me/passkeys");
  assert.equal((listed.body["passkeys"] as readonly unknown[]).length, 3);
  assert.equal(listed.body["can_enrol"], true);
});

test("enrolment needs a session that is fresh, a challenge of its own, our page and a verified person", async () => {
  const [eve, other] = [await house.person("eve"), await house.person("eve")];
  assert.equal(codeOf(await new Key(house).enrol(eve, "http://localhost:1")), "passkey_unusable", "another port");
  assert.equal(codeOf(await new Key(house, UNVERIFIED).enrol(eve)), "passkey_unusable", "present is not verified");
  await eve.post("/v1/me/passkeys/challenge", {});
  const body = { credential: "AA", client_data_json: "e30", attestation_object: "oA" };
  assert.equal(codeOf(await other.post("/v1/me/passkeys", body)), "passkey_unusable", "asked for in another session");
  assert.equal(codeOf(await gate.post("/v1/me/passkeys", body)), "not_allowed");
  assert.equal(codeOf(await house.operator.post("/v1/me/passkeys/challenge", {})), "not_allowed");
  now += 600_000;
  assert.equal(codeOf(await eve.post("/v1/me/passkeys/challenge", {})), "session_too_old");
  assert.equal((await eve.get("/v1/me/passkeys")).body["can_enrol"], false);
  const mine = textAt((await ann.get("/v1/me/passkeys")).body, "passkeys", 0, "id");
  assert.equal(codeOf(await ann.post(`/v1/me/passkeys/${mine}/revoke`, {})), "session_too_old", "no way round it");
  now -= 600_000;
  assert.equal((await new Key(house).enrol(eve)).status, 200);
});

test("a policy that asks for a passkey: a click is refused with the rule and what to do, a signature approves", async () => {
  const held = await hold(gate, exportRows(5_001));
  const click = await review(ann, held);
  assert.equal(codeOf(click), "assurance_too_low");
  assert.match(textAt(click.body, "detail"), /policy `hold-export` asks for a signature with a passkey \(A3\), this is a signed-in click \(A1\).*your passkey signs it/); // prettier-ignore
  assert.match(textAt((await review(bob, held)).body, "detail"), /enrol a passkey in the console first/);
  const shown = await ann.get(`/v1/requests/${held.id}`);
  assert.deepEqual([at(shown.body, "me", "can_approve"), at(shown.body, "me", "sign")], [true, "passkey"]);
  const unable = await bob.get(`/v1/requests/${held.id}`);
  assert.deepEqual([at(unable.body, "me", "can_approve"), at(unable.body, "me", "sign")], [false, null]);

  const body = await key.signed(ann, held);
  const answer = await ann.post(`/v1/requests/${held.id}/reviews`, body);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(
    (await ann.post(`/v1/requests/${held.id}/reviews`, body)).status,
    200,
    "a lost answer is asked for again",
  );
  assert.equal(await statusOf(gate, held), "approved");
  const recorded = (await house.entries()).find(({ type, stream }) => type === "review.recorded" && stream.endsWith(held.id)); // prettier-ignore
  assert.equal(recorded?.publics["assurance"], "A3");
  assert.equal(at(recorded?.payload as JsonObject, "review", "proof", "kind"), "passkey");
  assert.equal(at(recorded?.payload as JsonObject, "review", "proof", "statement", "approver"), "ann");
  const permit = await permitFor(gate, exportRows(5_001), held);
  assert.equal((await redeem(gate, permit, held.digest)).status, 200);
});

test("a denial needs no signature, and takes one", async () => {
  const held = await hold(gate, exportRows(5_002));
  assert.equal((await review(ann, held, "deny")).status, 200);
  const other = await hold(gate, exportRows(5_003));
  assert.equal((await key.review(ann, other, { verdict: "deny" })).status, 200);
  assert.equal(await statusOf(gate, other), "denied");
});

test("a high risk is signed by whoever has a passkey, and clicked by who has none; what was approved before stays", async () => {
  const held = await hold(gate, grantRole("admin"));
  const level = textAt((await ann.get(`/v1/requests/${held.id}`)).body, "risk", "level");
  assert.ok(["high", "critical"].includes(level), level);
  const click = await review(ann, held);
  assert.equal(codeOf(click), "assurance_too_low");
  assert.match(textAt(click.body, "detail"), /a (high|critical) risk asks for a signature with a passkey/);
  assert.equal((await review(bob, held)).status, 200);
  assert.equal(
    (await new Key(house).enrol(bob)).status,
    200,
    "one more way to prove it is no reason to doubt the past",
  );
  assert.equal((await key.review(ann, held)).status, 200);
  const permit = await permitFor(gate, grantRole("admin"), held);
  assert.equal((await redeem(gate, permit, held.digest)).status, 200);
});

test("verified twice: a passkey that is revoked between click and redemption voids its review at once, with the reason shown", async () => {
  const dee = await house.person("dee");
  const lost = new Key(house);
  const made = await lost.enrol(dee);
  const held = await hold(gate, exportRows(5_004));
  assert.equal((await lost.review(dee, held)).status, 200);
  const permit = await permitFor(gate, exportRows(5_004), held);
  const id = textAt(made.body, "passkey", "id");
  assert.equal(codeOf(await dee.post(`/v1/people/dee/passkeys/${id}/revoke`, {})), "not_allowed");
  assert.equal((await house.operator.post(`/v1/people/dee/passkeys/${id}/revoke`, {})).status, 200);
  assert.equal(await statusOf(gate, held), "pending");
  const shown = await ann.get(`/v1/requests/${held.id}`);
  assert.match(JSON.stringify(shown.body["reviews"]), /is not enrolled, or not any more/);
  const voided = (await house.entries()).findLast(({ type }) => type === "review.voided");
  assert.equal(voided?.publics["rule"], "passkey_revoked");
  assert.equal(codeOf(await redeem(gate, permit, held.digest)), "approval_voided");
  assert.equal((await apply(gate, exportRows(5_004), held)).body["decision"], false);
  assert.equal(codeOf(await dee.post(`/v1/me/passkeys/${id}/revoke`, {})), "passkey_unknown");
  assert.equal((await key.review(ann, held)).status, 200, "people are asked again, and somebody else approves");
});

test("verified twice: whoever is deactivated or taken out of the group since approves nothing any more", async () => {
  const rows: readonly (readonly [string, () => Promise<unknown>, () => Promise<unknown>])[] = [
    ["person_inactive", () => active(false), () => active(true)],
    ["not_in_group", () => house.change({ directory: directory("[bob, cy, dee, gil]") }), () => house.change({ directory: directory("[ann, bob, cy, dee, gil]") })], // prettier-ignore
  ];
  for (const [index, [rule, away, back]] of rows.entries()) {
    const held = await hold(gate, exportRows(5_100 + index));
    assert.equal((await key.review(await house.person("ann"), held)).status, 200);
    await away();
    assert.equal(await statusOf(gate, held), "pending", rule);
    const voided = (await house.entries()).findLast(({ type }) => type === "review.voided");
    assert.equal(voided?.publics["rule"], rule);
    await back();
  }
});

test("doctor says where a hold asks for passkeys that too few have", async () => {
  const codes = async (): Promise<readonly string[]> => {
    const { body } = await house.operator.get("/v1/doctor");
    return (body["findings"] as readonly { code: string; message: string }[])
      .filter(({ message }) => message.includes("hold-export"))
      .map(({ code }) => code);
  };
  assert.ok(!(await codes()).includes("passkeys_lacking"));
  await using bare = await House.open({ policies: SIGNED });
  const { body } = await bare.operator.get("/v1/doctor");
  assert.match(JSON.stringify(body["findings"]), /passkeys_lacking.*hold-export/);
});

async function active(is: boolean): Promise<void> {
  const answer = await house.operator.post("/v1/people/ann/active", { active: is });
  assert.equal(answer.status, 200, answer.text);
}

function directory(owners: string): string {
  return edited(DIRECTORY, "[ann, bob, cy, dee, gil]", owners);
}

test("where there are two administrators, a first passkey waits for another one, and the next is vouched for by the first", async () => {
  const admins = `${edited(DIRECTORY, "groups:\n", "groups:\n  admins: [eve, fay]\n")}roles:\n  admin: [admins]\n`;
  await using armed = await House.open({ directory: admins });
  const [person, admin, other] = [await armed.person("ann"), await armed.person("eve"), await armed.person("ann")];
  const first = new Key(armed);
  const made = await first.enrol(person);
  assert.deepEqual([made.status, made.body["status"]], [200, "held"]);
  const count = async (): Promise<number> =>
    ((await person.get("/v1/me/passkeys")).body["passkeys"] as readonly unknown[]).length;
  assert.equal(await count(), 0);
  const request = textAt(made.body, "request");
  const asked = await admin.get(`/v1/requests/${request}`);
  const held = { id: request, digest: textAt(asked.body, "digest") };
  assert.notEqual((await review(person, held)).status, 200, "self.admin: nobody lets their own key in");
  assert.equal((await review(admin, held)).status, 200);
  while ((await count()) === 0) await new Promise((resolve) => setTimeout(resolve, 10));

  const second = new Key(armed);
  const bent = { sign: (options: JsonObject): JsonObject => first.sign({ ...options, challenge: "AAAA" }) };
  assert.equal(
    codeOf(await new Key(armed).enrol(other, undefined, bent)),
    "passkey_unusable",
    "it vouched for another",
  );
  assert.equal((await second.enrol(other, undefined, first)).body["status"], "applied");
  assert.equal(await count(), 2);
  assert.equal((await new Key(armed).enrol(other)).body["status"], "held", "nothing vouches for this one");
});

test("a session that was made from another one is not fresh", async () => {
  const fay = await house.person("fay");
  const handed = await fay.post("/v1/me/sign-in-code", {});
  assert.equal(handed.status, 200, handed.text);
  const code = textAt(handed.body, "url").split("#code=")[1] ?? "";
  const opened = await house.anyone.post("/v1/sign-in", { code, client: "cli" });
  const made = house.as(textAt(opened.body, "session"));
  assert.equal(codeOf(await made.post("/v1/me/passkeys/challenge", {})), "session_too_old");
  assert.equal((await fay.post("/v1/me/passkeys/challenge", {})).status, 200);
});

test("verified twice: losing a login or a passkey, as leaving and being deactivated do, has every open review looked at again", () => {
  const login = { issuer: "https://idp.example.com", subject: "1", strength: "L3" } as const;
  const passkey = { id: "k", publicKey: "p", synced: false, since: 0 as Instant };
  type Change = {
    readonly active?: boolean;
    readonly accounts?: readonly object[];
    readonly passkeys?: readonly object[];
  };
  const roster = (change: Change, groups = { owners: ["ann"] }): ReturnType<typeof rosterOf> =>
    rosterOf({ ann: { accounts: [login], passkeys: [passkey], ...change } as never }, groups);
  const rows: readonly (readonly [what: string, before: Change, after: Change, isLess: boolean])[] = [
    ["nothing", {}, {}, false],
    ["a login", {}, { accounts: [] }, true],
    ["a weaker login", {}, { accounts: [{ ...login, strength: "L2" }] }, true],
    ["a firmer login", {}, { accounts: [{ ...login, strength: "L4" }] }, false],
    ["a passkey", {}, { passkeys: [] }, true],
    ["the key of a passkey", {}, { passkeys: [{ ...passkey, publicKey: "q" }] }, true],
    ["one passkey more", {}, { passkeys: [passkey, { ...passkey, id: "k2" }] }, false],
    ["deactivated", {}, { active: false }, true],
    ["deactivated before, and less by now", { active: false }, { active: false, passkeys: [] }, false],
  ];
  const shared = roster({});
  for (const [what, before, after, isLess] of rows) {
    // Lists that did not change are the same lists, as in a composed directory.
    const same = { delegations: shared.delegations, edits: shared.edits, groups: shared.groups };
    const [was, is] = [roster(before), roster(after)].map((one) => ({ ...one, ...same }));
    assert.ok(was !== undefined && is !== undefined);
    assert.equal(isTighter(was, is), isLess, what);
  }
});

test("A4 is the passkeys of two people, and nothing less", async () => {
  const both = edited(POLICIES, '@quorum("2") @expires("1h")', '@quorum("2") @expires("1h") @assurance("A4")');
  await using strict = await House.open({ policies: both });
  const [agent, one, two, three] = await Promise.all([
    strict.gate(),
    strict.person("ann"),
    strict.person("bob"),
    strict.person("fay"),
  ]);
  const [first, second] = [new Key(strict), new Key(strict)];
  assert.deepEqual([(await first.enrol(one)).status, (await second.enrol(two)).status], [200, 200]);
  const held = await hold(agent, grantRole("owner"));
  assert.equal((await first.review(one, held)).status, 200);
  const click = await review(three, held);
  assert.equal(codeOf(click), "assurance_too_low");
  assert.match(textAt(click.body, "detail"), /policy `hold-escalation` asks for .* by each of two people \(A4\)/);
  assert.equal(codeOf(await first.review(one, held)), "already_reviewed");
  assert.equal(await statusOf(agent, held), "pending");
  assert.equal((await second.review(two, held)).status, 200);
  const permit = await permitFor(agent, grantRole("owner"), held);
  assert.equal((await redeem(agent, permit, held.digest)).status, 200);
});
