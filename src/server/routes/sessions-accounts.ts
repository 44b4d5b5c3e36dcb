import { OWN_ISSUER, rolesOf } from "../../core/approval/index.ts";
import type { PersonId } from "../../core/brand.ts";
import { parseId } from "../../core/ids.ts";
import { SESSION_TTL_MS, type Credential, type Principal } from "../../engine/index.ts";
import { cookieHeader, cookieOf } from "../auth.ts";
import type { SessionPrincipal } from "../principals.ts";
import type { House } from "../house.ts";
import { HttpProblem } from "../problem.ts";
import type { Routes } from "../route.ts";
import { AccountBody, ConfirmLinkBody, Empty, LinkCodeBody } from "../schemas.ts";
import { confirmLink, loginOfCode } from "../sign-in/linking.ts";
import { meOf } from "../sign-in/me.ts";
import { timeOf } from "../views.ts";
import { toldOf } from "./directory.ts";

/** What a person sees and changes of their own logins and sessions, and an administrator of everybody's sessions. */
export function accountRoutes(routes: Routes, house: House): void {
  ownAccounts(routes, house);
  linkRoutes(routes, house);
  sessionLists(routes, house);
}

function ownAccounts(routes: Routes, house: House): void {
  routes.add({
    method: "GET",
    url: "/v1/me/accounts",
    access: "person",
    summary: "My logins, how each was proven, and the one I use now",
    handler: async ({ who }) => {
      const { directory } = house.rules.current;
      const record = house.rules.people.sources.people.get(who.person);
      const accounts = (directory.people.get(who.person)?.accounts ?? []).map(({ issuer, subject, strength }) => {
        const link = record?.links.find((one) => one.issuer === issuer && one.subject === subject);
        const isCurrent = who.account.issuer === issuer && who.account.subject === subject;
        const evidence = link?.evidence ?? null;
        return { issuer, subject, strength, evidence, source: link?.source ?? null, current: isCurrent };
      });
      return { person: meOf(house, who.person), accounts };
    },
  });
  routes.add({
    method: "POST",
    url: "/v1/me/accounts/unlink",
    access: "person",
    summary: "Give up a login of mine; sessions through it end",
    body: AccountBody,
    handler: async ({ who, body }) => {
      if (house.people.holderOf(body.issuer, body.subject)?.id !== who.person)
        throw new HttpProblem({ status: 404, code: "link_unknown", message: "this login is not yours" });
      const editor = { kind: "person", person: who.person, assurance: who.assurance } as const;
      return toldOf(house, await house.people.change([{ step: "unlink", ...body }], editor));
    },
  });
  routes.add({
    method: "POST",
    url: "/v1/me/sign-in-code",
    access: "person",
    summary: "A one-time link for me, to sign in the command line or another browser",
    body: Empty,
    handler: async ({ who }) => {
      const { id, account, link, assurance, proof } = who;
      const until = (await house.credentials.credential(id))?.expiresAt ?? house.ctx.clock.now();
      const from = { account, link, assurance, session: id, until, ...(proof === undefined ? {} : { proof }) };
      const { secret, credential } = await house.credentials.offerSignIn(who.person, { from });
      return { url: `${house.publicUrl}/sign-in#code=${secret}`, expires_at: timeOf(credential.expiresAt) };
    },
  });
}

function linkRoutes(routes: Routes, house: House): void {
  routes.add({
    method: "POST",
    url: "/v1/links/look",
    access: "person",
    summary: "Which login a link would make mine; nothing changes",
    body: LinkCodeBody,
    handler: async ({ who, body }) => {
      const { issuer, subject, name, email, evidence } = await loginOfCode(house, who, body.code);
      return { login: { issuer, subject, name, email, evidence }, person: meOf(house, who.person) };
    },
  });
  routes.add({
    method: "POST",
    url: "/v1/links",
    access: "person",
    summary: "Make a login mine that I have just used; what was shown is said again",
    body: ConfirmLinkBody,
    handler: async ({ who, body, request, reply }) => {
      const told = toldOf(house, await confirmLink(house, who, body));
      await rotate(house, who, cookieOf(request) === null ? null : reply);
      return told;
    },
  });
}

/** Who has more logins than before has a new secret too. A session of the command line is kept: its secret cannot be replaced unseen. */
async function rotate(
  house: House,
  who: SessionPrincipal,
  reply: { header(name: string, value: string): unknown } | null,
): Promise<void> {
  if (reply === null) return;
  const { person, account, link, assurance, client, proof } = who;
  const session = { person, account, link, assurance, client, ...(proof === undefined ? {} : { proof }) };
  const opened = await house.credentials.openSession(session, null);
  if (opened === null) return;
  await house.credentials.revoke(who.id, "replaced after a login was linked");
  const secure = house.publicUrl.startsWith("https:");
  reply.header("set-cookie", cookieHeader(opened.secret, SESSION_TTL_MS / 1000, secure));
}

function sessionLists(routes: Routes, house: House): void {
  routes.add({
    method: "GET",
    url: "/v1/sessions",
    access: "person",
    summary: "My open sessions",
    handler: async ({ who }) => ({ sessions: await openSessions(house, who.person, who.id) }),
  });
  routes.add({
    method: "POST",
    url: "/v1/sessions/:id/end",
    access: "person",
    summary: "End a session of mine; an administrator ends anybody's",
    body: Empty,
    handler: async ({ who, params }) => {
      const id = parseId("token", params["id"]);
      const principal = (await house.credentials.credential(id))?.principal;
      const mayEnd = principal?.kind === "session" && (principal.person === who.person || isAdmin(house, who.person));
      if (!mayEnd) throw new HttpProblem({ status: 404, code: "session_unknown", message: "you have no such session" });
      const by = principal.person === who.person ? "its person" : `the administrator ${who.person}`;
      await house.credentials.revoke(id, `ended by ${by}`);
      return {};
    },
  });
  routes.add({
    method: "GET",
    url: "/v1/people/:id/sessions",
    access: "auditor",
    summary: "Open sessions of a person",
    handler: async ({ params }) => ({ sessions: await openSessions(house, params["id"] as PersonId, null) }),
  });
  routes.add({
    method: "POST",
    url: "/v1/people/:id/sessions/end",
    access: "admin",
    summary: "End every session of a person",
    body: Empty,
    handler: async ({ who, params }) => {
      const by = who.kind === "operator" ? "the operator" : `the administrator ${who.person}`;
      return { ended: await house.credentials.endSessions(params["id"] as PersonId, `ended by ${by}`) };
    },
  });
}

function isAdmin({ rules }: House, person: PersonId): boolean {
  return rolesOf(rules.current.directory, person).has("admin");
}

async function openSessions(house: House, person: PersonId, current: string | null): Promise<readonly object[]> {
  const now = house.ctx.clock.now();
  const all = await house.credentials.list("session");
  const open = all.filter(
    ({ principal, revokedAt, expiresAt }) =>
      principal.kind === "session" && principal.person === person && revokedAt === null && now < expiresAt,
  );
  return Promise.all(open.map((one) => rowOf(house, one, current)));
}

async function rowOf(house: House, credential: Credential, current: string | null): Promise<object> {
  const { createdAt, expiresAt } = credential;
  const principal = credential.principal as Extract<Principal, { kind: "session" }>;
  const { id, client, account, proof } = principal;
  return {
    id,
    client,
    current: id === current,
    by: account.issuer === OWN_ISSUER ? "one-time link" : (proof?.provider ?? account.issuer),
    acr: proof?.acr ?? null,
    amr: proof?.amr ?? [],
    authenticated_at:
      proof?.authTime === null || proof === undefined ? null : new Date(proof.authTime * 1000).toISOString(),
    opened_at: timeOf(createdAt),
    seen_at: timeOf(await house.credentials.seenAt(credential)),
    expires_at: timeOf(expiresAt),
  };
}
