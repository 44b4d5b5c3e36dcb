import assert from "node:assert/strict";
import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import {
  assuranceFor,
  assuranceWithin,
  eligibility,
  faultOfStatement,
  recheck,
  review,
  statementBytes,
  statementDigest,
} from "../../../src/core/approval/index.ts";
import type { Ask, DecisionStatement, ReviewProof, Roster } from "../../../src/core/approval/index.ts";
import type { Digest, Instant } from "../../../src/core/brand.ts";
import type { Assurance } from "../../../src/core/policy/index.ts";
import type { RiskLevel } from "../../../src/core/risk/index.ts";
import { later, MINUTE, REQUEST, reviewer, rosterOf, stateAfter, T0, termsOf, who } from "./fixtures.ts";

const KEY = { id: "key-1", publicKey: "spki-1", synced: false, since: T0 };
const CARD = `sha256:${"c".repeat(64)}` as Digest;
const state = stateAfter({ terms: termsOf(["owners", 1]), assurance: "A3" });
const { opened } = state;
const rosterWith = (passkeys = [KEY]): Roster => rosterOf({ ann: { passkeys } }, { owners: ["ann"] });

const statement: DecisionStatement = {
  v: 1,
  ledger: "keyturn.example/ledger/demo/1",
  request: REQUEST,
  digest: opened.digest,
  verdict: "approve",
  policies: `sha256:${"b".repeat(64)}` as Digest,
  approver: who("ann"),
  not_after: later(5 * MINUTE),
  nonce: "nonce-1",
  card: CARD,
};
const proof: ReviewProof = {
  kind: "passkey",
  statement,
  rp: "keyturn.example",
  credential: KEY.id,
  publicKey: KEY.publicKey,
  authenticatorData: "",
  clientDataJSON: "",
  signature: "",
};

test("the statement is canonical JSON, and its digest that of any SHA-256", () => {
  const text = Buffer.from(statementBytes(statement)).toString();
  assert.equal(text, JSON.stringify(statement, Object.keys(statement).toSorted()));
  assert.equal(statementDigest(statement), `sha256:${createHash("sha256").update(text).digest("hex")}`);
});

test("law: two statements that differ anywhere have different digests", () => {
  const name = fc.constantFrom(...(Object.keys(statement) as (keyof DecisionStatement)[]));
  fc.assert(
    fc.property(name, fc.string(), (member, value) => {
      const other = { ...statement, [member]: value } as DecisionStatement;
      assert.equal(statementDigest(other) === statementDigest(statement), String(statement[member]) === value);
    }),
  );
});

test("a statement is about one review, member by member, and until its time", () => {
  const { request, digest, verdict, approver, nonce, card } = statement;
  const stated = { request, digest, verdict, approver, nonce, card, at: T0 };
  assert.equal(faultOfStatement(statement, stated), null);
  const rows = [
    [{ request: "arq_x" }, /its request is another/],
    [{ digest: "sha256:x" }, /its action is another/],
    [{ verdict: "deny" }, /its verdict is another/],
    [{ approver: "bob" }, /its approver is another/],
    [{ nonce: "nonce-2" }, /its nonce is another/],
    [{ card: null }, /its card is another/],
    [{ at: statement.not_after }, /its time is over/],
  ] as const;
  for (const [change, because] of rows) {
    assert.match(faultOfStatement(statement, { ...stated, ...change } as typeof stated)?.because ?? "", because);
  }
});

test("what an approval has to bring: by what is asked, the risk, and whether there is a passkey", () => {
  const rows: readonly (readonly [asked: Assurance, level: RiskLevel, keys: number, wanted: Assurance])[] = [
    ["A1", "low", 0, "A1"],
    ["A1", "medium", 1, "A1"],
    ["A1", "high", 0, "A1"],
    ["A1", "high", 1, "A3"],
    ["A2", "critical", 1, "A3"],
    ["A2", "low", 1, "A2"],
    ["A3", "low", 0, "A3"],
    ["A4", "low", 0, "A3"],
    ["A4", "critical", 2, "A3"],
  ];
  for (const [asked, level, keys, wanted] of rows) {
    const passkeys = Array.from({ length: keys }, () => KEY);
    assert.equal(assuranceFor(asked, level, { passkeys }), wanted, `${asked} ${level} ${keys}`);
  }
  assert.deepEqual(
    ["A1", "A2", "A3"].map((session) => assuranceWithin(session as Assurance, { passkeys: [KEY] })),
    ["A3", "A3", "A3"],
  );
  assert.equal(assuranceWithin("A1", { passkeys: [] }), "A1");
});

test("the refusal names the rule and says what to do", () => {
  const ask: Ask = { terms: opened.terms, barred: [], assurance: "A3", openedAt: T0, rule: "policy `p`" };
  const because = (change: Partial<Ask>, roster: Roster): string => {
    const answer = eligibility({ ...ask, ...change }, reviewer("ann", "A1"), "approve", roster);
    return "refused" in answer ? answer.because : "";
  };
  assert.match(because({}, rosterWith()), /policy `p` asks for a signature with a passkey.*on its page in the console/);
  assert.match(because({}, rosterWith([])), /enrol a passkey in the console first/);
  assert.match(because({ assurance: "A4" }, rosterWith()), /by each of two people \(A4\)/);
  assert.match(because({ assurance: "A2" }, rosterWith([])), /a fresh sign-in for this decision \(A2\)/);
  assert.match(because({ assurance: "A1", level: "high" }, rosterWith()), /a high risk asks for a signature/);
  assert.equal(because({ assurance: "A1" }, rosterWith()), "", "later, the risk asks nobody for a passkey");
  assert.equal(because({ assurance: "A1", level: "high" }, rosterWith([])), "");
});

test("a signed review is recorded with what was signed, once, under a key that is the person's", () => {
  const command = {
    reviewer: reviewer("ann", "A3"),
    account: { issuer: "keyturn", subject: "ann" },
    verdict: "approve",
    digest: opened.digest,
    reason: null,
    channel: "console",
    nonce: "nonce-1",
    at: later(MINUTE),
    card: { shown: CARD, now: CARD },
    proof,
  } as const;
  const events = review(state, command, rosterWith());
  assert.ok(!("refused" in events));
  assert.deepEqual(events[0]?.type === "review.recorded" && events[0].review.proof, proof);
  const refusals = [
    [command, rosterWith([]), "passkey_revoked"],
    [command, rosterWith([{ ...KEY, publicKey: "spki-2" }]), "passkey_revoked"],
    [{ ...command, at: later(5 * MINUTE) }, rosterWith(), "assertion_expired"],
    [{ ...command, verdict: "deny" as const }, rosterWith(), "assertion_invalid"],
    [{ ...command, card: null }, rosterWith(), "assertion_invalid"],
  ] as const;
  for (const [sent, roster, rule] of refusals) {
    const answer = review(state, sent, roster);
    assert.equal("refused" in answer && answer.refused, rule);
  }
});

test("approver.removed: a key or a login that is gone takes its review along", () => {
  const account = { issuer: "https://idp.example.com", subject: "1" };
  const rosterNow = (change: { passkeys?: readonly (typeof KEY)[]; strength?: "L2" | "L3" | null }): Roster => {
    const { passkeys = [KEY], strength = "L3" } = change;
    return rosterOf(
      { ann: { passkeys, accounts: strength === null ? [] : [{ ...account, strength }] } },
      { owners: ["ann"] },
    );
  };
  const recorded = { person: who("ann"), verdict: "approve", at: T0, groups: ["owners"], assurance: "A3", channel: "console", account, reason: null, nonce: "n", proof } as never; // prettier-ignore
  const reviewed = { ...state, reviews: [recorded] };
  const rows = [
    [{}, null],
    [{ passkeys: [] }, "passkey_revoked"],
    [{ passkeys: [{ ...KEY, publicKey: "other" }] }, "passkey_revoked"],
    [{ strength: null }, "link_too_weak"],
    [{ strength: "L2" }, "link_too_weak"],
  ] as const;
  for (const [change, rule] of rows) {
    const [event] = recheck(reviewed, rosterNow(change), later(MINUTE) as Instant);
    assert.equal(event?.type === "review.voided" ? event.refusal.refused : null, rule, JSON.stringify(change));
  }
});

test("the vectors of spec/decision-statement.md: canonical text, digest, challenge and signatures", () => {
  type Vector = {
    readonly name: string;
    readonly statement: DecisionStatement;
    readonly canonical: string;
    readonly digest: string;
    readonly challenge: string;
    readonly proof: { readonly rp: string; readonly publicKey: string; readonly authenticatorData: string; readonly clientDataJSON: string; readonly signature: string }; // prettier-ignore
  };
  const path = new URL("../../../spec/vectors/decision-statement.json", import.meta.url);
  const bytes = (text: string): Buffer => Buffer.from(text, "base64url");
  for (const { name, statement: said, canonical, digest, challenge, proof: made } of JSON.parse(
    readFileSync(path, "utf8"),
  ) as readonly Vector[]) {
    assert.equal(Buffer.from(statementBytes(said)).toString(), canonical, name);
    assert.equal(statementDigest(said), digest, name);
    assert.equal(bytes(challenge).toString("hex"), digest.slice("sha256:".length), name);
    const client = JSON.parse(bytes(made.clientDataJSON).toString()) as { challenge: string };
    assert.equal(client.challenge, challenge, name);
    const key = createPublicKey({ key: bytes(made.publicKey), format: "der", type: "spki" });
    const hashed = createHash("sha256").update(bytes(made.clientDataJSON)).digest();
    const signed = Buffer.concat([bytes(made.authenticatorData), hashed]);
    const algorithm = key.asymmetricKeyType === "ed25519" ? null : "sha256";
    assert.ok(verify(algorithm, signed, key, bytes(made.signature)), name);
  }
});
