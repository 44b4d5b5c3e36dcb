import type { AgentId, GateId, PersonId } from "../../core/brand.ts";
import { parseId } from "../../core/ids.ts";
import { TOKEN_TTL_DEFAULT_MS, type Credential } from "../../engine/index.ts";
import { formatProblem } from "../../ports/config.ts";
import { findings } from "../doctor.ts";
import type { House } from "../house.ts";
import { ReloadBody } from "../people/bodies.ts";
import { HttpProblem } from "../problem.ts";
import type { Routes } from "../route.ts";
import { signInFindings } from "../sign-in/findings.ts";
import { ActAsBody, Empty, ScimTokenBody, TokenBody } from "../schemas.ts";
import { timeOf } from "../views.ts";

/** Provisioning stops without a word when its token ends: long, and to be replaced by hand. */
const SCIM_TTL_DEFAULT_MS = 365 * 86_400_000;
const UNIT_MS = { h: 3_600_000, d: 86_400_000 } as const;

/** What an operator does. Nothing here approves anything: an operator is not a person. */
export function adminRoutes(routes: Routes, house: House): void {
  tokenRoutes(routes, house);
  routes.add({
    method: "POST",
    url: "/v1/sign-in-links",
    access: "admin",
    summary: "A one-time link that signs one person in",
    body: ActAsBody,
    handler: async ({ who, body }) => {
      const person = house.rules.current.directory.people.get(body.person as PersonId);
      if (person === undefined || !person.active)
        throw unknown("person_unknown", `\`${body.person}\` is not an active person of the directory`);
      if (who.kind === "session") refuseActingFor(house, person.id);
      const { secret, credential } = await house.credentials.offerSignIn(
        person.id,
        who.kind === "session" ? { maker: who.person } : {},
      );
      // In the fragment: it never reaches a server log, a proxy or a mail scanner's fetch.
      return { url: `${house.publicUrl}/sign-in#code=${secret}`, expires_at: timeOf(credential.expiresAt) };
    },
  });
  routes.add({
    method: "POST",
    url: "/v1/reload",
    access: "admin",
    summary: "Read directory, catalogue and policies anew",
    body: ReloadBody,
    handler: async ({ who, body }) => {
      const by = who.kind === "session" ? who.person : (body.by ?? null);
      const { policies, policyList, directory, warnings } = await house.rules.reload(by);
      return {
        policies: { digest: policies.digest, count: policyList.length },
        directory: { digest: directory.digest },
        warnings: warnings.map(formatProblem),
      };
    },
  });
  routes.add({
    method: "GET",
    url: "/v1/doctor",
    access: "auditor",
    summary: "Weak spots of this installation",
    handler: async () => ({ findings: [...findings(house), ...(await signInFindings(house))] }),
  });
}

/**
 * Whoever opens a link is that person. An administrator who could make one for an approver could decide in two places, so
 * that takes the operator's token, which is not a person's.
 */
function refuseActingFor({ rules }: House, person: PersonId): void {
  const { directory } = rules.current;
  const decides = [...rules.people.deciding].some(
    (group) => directory.groups.get(group)?.some((member) => member.person === person) === true,
  );
  if (!decides) return;
  const message = `\`${person}\` is in a group that decides; a link for such a person takes the operator's token`;
  throw new HttpProblem({ status: 403, code: "not_allowed", message });
}

function tokenRoutes(routes: Routes, house: House): void {
  routes.add({
    method: "POST",
    url: "/v1/tokens",
    access: "admin",
    summary: "A token for one agent at one gate; shown once",
    body: TokenBody,
    handler: async ({ who, body }) => {
      const { directory } = house.rules.current;
      if (!directory.agents.has(body.agent as AgentId))
        throw unknown("agent_unknown", `\`${body.agent}\` is not an agent of the directory`);
      if (body.holder !== undefined && !directory.people.has(body.holder as PersonId))
        throw unknown("person_unknown", `\`${body.holder}\` is not in the directory`);
      const holder = (body.holder as PersonId | undefined) ?? null;
      const { secret, credential } = await house.credentials.issueGateToken(
        body.agent as AgentId,
        body.gate as GateId,
        holder,
        ttlOf(body.expires_in),
        who.kind === "session" ? who.person : null,
      );
      return { ...listed(credential), token: secret };
    },
  });
  routes.add({
    method: "GET",
    url: "/v1/tokens",
    access: "admin",
    summary: "Tokens, without their secrets",
    handler: async () => ({ tokens: (await house.credentials.list("gate")).map(listed) }),
  });
  routes.add({
    method: "POST",
    url: "/v1/scim-tokens",
    // The operator alone: whoever has it says who is in which group.
    access: "operator",
    summary: "A token for one provisioning client of the settings; shown once",
    body: ScimTokenBody,
    handler: async ({ body }) => {
      if (!house.scim.has(body.client))
        throw unknown("client_unknown", `keyturn.yaml names no provisioning client \`${body.client}\` under \`scim\``);
      const ttl = body.expires_in === undefined ? SCIM_TTL_DEFAULT_MS : ttlOf(body.expires_in);
      const { secret, credential } = await house.credentials.issueScimToken(body.client, ttl);
      const { principal, expiresAt } = credential;
      const address = `${house.publicUrl}/scim/v2`;
      return { id: principal.id, client: body.client, token: secret, url: address, expires_at: timeOf(expiresAt) };
    },
  });
  routes.add({
    method: "POST",
    url: "/v1/tokens/:id/revoke",
    access: "admin",
    summary: "End a token at once",
    body: Empty,
    handler: async ({ who, params }) => {
      const id = parseId("token", params["id"]);
      const kind = (await house.credentials.credential(id))?.principal.kind;
      // The operator's is the way back where administrators have lost theirs: none of them closes it.
      if ((kind === "operator" && who.kind !== "operator") || !(await house.credentials.revoke(id)))
        throw unknown("token_unknown", "there is no such token");
      return {};
    },
  });
}

function listed({ principal, createdAt, expiresAt, revokedAt }: Credential): object {
  const scope =
    principal.kind === "gate" ? { agent: principal.agent, gate: principal.gate, holder: principal.holder } : {};
  return {
    id: principal.id,
    ...scope,
    created_at: timeOf(createdAt),
    expires_at: timeOf(expiresAt),
    revoked_at: revokedAt === null ? null : timeOf(revokedAt),
  };
}

function ttlOf(text: string | undefined): number {
  const match = /^(\d+)([hd])$/.exec(text ?? "");
  return match === null ? TOKEN_TTL_DEFAULT_MS : Number(match[1]) * UNIT_MS[match[2] === "h" ? "h" : "d"];
}

function unknown(code: string, message: string): HttpProblem {
  return new HttpProblem({ status: 404, code, message });
}
