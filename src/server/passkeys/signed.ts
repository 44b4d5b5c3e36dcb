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
import { cardDigest } from "../../core/card/index.ts";
import { decodeHex, encodeBase64Url } from "../../core/encoding.ts";
import { cardNow, loadRequest } from "../../engine/index.ts";
import { assertionOptions, relyingPartyOf, verifyAssertion, type RelyingParty } from "../../identity/passkey/index.ts";
import type { Passkey } from "../../ports/directory.ts";
import type { DocumentChange } from "../../ports/store.ts";
import type { SessionPrincipal } from "../auth.ts";
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
  const { ctx } = house;
  const party = partyOf(house);
  const keys = house.rules.current.directory.people.get(who.person)?.passkeys ?? [];
  if (keys.length === 0) throw new HttpProblem({ status: 409, code: "passkey_missing", message: MISSING });
  const state = await loadRequest(ctx, id);
  if (state === null) throw refusalProblem(refuse("request_unknown"));
  const card = cardDigest(cardNow(ctx, state));
  if (wanted.digest !== state.opened.digest || wanted.card !== card) throw refusalProblem(refuse("digest_changed"));
  const statement: DecisionStatement = {
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
  await new Offers(ctx).offer(statement);
  return { statement, options: assertionOptions(party, challengeOf(statement), keys) };
}

const MISSING = "you have no passkey yet; enrol one in the console, under Passkeys";

type Signed = { readonly proof: ReviewProof | Refusal; readonly documents: readonly DocumentChange[] };

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
  const assertion = {
    credential: sent.credential,
    authenticatorData: sent.authenticator_data,
    clientDataJSON: sent.client_data_json,
    signature: sent.signature,
  };
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

function keyOf({ rules }: House, who: SessionPrincipal, credential: string): Passkey | undefined {
  return rules.current.directory.people.get(who.person)?.passkeys.find(({ id }) => id === credential);
}

function refused(proof: Refusal): Signed {
  return { proof, documents: [] };
}
