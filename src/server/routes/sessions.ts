import type { PersonId } from "../../core/brand.ts";
import { SESSION_TTL_MS } from "../../engine/index.ts";
import { cookieHeader } from "../auth.ts";
import type { House } from "../house.ts";
import { HttpProblem } from "../problem.ts";
import type { Routes } from "../route.ts";
import { ActAsBody, Empty, SignInBody } from "../schemas.ts";

type Me = { readonly id: string; readonly name: string; readonly groups: readonly string[] };

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
    handler: async ({ body, reply }) => {
      const principal = await house.credentials.check(body.code);
      if (principal?.kind !== "sign_in") throw spent();
      const client = body.client ?? "console";
      const opened = await house.credentials.openSession(sessionFor(principal.person, client), principal.id);
      if (opened === null) throw spent();
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

/** The operator vouched for the link by handing over the code: both sides proven (L3), by a click (A1). */
function sessionFor(person: PersonId, client: string): Parameters<House["credentials"]["openSession"]>[0] {
  return { person, account: { issuer: "keyturn", subject: person }, link: "L3", assurance: "A1", client };
}

function spent(): HttpProblem {
  return new HttpProblem({
    status: 401,
    code: "unauthenticated",
    message: "this link is used, expired or unknown; ask the operator for a new one",
  });
}

function meOf(house: House, id: PersonId): Me {
  const { directory } = house.rules.current;
  const groups = [...directory.groups]
    .filter(([, members]) => members.some((m) => m.person === id))
    .map(([group]) => group);
  return { id, name: directory.people.get(id)?.name ?? id, groups };
}

function everybody(house: House): readonly (Me & { note: string })[] {
  const { directory } = house.rules.current;
  return [...directory.people.keys()].map((id) => {
    const owned = [...directory.agents.values()].filter((agent) => agent.owners.includes(id)).map((agent) => agent.id);
    return { ...meOf(house, id), note: owned.length === 0 ? "" : `owns ${owned.join(", ")}` };
  });
}
