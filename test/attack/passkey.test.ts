import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import type { Json, JsonObject } from "../../src/core/action/index.ts";
import type { Instant } from "../../src/core/brand.ts";
import type { Clock } from "../../src/ports/clock.ts";
import { exportRows } from "../support/actions.ts";
import { codeOf, hold, review, statusOf, type Held } from "../support/flow.ts";
import { House, type Answer, type Client } from "../support/house.ts";
import { at, textAt } from "../support/json.ts";
import { Key, UNVERIFIED } from "../support/passkey.ts";
import { DIRECTORY, edited, POLICIES } from "../support/rules.ts";

const SIGNED = edited(
  POLICIES,
  '@approvers("data-owners") @expires("1h")',
  '@approvers("data-owners") @expires("1h") @assurance("passkey")',
);

let now = Date.now();
const clock: Clock = { now: () => now as Instant };
let house: House;
let gate: Client;
let ann: Client;
let dee: Client;
let key: Key;
let rows = 7_000;

before(async () => {
  house = await House.open({ policies: SIGNED, clock });
  gate = await house.gate();
  ann = await house.person("ann");
  dee = await house.person("dee");
  key = new Key(house);
  assert.equal((await key.enrol(ann)).status, 200);
});
after(() => house[Symbol.asyncDispose]());

const fresh = (): Promise<Held> => hold(gate, exportRows(rows++));
const send = (person: Client, held: Held, body: JsonObject): Promise<Answer> =>
  person.post(`/v1/requests/${held.id}/reviews`, body);
const assertionOf = (body: JsonObject): JsonObject => at(body, "assertion") as JsonObject;

/** The body with one member of its assertion replaced. */
function swapped(body: JsonObject, member: string, value: Json): JsonObject {
  return { ...body, assertion: { ...assertionOf(body), [member]: value } };
}

/** A piece of base64url with one bit of its bytes turned. */
function flipped(text: string, byte: number): string {
  const bytes = Buffer.from(text, "base64url");
  bytes[byte] = (bytes[byte] ?? 0) ^ 1;
  return bytes.toString("base64url");
}

test("approver.claimed: a signature that was tampered with, or is about anything else, approves nothing", async () => {
  const other = await fresh();
  const cases: readonly (readonly [what: string, rule: string, body: (held: Held) => Promise<JsonObject>])[] = [
    ["no signature", "assurance_too_low", async (held) => ({ verdict: "approve", digest: held.digest, nonce: randomUUID() })],
    ["a bit of the signature", "assertion_invalid", async (held) => change(held, "signature", 40)],
    ["a bit of the flags", "assertion_invalid", async (held) => change(held, "authenticator_data", 32)],
    ["a bit of the domain", "assertion_invalid", async (held) => change(held, "authenticator_data", 3)],
    ["a bit of what was signed", "assertion_invalid", async (held) => change(held, "client_data_json", 40)],
    ["the verdict", "assertion_invalid", async (held) => ({ ...(await key.signed(ann, held, { verdict: "deny" })), verdict: "approve" })],
    ["the request", "digest_changed", async (held) => ({ ...(await key.signed(ann, other)), digest: held.digest })],
    ["the request, under today's card", "assertion_invalid", async (held) => ({ ...(await key.signed(ann, other)), digest: held.digest, card: await cardOf(held) })],
    ["the action", "digest_changed", async (held) => ({ ...(await key.signed(ann, held)), digest: other.digest })],
    ["the card", "digest_changed", async (held) => ({ ...(await key.signed(ann, held)), card: other.digest })],
    ["no card", "assertion_invalid", async (held) => without(await key.signed(ann, held), "card")],
    ["the nonce", "assertion_expired", async (held) => ({ ...(await key.signed(ann, held)), nonce: randomUUID() })],
    ["a challenge of its own", "assertion_invalid", async (held) => {
      const body = await key.signed(ann, held);
      return { ...body, assertion: key.sign({ challenge: "AAAA", rpId: "localhost", userVerification: "required" }) };
    }],
    ["another page", "assertion_invalid", async (held) => {
      const body = await key.signed(ann, held);
      const { options } = (await offer(held, body)) as { options: JsonObject };
      return { ...body, assertion: key.sign(options, "http://localhost:1") };
    }],
    ["a key that is nobody's", "passkey_revoked", async (held) => swapped(await key.signed(ann, held), "credential", "AAAA")],
  ]; // prettier-ignore
  for (const [what, rule, bodyFor] of cases) {
    const held = await fresh();
    assert.equal(codeOf(await send(ann, held, await bodyFor(held))), rule, what);
    assert.equal(await statusOf(gate, held), "pending", what);
  }
  assert.equal(await statusOf(gate, other), "pending");
});

async function cardOf(held: Held): Promise<Json> {
  return (await ann.get(`/v1/requests/${held.id}`)).body["card_digest"] ?? null;
}

async function change(held: Held, member: string, byte: number): Promise<JsonObject> {
  const body = await key.signed(ann, held);
  return swapped(body, member, flipped(textAt(body, "assertion", member), byte));
}

async function offer(held: Held, { verdict, digest, card, nonce }: JsonObject): Promise<JsonObject> {
  const body = { verdict, digest, card, nonce } as JsonObject;
  return (await ann.post(`/v1/requests/${held.id}/reviews/challenge`, body)).body;
}

function without(body: JsonObject, name: string): JsonObject {
  return Object.fromEntries(Object.entries(body).filter(([member]) => member !== name));
}

test("approver.claimed: what one person signed is no review of another, and a session without the key is not enough", async () => {
  const held = await fresh();
  const body = await key.signed(ann, held);
  assert.equal(codeOf(await send(dee, held, body)), "assertion_expired", "nothing was offered to dee");
  const own = new Key(house);
  assert.equal((await own.enrol(dee)).status, 200);
  const hers = await own.signed(dee, held, { nonce: textAt(body, "nonce") });
  assert.equal(codeOf(await send(dee, held, { ...hers, assertion: assertionOf(body) })), "passkey_revoked");
  assert.equal(codeOf(await send(gate, held, body)), "not_allowed", "approver.agent: a machine signs nothing");
  assert.equal(codeOf(await review(ann, held)), "assurance_too_low", "a stolen session clicks");
  assert.equal(await statusOf(gate, held), "pending");
});

test("approver.claimed: an authenticator that verified nobody approves nothing", async () => {
  await using bare = await House.open({ policies: SIGNED });
  const [agent, person] = [await bare.gate(), await bare.person("ann")];
  const honest = new Key(bare);
  assert.equal((await honest.enrol(person)).status, 200);
  const held = await hold(agent, exportRows(rows++));
  const shown = await person.get(`/v1/requests/${held.id}`);
  const decision = {
    verdict: "approve",
    digest: held.digest,
    card: shown.body["card_digest"] ?? "",
    nonce: randomUUID(),
  };
  const offered = await person.post(`/v1/requests/${held.id}/reviews/challenge`, decision);
  const assertion = honest.sign(at(offered.body, "options") as JsonObject, undefined, UNVERIFIED);
  const answer = await person.post(`/v1/requests/${held.id}/reviews`, { ...decision, assertion });
  assert.equal(codeOf(answer), "assertion_invalid", answer.text);
  assert.match(answer.text, /verif/i);
});

test("approver.removed: a signature works once, and not after its review fell", async () => {
  const held = await fresh();
  const body = await key.signed(ann, held);
  assert.equal((await send(ann, held, body)).status, 200);
  assert.equal(await statusOf(gate, held), "approved");
  await house.operator.post("/v1/people/ann/active", { active: false });
  assert.equal(await statusOf(gate, held), "pending");
  await house.operator.post("/v1/people/ann/active", { active: true });
  const again = await house.person("ann");
  assert.equal(codeOf(await send(again, held, body)), "assertion_expired", "the same signature once more");
  const renewed = await key.signed(again, held, { nonce: textAt(body, "nonce") });
  assert.equal(codeOf(await send(again, held, renewed)), "assertion_invalid", "the same nonce once more");
  assert.equal(await statusOf(gate, held), "pending");
  ann = again;
});

test("approver.removed: five minutes after it was offered, a statement decides nothing; nor under other policies", async () => {
  const late = await fresh();
  const body = await key.signed(ann, late);
  now += 300_000;
  assert.equal(codeOf(await send(ann, late, body)), "assertion_expired");
  const overtaken = await fresh();
  const signed = await key.signed(ann, overtaken);
  await house.change({ policies: edited(SIGNED, '@quorum("2") @expires("1h")', '@quorum("2") @expires("2h")') });
  const answer = await send(ann, overtaken, signed);
  assert.equal(codeOf(answer), "assertion_invalid");
  assert.match(answer.text, /policies have changed/);
  await house.change({ policies: SIGNED });
});

test("approver.claimed: a key whose count of uses goes back may be a copy, and signs no more", async () => {
  const held = await fresh();
  const dear = new Key(house, { signCounterIncrement: 1 });
  const gil = await house.person("bob");
  assert.equal((await dear.enrol(gil)).status, 200);
  assert.equal((await dear.review(gil, held)).status, 200);
  const copy = await fresh();
  const body = await dear.signed(gil, copy);
  const store = house.store;
  const credential = textAt(body, "assertion", "credential");
  await store.append({ entries: [], documents: [{ kind: "passkey_counter", id: credential, body: { count: 9_000 } }] });
  const answer = await send(gil, copy, body);
  assert.equal(codeOf(answer), "assertion_invalid");
  assert.match(answer.text, /counter/);
});

test("approver.claimed: refused signatures are in the record with their rule", async () => {
  const rules = (await house.entries())
    .filter(({ type }) => type === "review.refused")
    .map(({ publics }) => publics["rule"]);
  for (const rule of ["assertion_invalid", "passkey_revoked", "assurance_too_low"])
    assert.ok(rules.includes(rule), rule);
});

test("input.csrf: enrolling, revoking and signing come from our own page only", async () => {
  const signedIn = await house.anyone.post("/v1/sign-in", { code: await house.code("fay") });
  const cookie = (signedIn.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
  const posts = ["/v1/me/passkeys/challenge", "/v1/me/passkeys", "/v1/me/passkeys/AAAA/revoke", `/v1/people/ann/passkeys/AAAA/revoke`, `/v1/requests/${(await fresh()).id}/reviews/challenge`]; // prettier-ignore
  const foreign = [
    { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
    { origin: "null", "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    {},
  ];
  for (const path of posts) {
    for (const headers of foreign) {
      const answer = await house.anyone.post(path, {}, { headers: { cookie, ...headers } });
      assert.equal(codeOf(answer), "cross_site", `${path} ${JSON.stringify(headers)}`);
    }
  }
  const own = { cookie, origin: house.url, "sec-fetch-site": "same-origin" };
  assert.equal((await house.anyone.post("/v1/me/passkeys/challenge", {}, { headers: own })).status, 200);
});

test("approver.late-member: the directory keeps passkeys when its file is read again", async () => {
  const before = (await house.operator.get("/v1/people/ann")).body["keys"] as readonly unknown[];
  await house.change({ directory: edited(DIRECTORY, "name: Dee Dvorak", "name: Dee D. Dvorak") });
  assert.deepEqual((await house.operator.get("/v1/people/ann")).body["keys"], before);
  assert.equal(before.length, 1);
});
