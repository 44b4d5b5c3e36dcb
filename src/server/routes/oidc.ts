import { parseId } from "../../core/ids.ts";
import { SESSION_TTL_MS } from "../../engine/index.ts";
import type { Finished, Transaction } from "../../identity/oidc/index.ts";
import type { Log } from "../log.ts";
import { cookieHeader, cookieOf, refuseCrossSite, sessionOf } from "../auth.ts";
import type { House } from "../house.ts";
import { HttpProblem } from "../problem.ts";
import type { Call, Routes } from "../route.ts";
import { BeginBody, FinishBody, LogoutBody, ProveBody } from "../schemas.ts";
import { heldOf, offerLink } from "../sign-in/linking.ts";
import { personOf } from "../sign-in/people.ts";
import { beginProof, finishProof } from "../sign-in/proving.ts";
import type { SignIn } from "../sign-in/sign-in.ts";
import { meOf } from "../sign-in/me.ts";

/** Holds a sign-in that was begun, encrypted, in the one browser that may finish it. */
const TRANSACTION_COOKIE = "keyturn_sign_in";
const TRANSACTION_SECONDS = 600;

/** Pages of the console on which somebody may go on after a sign-in; any other address is the first page. */
const NEXT = /^\/(requests\/[A-Za-z0-9_]{1,64}|accounts|\?show=[a-z]{1,16})?$/;

/** Sign-in with OpenID Connect. Addresses that a browser is sent to are pages of the console: no GET changes anything. */
export function oidcRoutes(routes: Routes, house: House, log: Log): void {
  routes.add({
    method: "GET",
    url: "/v1/sign-in",
    access: "anyone",
    summary: "The ways in which people sign in here",
    handler: async () => ({
      providers: (house.signIn?.providers ?? []).map(({ name, label }) => ({ name, label })),
    }),
  });
  routes.add({
    method: "POST",
    url: "/v1/sign-in/oidc/:provider",
    access: "anyone",
    summary: "Begin a sign-in at an identity provider: the answer says where to go",
    body: BeginBody,
    handler: async ({ params, body, request, reply }) => {
      refuseCrossSite(request, house.publicUrl);
      const { name, signIn } = signInOf(house, params["provider"]);
      const next = NEXT.test(body.next ?? "/") ? (body.next ?? "/") : "/";
      const { address, cookie } = await signIn.begin(name, returnTo(house, name), { next, decision: null });
      setTransaction(house, reply, cookie);
      return { address };
    },
  });
  routes.add({
    method: "POST",
    url: "/v1/sign-in/oidc/:provider/finish",
    access: "anyone",
    summary: "Finish a sign-in with what the provider sent back to this browser",
    fresh: true,
    body: FinishBody,
    handler: async (call) => finish(house, log, call),
  });
  proofRoute(routes, house);
  logoutRoute(routes, house);
}

function proofRoute(routes: Routes, house: House): void {
  routes.add({
    method: "POST",
    url: "/v1/requests/:id/reviews/sign-in",
    access: "person",
    summary: "Prove a decision by signing in anew: the answer says where to go, and the review is made on return",
    body: ProveBody,
    handler: async ({ who, params, body, reply }) => {
      const own = who.proof?.provider ?? house.signIn?.providers[0]?.name;
      const { name, signIn } = signInOf(house, body.provider ?? own);
      const { verdict, digest, card, nonce, reason = null } = body;
      const { address, cookie } = await beginProof(house, signIn, who, {
        id: parseId("request", params["id"]),
        wanted: { verdict, digest, card, nonce },
        reason: reason === "" ? null : reason,
        provider: name,
        redirectUri: returnTo(house, name),
      });
      setTransaction(house, reply, cookie);
      return { address };
    },
  });
}

function logoutRoute(routes: Routes, house: House): void {
  routes.add({
    method: "POST",
    url: "/v1/sign-in/oidc/:provider/logout",
    access: "anyone",
    summary: "Back-channel logout: a provider says that a session there has ended",
    form: true,
    body: LogoutBody,
    handler: async ({ params, body }) => {
      const { name, signIn } = signInOf(house, params["provider"]);
      const token = await signIn.logout(name, body.logout_token);
      if (token === null) return { ended: 0 };
      const { sub, sid } = token;
      const ended = await house.credentials.endSessionsWhere(
        ({ proof }) =>
          proof?.provider === name && (sid === null || proof.sid === sid) && (sub === null || proof.sub === sub),
        `${name} says that the session there has ended`,
      );
      return { ended };
    },
  });
}

/** The page to which a provider sends the browser back: one for each, so that an answer of one fits no other. */
function returnTo(house: Pick<House, "publicUrl">, provider: string): string {
  return `${house.publicUrl}/sign-in/${provider}`;
}

function setTransaction(house: House, reply: Call<"anyone", unknown>["reply"], cookie: string): void {
  const secure = house.publicUrl.startsWith("https:");
  void reply.header("set-cookie", cookieHeader(cookie, TRANSACTION_SECONDS, secure, TRANSACTION_COOKIE));
}

function signInOf(house: House, name: string | undefined): { readonly name: string; readonly signIn: SignIn } {
  if (house.signIn !== null && name !== undefined) return { name, signIn: house.signIn };
  throw new HttpProblem({ status: 404, code: "provider_unknown", message: "no identity provider is set up here" });
}

async function finish(
  house: House,
  log: Log,
  { params, body, request, reply }: Call<"anyone", { search: string }>,
): Promise<object> {
  refuseCrossSite(request, house.publicUrl);
  const { name, signIn } = signInOf(house, params["provider"]);
  const cookie = cookieOf(request, TRANSACTION_COOKIE);
  const secure = house.publicUrl.startsWith("https:");
  // Whatever comes of it, the same answer never comes a second time.
  const spent = cookieHeader("", 0, secure, TRANSACTION_COOKIE);
  void reply.header("set-cookie", spent);
  const finished = await signIn.finish(name, cookie, body.search);
  const provider = signIn.providers.find((one) => one.name === name);
  if (provider === undefined) throw new TypeError("a provider that finished is not there");
  const { login, transaction } = finished;
  if (transaction.decision !== null) {
    await finishProof(house, await sessionOf(house, request), provider, transaction.decision, finished);
    return { status: "reviewed", next: transaction.next };
  }
  const person = await personOf(house, provider, login, log);
  if (person === null) return unlinked(house, provider.label, finished);
  if (!person.active)
    throw new HttpProblem({
      status: 403,
      code: "person_inactive",
      message: "your place in this directory is deactivated",
    });
  const held = heldOf(house, person.id, login);
  if (held === null) return { status: "held", person: meOf(house, person.id), next: transaction.next };
  const { acr, amr, authTime, sub, sid } = login;
  const proof = { provider: name, acr, amr, authTime, sub, sid };
  const before = await sessionOf(house, request);
  const session = { person: person.id, ...held, proof, client: "console" };
  const opened = await house.credentials.openSession(session, transaction.id);
  if (opened === null)
    throw new HttpProblem({ status: 400, code: "answer_invalid", message: "this sign-in was finished already" });
  // Another sign-in, another secret: nothing that was known before it is worth anything after it.
  if (before !== null) await house.credentials.revoke(before.id, "replaced by a new sign-in");
  void reply.header("set-cookie", [spent, cookieHeader(opened.secret, SESSION_TTL_MS / 1000, secure)]);
  return { status: "signed_in", person: meOf(house, person.id), next: transaction.next };
}

/** A login of nobody opens nothing. Whoever used it may make it theirs in a session that they have in this browser. */
async function unlinked(
  house: House,
  label: string,
  { login, transaction }: Finished & { transaction: Transaction },
): Promise<object> {
  const { issuer, subject, name, email } = login;
  const evidence = `signed in at ${label}${login.authTime === null ? "" : `, proven at ${new Date(login.authTime * 1000).toISOString()}`}`;
  const link = await offerLink(house, { issuer, subject, name, email, evidence });
  if (link === null)
    throw new HttpProblem({
      status: 429,
      code: "links_limited",
      message: "too many links for one login; wait some minutes",
    });
  return {
    status: "unlinked",
    login: { provider: label, issuer, subject, name },
    code: link.code,
    expires_at: link.expiresAt,
    next: transaction.next,
  };
}
