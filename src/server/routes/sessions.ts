import { OWN_ISSUER } from "../../core/approval/index.ts";
import type { PersonId } from "../../core/brand.ts";
import { SESSION_TTL_MS, type Offered } from "../../engine/index.ts";
import { cookieHeader, refuseCrossSite, sessionOf } from "../auth.ts";
import type { House } from "../house.ts";
import { HttpProblem } from "../problem.ts";
import type { Routes } from "../route.ts";
import { ActAsBody, Empty, SignInBody } from "../schemas.ts";
import { meOf, type Me } from "../sign-in/me.ts";

/** Sign-in by one-time link, sign-out, and who I am. A GET of the link opens a page and changes nothing. */
export function sessionRoutes(routes: Routes, house: House): void {
  const secure = house.publicUrl.startsWith("https:");

  routes.add({
    method: "POST",
    url: "/v1/sign-in",
    access: "anyone",
    summary: "Turn a one-time code into a session",
    fresh: true,
    body: SignInBody,
    handler: async ({ body, request, reply }) => {
      refuseCrossSite(request, house.publicUrl);
      const principal = await house.credentials.check(body.code);
      if (principal?.kind !== "sign_in") throw spent();
      const client = body.client ?? "console";
      const before = client === "console" ? await sessionOf(house, request) : null;
      const session = sessionFor(principal.person, client, principal);
      const opened = await house.credentials.openSession(session, principal.id, principal.from?.until);
      if (opened === null) throw spent();
      if (before !== null) await house.credentials.revoke(before.id, "replaced by a new sign-in");
      const person = meOf(house, principal.person);
      if (client === "cli") return { person, session: opened.secret };
      void reply.header("set-cookie", cookieHeader(opened.secret, SESSION_TTL_MS / 1000, secure));
      return { person };
    },
  });
  routes.add({
    method: "POST",
    url: "/v1/sign-out",
    access: "person",
    summary: "End this session",
    body: Empty,
    handler: async ({ who, reply }) => {
      await house.credentials.revoke(who.id);
      void reply.header("set-cookie", cookieHeader("", 0, secure));
      return {};
    },
  });
  routes.add({
    method: "GET",
    url: "/v1/me",
    access: "person",
    summary: "Who is signed in",
    handler: async ({ who }) => ({
      person: meOf(house, who.person),
      demo: house.demo ? { people: everybody(house) } : null,
    }),
  });
  if (house.demo) {
    routes.add({
      method: "POST",
      url: "/v1/demo/act-as",
      access: "person",
      summary: "Demo only: become another person",
      body: ActAsBody,
      handler: async ({ who, body, reply }) => {
        const person = house.rules.current.directory.people.get(body.person as PersonId);
        if (person === undefined)
          throw new HttpProblem({ status: 404, code: "person_unknown", message: "the demo has no such person" });
        const opened = await house.credentials.openSession(sessionFor(person.id, who.client), null);
        if (opened === null) throw new HttpProblem({ status: 503, code: "contention", message: "try again" });
        if (who.client === "cli") return { person: meOf(house, person.id), session: opened.secret };
        void reply.header("set-cookie", cookieHeader(opened.secret, SESSION_TTL_MS / 1000, secure));
        return { person: meOf(house, person.id) };
      },
    });
  }
}

type Session = Parameters<House["credentials"]["openSession"]>[0];

/**
 * The operator vouched for the link by handing over the code: both sides proven (L3), by a click (A1). An administrator's
 * word is one side's (L2): they could have kept the code, of somebody whom they are about to let decide. A code that a
 * person made for another device of theirs opens what the session had that made it.
 */
function sessionFor(person: PersonId, client: string, { from, maker }: Offered = {}): Session {
  if (from === undefined) {
    const account = { issuer: OWN_ISSUER, subject: person };
    return { person, client, account, link: maker === undefined ? "L3" : "L2", assurance: "A1" };
  }
  const { session: _, until: __, ...held } = from;
  return { person, client, ...held, handed: true };
}

function spent(): HttpProblem {
  return new HttpProblem({
    status: 401,
    code: "unauthenticated",
    message: "this link is used, expired or unknown; ask the operator for a new one",
  });
}

function everybody(house: House): readonly (Me & { note: string })[] {
  const { directory } = house.rules.current;
  return [...directory.people.keys()].map((id) => {
    const owned = [...directory.agents.values()].filter((agent) => agent.owners.includes(id)).map((agent) => agent.id);
    return { ...meOf(house, id), note: owned.length === 0 ? "" : `owns ${owned.join(", ")}` };
  });
}
