import type { FastifyRequest } from "fastify";
import { rolesOf, type Role } from "../core/approval/index.ts";
import type { AgentId } from "../core/brand.ts";
import type { Caller, Principal, Rules } from "../engine/index.ts";
import type { House } from "./house.ts";
import type { GatePrincipal, OperatorPrincipal, ScimPrincipal, SessionPrincipal } from "./principals.ts";
import { HttpProblem } from "./problem.ts";
import { checkBound } from "./workloads.ts";

/**
 * Who may call a route. `reader` is a person or an operator: both may look. `admin` is an operator or a person of that
 * role, `auditor` one of these or a person of that role. Machines have no role; `scim` is a provisioning client.
 */
export type Access = "anyone" | "gate" | "person" | "operator" | "reader" | "admin" | "auditor" | "scim";
export type PrincipalFor<A extends Access> = A extends "anyone"
  ? null
  : A extends "gate"
    ? GatePrincipal
    : A extends "person"
      ? SessionPrincipal
      : A extends "operator"
        ? OperatorPrincipal
        : A extends "scim"
          ? ScimPrincipal
          : SessionPrincipal | OperatorPrincipal;

/** What it takes to know who calls. */
export type Guarding = Pick<
  House,
  "credentials" | "rules" | "publicUrl" | "workloads" | "fresh" | "knownSize" | "heard"
>;

export const COOKIE = "keyturn_session";

const KINDS: Readonly<Record<Exclude<Access, "anyone">, readonly Principal["kind"][]>> = {
  gate: ["gate"],
  person: ["session"],
  operator: ["operator"],
  reader: ["session", "operator"],
  admin: ["session", "operator"],
  auditor: ["session", "operator"],
  scim: ["scim"],
};

/** The roles that open a route to a person. */
const ROLES: Readonly<Partial<Record<Access, readonly Role[]>>> = { admin: ["admin"], auditor: ["admin", "auditor"] };

/** Finds out who calls, from the token or the cookie and from nothing else, and whether that kind may. */
export async function authenticate<A extends Access>(
  house: Guarding,
  request: FastifyRequest,
  access: A,
): Promise<PrincipalFor<A>> {
  if (access === "anyone") return null as PrincipalFor<A>;
  const kinds = KINDS[access as Exclude<Access, "anyone">];
  const bearer = bearerOf(request);
  const cookie = bearer === null ? cookieOf(request) : null;
  if (cookie !== null) checkSameOrigin(request, house.publicUrl);
  const secret = bearer ?? cookie;
  const principal = secret === null ? null : await standing(house, secret);
  if (principal === null) throw unauthenticated();
  if (!kinds.includes(principal.kind))
    throw new HttpProblem({ status: 403, code: "not_allowed", message: refusalFor(principal, access) });
  if (principal.kind === "gate") await checkBound(house, request, principal, secret ?? "");
  const roles = principal.kind === "session" ? ROLES[access] : undefined;
  if (roles !== undefined && principal.kind === "session") {
    const held = rolesOf(house.rules.current.directory, principal.person);
    if (!roles.some((role) => held.has(role))) {
      const message = `this needs ${roles.map((role) => `the role \`${role}\``).join(" or ")}, or an operator's token`;
      throw new HttpProblem({ status: 403, code: "not_allowed", message });
    }
  }
  return principal as PrincipalFor<A>;
}

/**
 * The same by all that other instances have recorded by now. It is read while what is known here is looked at, since mostly
 * there is nothing new. Not for gates, whose proofs can be looked at once only.
 */
export async function authenticateFresh<A extends Exclude<Access, "gate">>(
  house: Guarding,
  request: FastifyRequest,
  access: A,
): Promise<PrincipalFor<A>> {
  if (house.fresh === null) return authenticate(house, request, access);
  const before = house.heard();
  const [read, found] = await Promise.allSettled([house.fresh(), authenticate(house, request, access)]);
  if (read.status === "rejected") throw read.reason;
  if (house.heard() !== before) return authenticate(house, request, access);
  if (found.status === "rejected") throw found.reason;
  return found.value;
}

/** How a caller is known who was found by what is known here, while others may have recorded more. */
export type Known<A extends Access> = {
  /** The size of the ledger as it was known: what is decided for the caller is appended `at` it. */
  readonly size: number;
  /** Finds out who calls by all that others have recorded by now, for whatever else is answered. */
  readonly anew: () => Promise<PrincipalFor<A>>;
};
/** Who calls; `known` is null where others were read first, and where there are none. */
export type Found<A extends Access> = { readonly who: PrincipalFor<A>; readonly known: Known<A> | null };

/** Finds out who calls by what is known here, without reading what others have recorded; else as `authenticateFresh`. */
export async function authenticateKnown<A extends Exclude<Access, "gate">>(
  house: Guarding,
  request: FastifyRequest,
  access: A,
): Promise<Found<A>> {
  const anew = (): Promise<PrincipalFor<A>> => authenticateFresh(house, request, access);
  // Before the first look: what is heard of meanwhile is no part of it.
  const size = house.knownSize();
  if (size === null) return { who: await anew(), known: null };
  try {
    return { who: await authenticate(house, request, access), known: { size, anew } };
  } catch {
    return { who: await anew(), known: null };
  }
}

/** Refuses a caller, authenticated before, whose credential has ended since: at another instance, and known here only now. */
export async function assertStanding(house: Guarding, request: FastifyRequest): Promise<void> {
  const secret = bearerOf(request) ?? cookieOf(request);
  if (secret === null || (await standing(house, secret)) === null) throw unauthenticated();
}

function unauthenticated(): HttpProblem {
  return new HttpProblem({ status: 401, code: "unauthenticated", message: "bring a valid token or sign in" });
}

/** Who holds this secret, as long as it stands: a session ends with the person's place in the directory. */
async function standing(house: Guarding, secret: string): Promise<Principal | null> {
  const principal = await house.credentials.check(secret);
  if (principal?.kind !== "session") return principal;
  return house.rules.current.directory.people.get(principal.person)?.active === true ? principal : null;
}

function refusalFor(principal: Principal, access: Access): string {
  if (access === "scim") return "this needs the token of a provisioning client";
  if (principal.kind === "scim") return "a provisioning client's token opens /scim/v2 and nothing else";
  if (principal.kind === "gate" && access !== "operator") {
    return "an agent's token asks; only people, signed in, look at requests and review them";
  }
  return `this needs ${access === "gate" ? "a gate's token" : access === "operator" ? "an operator's token" : "a signed-in person"}`;
}

function bearerOf(request: FastifyRequest): string | null {
  const header = request.headers.authorization;
  if (header === undefined) return null;
  return /^(?:Bearer|DPoP) ([A-Za-z0-9_-]{1,200})$/i.exec(header)?.[1] ?? "";
}

/** A cookie of this name; null where the request brings none. */
export function cookieOf(request: FastifyRequest, wanted: string = COOKIE): string | null {
  for (const part of (request.headers.cookie ?? "").split(";")) {
    const [name, value] = part.trim().split("=", 2);
    if (name === wanted && value !== undefined) return value;
  }
  return null;
}

/** The session that a browser brings where none is needed; null for none, or for one that is over. */
export async function sessionOf(house: Guarding, request: FastifyRequest): Promise<SessionPrincipal | null> {
  const secret = cookieOf(request);
  const principal = secret === null ? null : await standing(house, secret);
  return principal?.kind === "session" ? principal : null;
}

/** Refuses what a browser says another site has sent, where no session is needed: signing somebody in is a change too. */
export function refuseCrossSite(request: FastifyRequest, publicUrl: string): void {
  const { origin } = request.headers;
  if (origin !== undefined || request.headers["sec-fetch-site"] !== undefined) checkSameOrigin(request, publicUrl);
}

/**
 * A browser sends the cookie by itself, so a change must come from our own page: SameSite=Strict keeps other sites
 * out, and this keeps out what SameSite does not see, such as another port of the same host.
 */
function checkSameOrigin(request: FastifyRequest, publicUrl: string): void {
  if (request.method === "GET" || request.method === "HEAD") return;
  const { origin, host } = request.headers;
  const site = request.headers["sec-fetch-site"];
  // A proxy may rewrite `Host`; the public address is then what the browser knows us by.
  const ours = [host, new URL(publicUrl).host];
  const sameOrigin =
    origin === undefined ? site === "same-origin" : URL.canParse(origin) && ours.includes(new URL(origin).host);
  if (!sameOrigin || (site !== undefined && site !== "same-origin")) {
    throw new HttpProblem({
      status: 403,
      code: "cross_site",
      message: "this request did not come from Keyturn's own page",
    });
  }
}

/** The caller of the engine, from a gate's token. The agent must still be in the directory. */
export function callerOf(principal: GatePrincipal, rules: Rules): Caller {
  const agent = rules.directory.agents.get(principal.agent);
  const { id, agent: agentId, gate, holder, maker, workload } = principal;
  const made = maker === undefined ? {} : { maker };
  const agentType = agent?.type ?? "agent";
  const caller = { agent: agentId satisfies AgentId, agentType, gate, token: id, holder, ...made };
  return workload === undefined ? caller : { ...caller, vouched: workload.vouched };
}

/** A cookie that only this site's own pages send, and no script reads. */
export function cookieHeader(secret: string, maxAgeSeconds: number, secure: boolean, name: string = COOKIE): string {
  return `${name}=${secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}${secure ? "; Secure" : ""}`;
}
