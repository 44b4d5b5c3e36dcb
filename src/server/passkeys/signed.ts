import { digest } from "../../core/action/index.ts";
import {
  refuse,
  STATEMENT_TTL_MS,
  statementDigest,
  type DecisionStatement,
  type Refusal,
  type ReviewProof,
  type Verdict,
} from "../../core/approval/index.ts";
import type { Digest, Instant, RequestId } from "../../core/brand.ts";
import { cardFace } from "../../core/card/index.ts";
import { concatBytes, decodeBase64Url, decodeHex, encodeBase64Url } from "../../core/encoding.ts";
import { cardNames, loadRequest } from "../../engine/index.ts";
import {
  assertionOptions,
  relyingPartyOf,
  verifyAssertion,
  type Assertion,
  type RelyingParty,
} from "../../identity/passkey/index.ts";
import type { Passkey } from "../../ports/directory.ts";
import type { DocumentChange } from "../../ports/store.ts";
import type { SessionPrincipal } from "../principals.ts";
import type { House } from "../house.ts";
import { HttpProblem, refusalProblem } from "../problem.ts";
import { counterDocument, Offers } from "./offers.ts";

/** What somebody is about to decide. */
export type Wanted = {
  readonly verdict: Verdict;
  readonly digest: string;
  readonly card: string;
  readonly nonce: string;
};

/** An assertion as the wire has it. */
export type SentAssertion = {
  readonly credential: string;
  readonly authenticator_data: string;
  readonly client_data_json: string;
  readonly signature: string;
};

/** Where passkeys work under this house's address; a problem that says what to do where they do not. */
export function partyOf({ publicUrl }: Pick<House, "publicUrl">): RelyingParty {
  const party = relyingPartyOf(publicUrl);
  if (party !== null) return party;
  const message = `passkeys need a name and TLS, and this server is reached at ${publicUrl}; set public_url to an https address with a name`;
  throw new HttpProblem({ status: 409, code: "passkeys_unavailable", message });
}

/** The bytes that are signed, as WebAuthn wants its challenge. */
export function challengeOf(statement: DecisionStatement): string {
  return encodeBase64Url(decodeHex(statementDigest(statement).slice("sha256:".length)));
}

/** Makes the statement of a decision and remembers that it was offered; answers it with what a browser needs to sign it. */
export async function offerStatement(
  house: House,
  who: SessionPrincipal,
  id: RequestId,
  wanted: Wanted,
): Promise<object> {
  const party = partyOf(house);
  const keys = house.rules.current.directory.people.get(who.person)?.passkeys ?? [];
  if (keys.length === 0) throw new HttpProblem({ status: 409, code: "passkey_missing", message: MISSING });
  const statement = await statementOf(house, who, id, wanted);
  await new Offers(house.ctx).offer(statement);
  return { statement, options: assertionOptions(party, challengeOf(statement), keys) };
}

/** What somebody would decide, of what is in force now; a refusal where what they were shown is not that any more. */
export async function statementOf(
  house: House,
  who: SessionPrincipal,
  id: RequestId,
  wanted: Wanted,
): Promise<DecisionStatement> {
  const { ctx } = house;
  const state = await loadRequest(ctx, id);
  if (state === null) throw refusalProblem(refuse("request_unknown"));
  const { digest: card } = cardFace(state.opened, cardNames(house.rules.current));
  if (wanted.digest !== state.opened.digest || wanted.card !== card) throw refusalProblem(refuse("digest_changed"));
  return {
    v: 1,
    ledger: house.ledgerOrigin,
    request: id,
    digest: state.opened.digest,
    verdict: wanted.verdict,
    policies: house.rules.current.policies.digest as Digest,
    approver: who.person,
    not_after: (ctx.clock.now() + STATEMENT_TTL_MS) as Instant,
    nonce: wanted.nonce,
    card,
  };
}

const MISSING = "you have no passkey yet; enrol one in the console, under Passkeys";

/** A decision's proof, or why what was sent is none; and what is written with the review. */
export type Signed = { readonly proof: ReviewProof | Refusal; readonly documents: readonly DocumentChange[] };

/** Verifies what was sent as a signature of the decision that was offered under this nonce. */
export async function signedBy(
  house: House,
  who: SessionPrincipal,
  nonce: string,
  sent: SentAssertion,
): Promise<Signed> {
  const offers = new Offers(house.ctx);
  const offer = await offers.taken(who.person, nonce);
  if (offer === null) return refused(refuse("assertion_expired"));
  const { statement, document } = offer;
  if (statement.policies !== house.rules.current.policies.digest) {
    return refused(refuse("assertion_invalid", "the policies have changed since; start the review again"));
  }
  const passkey = keyOf(house, who, sent.credential);
  if (passkey === undefined) return refused(refuse("passkey_revoked"));
  const party = partyOf(house);
  const assertion = assertionOf(sent);
  const known = await offers.counter(passkey.id);
  const asserted = await verifyAssertion(assertion, party, challengeOf(statement), { passkey, counter: known });
  if ("fault" in asserted) return refused(refuse("assertion_invalid", asserted.fault));
  const counted = asserted.counter === known ? [] : [counterDocument(passkey.id, asserted.counter)];
  const proof: ReviewProof = {
    kind: "passkey",
    statement,
    rp: party.rp,
    publicKey: passkey.publicKey,
    ...assertion,
  };
  return { proof, documents: [document, ...counted] };
}

/**
 * Whoever holds one key may enrol another: the known key signs what the browser made of the new one. Answers what to write
 * with it, or why the signature does not hold.
 */
export async function vouchedBy(
  house: House,
  who: SessionPrincipal,
  made: { readonly client_data_json: string; readonly attestation_object: string },
  sent: SentAssertion,
): Promise<{ readonly documents: readonly DocumentChange[] } | { readonly fault: string }> {
  const passkey = keyOf(house, who, sent.credential);
  if (passkey === undefined) return { fault: "the passkey that vouches for it is none of yours" };
  const bytes = [made.client_data_json, made.attestation_object].map(decodeBase64Url);
  const challenge = encodeBase64Url(decodeHex(digest(concatBytes(...bytes)).slice("sha256:".length)));
  const known = await new Offers(house.ctx).counter(passkey.id);
  const asserted = await verifyAssertion(assertionOf(sent), partyOf(house), challenge, { passkey, counter: known });
  if ("fault" in asserted) return asserted;
  return { documents: asserted.counter === known ? [] : [counterDocument(passkey.id, asserted.counter)] };
}

function assertionOf(sent: SentAssertion): Assertion {
  return {
    credential: sent.credential,
    authenticatorData: sent.authenticator_data,
    clientDataJSON: sent.client_data_json,
    signature: sent.signature,
  };
}

function keyOf({ rules }: House, who: SessionPrincipal, credential: string): Passkey | undefined {
  return rules.current.directory.people.get(who.person)?.passkeys.find(({ id }) => id === credential);
}

function refused(proof: Refusal): Signed {
  return { proof, documents: [] };
}
