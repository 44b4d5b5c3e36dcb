import { refuse, type ProviderProof, type RequestState } from "../../core/approval/index.ts";
import type { JsonObject } from "../../core/action/index.ts";
import type { DecisionStatement } from "../../core/approval/index.ts";
import type { RequestId } from "../../core/brand.ts";
import { parseId } from "../../core/ids.ts";
import { submitReview } from "../../engine/index.ts";
import type { Decision, Finished, ProviderConfig } from "../../identity/oidc/index.ts";
import type { SessionPrincipal } from "../principals.ts";
import type { House } from "../house.ts";
import { challengeOf, statementOf, type Wanted } from "../passkeys/signed.ts";
import { HttpProblem, refusalProblem } from "../problem.ts";
import { heldOf } from "./linking.ts";
import type { Begun, SignIn } from "./sign-in.ts";

/** Bytes of what a provider signed, and of its key, that a review keeps as evidence. */
export const PROOF_BYTES_MAX = 16_384;

/**
 * Begins a fresh sign-in that proves one decision: the nonce that the provider signs is the digest of its statement, so
 * what comes back is good for this verdict on this action, once, and for nothing else.
 */
export async function beginProof(
  house: House,
  signIn: SignIn,
  who: SessionPrincipal,
  asked: {
    readonly id: RequestId;
    readonly wanted: Wanted;
    readonly reason: string | null;
    readonly provider: string;
    readonly redirectUri: string;
  },
): Promise<Begun> {
  const statement = await statementOf(house, who, asked.id, asked.wanted);
  const decision: Decision = { session: who.id, statement: JSON.stringify(statement), reason: asked.reason };
  return signIn.begin(asked.provider, asked.redirectUri, {
    next: `/requests/${asked.id}`,
    decision,
    nonce: challengeOf(statement),
  });
}

/** Records the review that a fresh sign-in has proven (A2): the session that began it, the same person, nothing changed since. */
export async function finishProof(
  house: House,
  who: SessionPrincipal | null,
  provider: ProviderConfig,
  decision: Decision,
  { login, idToken, jwk }: Finished,
): Promise<RequestState> {
  if (who === null || who.id !== decision.session) {
    throw invalid("the session in which this was begun is over; look at the request again");
  }
  const held = heldOf(house, who.person, login);
  if (held === null) throw invalid(`the login that was used is not ${who.person}'s`);
  // Sealed by this house when it was offered, and read by nobody in between.
  const statement = JSON.parse(decision.statement) as DecisionStatement;
  if (statement.policies !== house.rules.current.policies.digest) {
    throw refusalProblem(refuse("assertion_invalid", "the policies have changed since; start the review again"));
  }
  if (jwk === null) throw invalid("the provider does not say which of its keys signed this; begin again");
  const key: object = jwk;
  if (idToken.length + JSON.stringify(key).length > PROOF_BYTES_MAX) {
    throw invalid("what the provider signed is too large to be kept as evidence");
  }
  const { issuer, clientId: client } = provider;
  const proof: ProviderProof = { kind: "provider", statement, issuer, client, idToken, jwk: key as JsonObject };
  const reviewer = { person: who.person, link: held.link, assurance: "A2" } as const;
  const state = await submitReview(house.ctx, parseId("request", statement.request), {
    reviewer,
    account: held.account,
    channel: who.client,
    verdict: statement.verdict,
    digest: statement.digest,
    card: statement.card,
    reason: decision.reason,
    nonce: statement.nonce,
    proof,
  });
  const result = "refused" in state ? "refused" : statement.verdict;
  house.metrics.count("reviews_total", { result });
  if ("refused" in state) throw refusalProblem(state);
  return state;
}

function invalid(message: string): HttpProblem {
  return new HttpProblem({ status: 403, code: "proof_invalid", message });
}
