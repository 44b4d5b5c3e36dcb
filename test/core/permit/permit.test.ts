import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import type { AgentId, Digest, GateId, Instant } from "../../../src/core/brand.ts";
import type { RefusalCode, RequestEvent, RequestState } from "../../../src/core/approval/index.ts";
import { InputError } from "../../../src/core/errors.ts";
import { approvalOf, formatId, permitOf } from "../../../src/core/ids.ts";
import {
  assemblePermit,
  checkRedemption,
  parsePermit,
  permitSigningInput,
  requestBehind,
} from "../../../src/core/permit/index.ts";
import type { ParsedPermit, PermitClaims, Redemption } from "../../../src/core/permit/index.ts";
import { signerOf } from "../../../src/server/keys.ts";
import { later, MINUTE, recorded, REQUEST, stateAfter, T0, who } from "../approval/fixtures.ts";

const signer = signerOf(generateKeyPairSync("ed25519").privateKey);
const action = { name: "customers.export", resource: { type: "table", id: "customers" } };
const digest = stateAfter({}).opened.digest;

const claims: PermitClaims = {
  issuer: "ledger.example/1",
  gate: "sdk" as GateId,
  agent: "bot" as AgentId,
  permit: permitOf(REQUEST),
  approval: approvalOf(REQUEST),
  digest,
  issuedAt: T0,
  expiresAt: later(MINUTE),
};

function signed(given: PermitClaims = claims): string {
  const input = permitSigningInput(given, signer.keyId, action);
  return assemblePermit(input, signer.sign(new TextEncoder().encode(input)));
}

/** What the engine does before it believes a permit. */
function accepts(jws: string): boolean {
  let parsed: ParsedPermit;
  try {
    parsed = parsePermit(jws);
  } catch (error) {
    assert.ok(error instanceof InputError, String(error));
    return false;
  }
  return parsed.keyId === signer.keyId && signer.verify(parsed.signed, parsed.signature);
}

test("what was signed is read back; times are whole seconds, rounded down", () => {
  const { claims: read, keyId } = parsePermit(signed({ ...claims, issuedAt: later(999), expiresAt: later(61_999) }));
  assert.deepEqual(read, { ...claims, issuedAt: T0, expiresAt: later(61_000) });
  assert.equal(keyId, signer.keyId);
  assert.equal(requestBehind(read), REQUEST);
  const text = fc
    .string({ minLength: 1, maxLength: 40, unit: "grapheme" })
    .filter((value) => value.isWellFormed() && !value.includes("\0"));
  fc.assert(
    fc.property(
      text,
      text,
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.integer({ min: 0, max: 4e9 }),
      (gate, agent, random, seconds) => {
        const request = formatId("request", random);
        const given: PermitClaims = {
          ...claims,
          gate: gate as GateId,
          agent: agent as AgentId,
          permit: permitOf(request),
          approval: approvalOf(request),
          expiresAt: (seconds * 1000) as Instant,
        };
        const jws = signed(given);
        assert.deepEqual(parsePermit(jws).claims, given);
        assert.ok(accepts(jws));
      },
    ),
    { numRuns: 200 },
  );
});

test("the JWS is what RFC 7515, 7519, 8037 and 9396 say", () => {
  const [header = "", body = ""] = signed().split(".");
  const decoded = (part: string): unknown => JSON.parse(Buffer.from(part, "base64url").toString());
  assert.deepEqual(decoded(header), { alg: "EdDSA", kid: signer.keyId, typ: "keyturn-permit+jwt" });
  assert.deepEqual(decoded(body), {
    iss: "ledger.example/1",
    aud: "sdk",
    sub: "bot",
    jti: permitOf(REQUEST),
    iat: T0 / 1000,
    exp: T0 / 1000 + 60,
    approval: approvalOf(REQUEST),
    digest,
    authorization_details: [
      {
        type: "urn:keyturn:action",
        actions: ["customers.export"],
        digest,
        resource: { type: "table", id: "customers" },
      },
    ],
  });
});

test("permit.tampered: no mutant of a permit by one bit is believed", () => {
  const jws = signed();
  assert.ok(accepts(jws));
  const bytes = Buffer.from(jws);
  let refused = 0;
  for (let index = 0; index < bytes.length; index++) {
    for (let bit = 0; bit < 8; bit++) {
      const mutant = Buffer.from(bytes);
      mutant[index] = (mutant[index] ?? 0) ^ (1 << bit);
      assert.ok(!accepts(mutant.toString("latin1")), `byte ${index}, bit ${bit}: ${mutant.toString("latin1")}`);
      refused += 1;
    }
  }
  assert.equal(refused, jws.length * 8);
});

test("permit.tampered: neither another key, nor no signature, nor another algorithm is believed", () => {
  const jws = signed();
  const [head = "", body = "", signature = ""] = jws.split(".");
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const stranger = signerOf(generateKeyPairSync("ed25519").privateKey);
  const input = permitSigningInput(claims, signer.keyId, action); // under our key's name
  const rows: readonly (readonly [what: string, jws: string])[] = [
    ["another key under our name", assemblePermit(input, stranger.sign(new TextEncoder().encode(input)))],
    ["no signature", `${head}.${body}.`],
    ["two parts", `${head}.${body}`],
    ["four parts", `${jws}.${signature}`],
    ["padding", `${jws}=`],
    ["a line break", `${jws}\n`],
    ["alg none", `${part({ alg: "none", typ: "keyturn-permit+jwt", kid: signer.keyId })}.${body}.`],
    ["alg HS256", `${part({ alg: "HS256", typ: "keyturn-permit+jwt", kid: signer.keyId })}.${body}.${signature}`],
    ["another type", `${part({ alg: "EdDSA", typ: "JWT", kid: signer.keyId })}.${body}.${signature}`],
    ["a header that is a list", `${part([])}.${body}.${signature}`],
    ["no claims", `${head}.${part({})}.${signature}`],
    ["duplicate members", `${head}.${Buffer.from(`{"iss":"a","iss":"b"}`).toString("base64url")}.${signature}`],
    ["too long", `${"A".repeat(9000)}.${body}.${signature}`],
    ["nothing", ""],
    ["dots", ".."],
  ];
  for (const [what, forged] of rows) assert.ok(!accepts(forged), what);
});

const approved: RequestEvent = {
  type: "request.approved",
  approval: approvalOf(REQUEST),
  by: [who("ann")],
  approvedUntil: later(30 * MINUTE),
};
const redeemed: RequestEvent = {
  type: "permit.redeemed",
  permit: permitOf(REQUEST),
  gate: "sdk" as GateId,
  attempt: "a",
};
const ready = stateAfter({}, recorded("ann"), approved);
const by: Redemption = { gate: "sdk" as GateId, agent: "bot" as AgentId, digest, attempt: "a", at: later(1000) };
const other = `sha256:${"1".repeat(64)}` as Digest;

test("who, what, when, once: the rules of redemption", () => {
  const elsewhere = formatId("request", new Uint8Array(16).fill(1));
  const rows: readonly (readonly [
    what: string,
    claims: Partial<PermitClaims>,
    state: RequestState,
    by: Partial<Redemption>,
    refused: RefusalCode | null,
  ])[] = [
    ["in order", {}, ready, {}, null],
    ["another issuer", { issuer: "elsewhere" }, ready, {}, "permit_unknown"],
    ["another request's permit", { permit: permitOf(elsewhere) }, ready, {}, "permit_unknown"],
    ["another request's approval", { approval: approvalOf(elsewhere) }, ready, {}, "permit_unknown"],
    ["at another gate", {}, ready, { gate: "exec" as GateId }, "permit_other_gate"],
    ["issued to another gate", { gate: "exec" as GateId }, ready, {}, "permit_other_gate"],
    ["by another agent", {}, ready, { agent: "eve-bot" as AgentId }, "not_requester"],
    ["for another agent", { agent: "eve-bot" as AgentId }, ready, { agent: "eve-bot" as AgentId }, "not_requester"],
    ["of another action", {}, ready, { digest: other }, "permit_other_action"],
    ["for another action", { digest: other }, ready, { digest: other }, "permit_other_action"],
    ["not approved", {}, stateAfter({}), {}, "not_approved"],
    ["denied", {}, stateAfter({}, { type: "request.denied", by: who("ann") }), {}, "not_approved"],
    ["cancelled", {}, stateAfter({}, { type: "request.cancelled", by: "bot" }), {}, "not_approved"],
    [
      "voided",
      {},
      stateAfter({}, recorded("ann"), approved, {
        type: "review.voided",
        person: who("ann"),
        refusal: { refused: "person_inactive", because: "" },
      }),
      {},
      "approval_voided",
    ],
    ["used", {}, stateAfter({}, recorded("ann"), approved, redeemed), {}, "permit_redeemed"],
    ["in the last millisecond", {}, ready, { at: later(MINUTE - 1) }, null],
    ["the permit's time is over", {}, ready, { at: later(MINUTE) }, "permit_expired"],
    [
      "the approval's time is over",
      { expiresAt: later(60 * MINUTE) },
      ready,
      { at: later(30 * MINUTE) },
      "approval_expired",
    ],
    [
      "written down as unused",
      { expiresAt: later(60 * MINUTE) },
      stateAfter({}, recorded("ann"), approved, { type: "permit.expired" }),
      {},
      "approval_expired",
    ],
  ];
  for (const [what, claim, state, redeemer, refused] of rows) {
    const answer = checkRedemption({ ...claims, ...claim }, "ledger.example/1", state, { ...by, ...redeemer });
    assert.equal(answer?.refused ?? null, refused, what);
  }
});
