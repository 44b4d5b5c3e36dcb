import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, hash, randomUUID, verify, type JsonWebKey } from "node:crypto";
import { test } from "node:test";
import { canonicalBytes, type JsonObject } from "../../src/core/action/index.ts";
import { verifyLedger } from "../../src/verify/index.ts";
import { faultOfSignIn, readSignIn } from "../../src/verify/sign-in.ts";
import { exportRows } from "../support/actions.ts";
import { codeOf, hold, type Held } from "../support/flow.ts";
import { House } from "../support/house.ts";
import { at, textAt } from "../support/json.ts";
import { MockProvider } from "../support/mock-provider.ts";
import { DIRECTORY, edited, POLICIES } from "../support/rules.ts";
import { Visitor } from "../support/visitor.ts";

const FRESH = edited(
  POLICIES,
  '@approvers("data-owners") @expires("1h")',
  '@approvers("data-owners") @expires("1h") @assurance("reauthenticate")',
);

type Place = AsyncDisposable & { readonly house: House; readonly idp: MockProvider };

/** A house that lets exports pass only by a fresh sign-in, and in which `u-ann` of a provider is Ann. */
async function place(): Promise<Place> {
  const idp = await MockProvider.open();
  const account = `{ issuer: "${idp.config.issuer}", subject: u-ann, strength: L4 }`;
  const directory = edited(DIRECTORY, `{ issuer: "https://idp.example.com", subject: 00u-ann, strength: L4 }`, account);
  const house = await House.open({ directory, policies: FRESH, signIn: [idp.config] });
  return {
    house,
    idp,
    [Symbol.asyncDispose]: async () => {
      await house[Symbol.asyncDispose]();
      await idp[Symbol.asyncDispose]();
    },
  };
}

const now = (): number => Math.floor(Date.now() / 1000);

async function signedIn({ house, idp }: Place): Promise<Visitor> {
  const visitor = new Visitor(house);
  assert.equal((await visitor.signIn("mock", idp.pass))["status"], "signed_in");
  return visitor;
}

let rows = 5_000;
async function heldOne({ house }: Place): Promise<Held> {
  rows += 1;
  return hold(await house.gate(), exportRows(rows));
}

async function status(visitor: Visitor, id: string): Promise<string> {
  return textAt((await visitor.get(`/v1/requests/${id}`)).body, "status");
}

/** Asks to prove a decision, and answers the provider's address. */
async function prove(visitor: Visitor, held: Held, more: JsonObject = {}): Promise<URL> {
  const { body } = await visitor.get(`/v1/requests/${held.id}`);
  const wanted = { verdict: "approve", digest: held.digest, card: textAt(body, "card_digest"), nonce: randomUUID() };
  const answer = await visitor.post(`/v1/requests/${held.id}/reviews/sign-in`, { ...wanted, ...more });
  assert.equal(answer.status, 200, answer.text);
  return new URL(textAt(answer.body, "address"));
}

test("a fresh sign-in whose nonce is the statement's digest approves at A2, and proves it to others", async () => {
  await using here = await place();
  const { house, idp } = here;
  const held = await heldOne(here);
  const ann = await signedIn(here);
  const click = { verdict: "approve", digest: held.digest, nonce: randomUUID() };
  assert.equal(codeOf(await ann.post(`/v1/requests/${held.id}/reviews`, click)), "assurance_too_low");

  const { body } = await ann.get(`/v1/requests/${held.id}`);
  assert.deepEqual([at(body, "me", "can_approve"), at(body, "me", "sign")], [true, "sign_in"]);
  const address = await prove(ann, held, { reason: "seen with the owner" });
  assert.deepEqual(
    [address.searchParams.get("prompt"), address.searchParams.get("max_age")],
    ["login", "0"],
    "the provider has to ask the person anew",
  );
  idp.claims = { auth_time: now() };
  const reviewed = await ann.finish("mock", await idp.pass(address));
  assert.deepEqual(reviewed.body, { status: "reviewed", next: `/requests/${held.id}` }, reviewed.text);
  assert.equal(await status(ann, held.id), "approved");

  const entry = (await house.entries()).find(({ type }) => type === "review.recorded");
  const review = at(entry?.payload ?? {}, "review") as JsonObject;
  assert.deepEqual([review["assurance"], review["reason"]], ["A2", "seen with the owner"]);
  const proof = review["proof"] as JsonObject;
  const statement = proof["statement"] as JsonObject;
  assert.deepEqual(
    [statement["request"], statement["digest"], statement["verdict"]],
    [held.id, held.digest, "approve"],
  );
  assert.deepEqual(faultsOf(proof), [], "node:crypto alone finds nothing wrong with it");
  assert.deepEqual(await faultsOfLedger(house), []);
});

async function faultsOfLedger(house: House): Promise<readonly string[]> {
  const vkey = (await house.operator.get("/v1/ledger/vkey")).text.trim();
  const checkpoint = (await house.operator.get("/v1/ledger/checkpoint")).text;
  const { decisions } = await verifyLedger({ entries: await house.store.range(0, 1000), checkpoint, vkey });
  return decisions.findings.map((finding) => JSON.stringify(finding));
}

/** What somebody who has the entry alone would check: the provider's signature, and what it signed. */
function faultsOf(proof: JsonObject): readonly string[] {
  const [header = "", payload = "", signature = ""] = textAt(proof, "idToken").split(".");
  const key = createPublicKey({ key: proof["jwk"] as JsonWebKey, format: "jwk" });
  const isSigned = verify("sha256", Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, "base64url"));
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as JsonObject;
  const nonce = hash("sha256", canonicalBytes(proof["statement"] as JsonObject), "base64url");
  return [isSigned ? null : "signature", claims["nonce"] === nonce ? null : "nonce"].filter((fault) => fault !== null);
}

const TAMPERED: readonly (readonly [what: string, fault: string | null, change: (proof: JsonObject) => JsonObject])[] =
  [
    ["as it is", null, (proof) => proof],
    [
      "another verdict",
      "its nonce is not the digest of the statement",
      (proof) => {
        return { ...proof, statement: { ...(proof["statement"] as JsonObject), verdict: "deny" } };
      },
    ],
    ["another provider", "it is of another provider", (proof) => ({ ...proof, issuer: "https://evil.example" })],
    ["another client", "it is for somebody else", (proof) => ({ ...proof, client: "another" })],
    [
      "another signature",
      "its signature is not that of the key",
      (proof) => {
        const token = textAt(proof, "idToken");
        return { ...proof, idToken: `${token.slice(0, -8)}${token.endsWith("AAAAAAAA") ? "BBBBBBBB" : "AAAAAAAA"}` };
      },
    ],
    [
      "another key",
      "its signature is not that of the key",
      (proof) => {
        const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
        return { ...proof, jwk: publicKey.export({ format: "jwk" }) as JsonObject };
      },
    ],
    [
      "no signature at all",
      "its signature is not that of the key",
      (proof) => {
        const payload = textAt(proof, "idToken").split(".")[1] ?? "";
        return { ...proof, idToken: `${Buffer.from('{"alg":"none"}').toString("base64url")}.${payload}.` };
      },
    ],
  ];

test("the verifier finds what was changed in a kept sign-in", async () => {
  await using here = await place();
  const held = await heldOne(here);
  here.idp.claims = { auth_time: now() };
  const ann = await signedIn(here);
  await ann.finish("mock", await here.idp.pass(await prove(ann, held)));
  const entry = (await here.house.entries()).find(({ type }) => type === "review.recorded");
  const proof = at(entry?.payload ?? {}, "review", "proof") as JsonObject;
  for (const [what, fault, change] of TAMPERED) {
    assert.equal(faultOfSignIn(readSignIn(change(proof)), Date.now()), fault, what);
  }
  const late = Date.now() + 3_600_000;
  assert.equal(faultOfSignIn(readSignIn(proof), late), "the person had signed in long before");
});

test("an old proof, another person's, another session's or none at all approves nothing", async () => {
  await using here = await place();
  const { house, idp } = here;
  const held = await heldOne(here);
  const attempts: readonly (readonly [string, string, () => void])[] = [
    ["an old proof", "answer_invalid", () => (idp.claims = { auth_time: now() - 3600 })],
    ["a provider that does not say when", "provider_refused", () => (idp.claims = {})],
    ["another person's login", "proof_invalid", () => (idp.claims = { sub: "u-eve", auth_time: now() })],
  ];
  for (const [what, code, prepare] of attempts) {
    idp.claims = {};
    const ann = await signedIn(here);
    const address = await prove(ann, held);
    prepare();
    assert.equal(codeOf(await ann.finish("mock", await idp.pass(address))), code, what);
  }
  idp.claims = { auth_time: now() };
  const ann = await signedIn(here);
  const back = await idp.pass(await prove(ann, held));
  await ann.post("/v1/sign-out", {});
  assert.equal(codeOf(await ann.finish("mock", back)), "proof_invalid", "the session is over");

  const again = await signedIn(here);
  const proven = await idp.pass(await prove(again, held));
  const changed = await house.change({
    policies: edited(FRESH, "with the consent of an owner", "when an owner agrees"),
  });
  assert.equal(changed.status, 200, changed.text);
  assert.equal(codeOf(await again.finish("mock", proven)), "assertion_invalid", "the policies have changed");
  assert.equal(await status(again, held.id), "pending");
});

test("a proof of a denial is none of an approval, and one proof is one review", async () => {
  await using here = await place();
  const { idp } = here;
  const [first, second] = [await heldOne(here), await heldOne(here)];
  idp.claims = { auth_time: now() };
  const ann = await signedIn(here);
  const address = await prove(ann, first, { verdict: "deny" });
  const begun = ann.cookie("keyturn_sign_in") ?? "";
  const back = await idp.pass(address);
  // What was begun for the one cannot be finished as the other: the nonce is another, and nobody else can seal it.
  await prove(ann, second);
  assert.equal(codeOf(await ann.finish("mock", back)), "answer_invalid");
  ann.setCookie("keyturn_sign_in", begun);
  assert.equal((await ann.finish("mock", back)).body["status"], "reviewed");
  assert.equal(await status(ann, first.id), "denied");
  assert.equal(await status(ann, second.id), "pending");
});
