import { rolesOf, type Person } from "../../core/approval/index.ts";
import type { GroupName, Instant, PersonId } from "../../core/brand.ts";
import type { DirectoryChanged, DirectoryStep, Editor } from "../../ports/people.ts";
import type { OperatorPrincipal, SessionPrincipal } from "../principals.ts";
import type { House } from "../house.ts";
import { editorText } from "../people/asking.ts";
import { moveText } from "../../identity/directory/index.ts";
import { HttpProblem, refusalProblem } from "../problem.ts";
import type { Routes } from "../route.ts";
import { ActiveBody, LinkBody, MembersBody, PersonBody, UnlinkBody } from "../people/bodies.ts";
import { timeOf } from "../views.ts";

/** People, groups, links and what waits: auditors look, administrators change, and what loosens waits for another one. */
export function directoryRoutes(routes: Routes, house: House): void {
  readRoutes(routes, house);
  personRoutes(routes, house);
  linkRoutes(routes, house);
}

function readRoutes(routes: Routes, house: House): void {
  routes.add({
    method: "GET",
    url: "/v1/people",
    access: "auditor",
    summary: "Everybody in the directory",
    handler: async () => {
      const groups = groupsByPerson(house);
      const people = [...house.rules.current.directory.people.values()];
      return { people: people.map((person) => rowOf(house, person, groups.get(person.id) ?? [])) };
    },
  });
  routes.add({
    method: "GET",
    url: "/v1/people/:id",
    access: "auditor",
    summary: "One person with logins, keys and groups, and where each comes from",
    handler: async ({ params }) => {
      const person = personNamed(house, params["id"] ?? "");
      const { sources } = house.rules.people;
      const record = sources.people.get(person.id);
      const groups = groupsByPerson(house).get(person.id) ?? [];
      return {
        ...rowOf(house, person, groups),
        emails: person.emails,
        accounts: (record?.links ?? []).map(({ issuer, subject, strength, source, evidence }) => {
          return { issuer, subject, strength, source, evidence };
        }),
        keys: person.passkeys.map(({ id, synced, since }) => ({ id, synced, since: timeOf(since) })),
        memberships: groups.map(({ group, since }) => ({ group, since: timeOf(since) })),
      };
    },
  });
  routes.add({
    method: "GET",
    url: "/v1/groups",
    access: "auditor",
    summary: "Groups, their members, and which of them decide something",
    handler: async () => {
      const { directory } = house.rules.current;
      const { deciding, sources } = house.rules.people;
      const groups = [...directory.groups].map(([group, members]) => ({
        group,
        members: members.map(({ person }) => person),
        decides: deciding.has(group),
        roles: [...directory.roles].flatMap(([role, carriers]) => (carriers.includes(group) ? [role] : [])),
        sources: [...(sources.groups.get(group)?.keys() ?? [])],
      }));
      return { groups };
    },
  });
  routes.add({
    method: "GET",
    url: "/v1/directory/pending",
    access: "auditor",
    summary: "Changes that wait for an administrator",
    handler: async () => ({
      pending: house.rules.people.held.map(({ request, moves, editor, ofFile, refused }) => ({
        request,
        review: `${house.publicUrl}/requests/${request}`,
        by: ofFile ? "directory.yaml" : editorText(editor),
        refused,
        changes: moves.map(moveText),
      })),
    }),
  });
}

function personRoutes(routes: Routes, house: House): void {
  routes.add({
    method: "POST",
    url: "/v1/people",
    access: "admin",
    summary: "Add a person, or change one that was added here",
    body: PersonBody,
    handler: async ({ who, body }) => {
      const person = { id: body.id as PersonId, name: body.name, active: true, emails: body.emails ?? [] };
      return changed(house, who, [{ step: "put_person", source: "keyturn", person }]);
    },
  });
  routes.add({
    method: "POST",
    url: "/v1/people/:id/active",
    access: "admin",
    summary: "Deactivate a person at once, or take that back",
    body: ActiveBody,
    handler: async ({ who, params, body }) => {
      const { id, name } = personNamed(house, params["id"] ?? "");
      const statements = house.rules.people.sources.people.get(id)?.statements;
      const isOnlyHere = statements?.size === 1 && statements.has("keyturn");
      const person = { id, name, active: body.active, emails: statements?.get("keyturn")?.emails ?? [] };
      // Where another source speaks of the person, ours only ever says no.
      const step: DirectoryStep =
        body.active && !isOnlyHere
          ? { step: "remove_person", source: "keyturn", person: id }
          : { step: "put_person", source: "keyturn", person };
      return changed(house, who, [step]);
    },
  });
  routes.add({
    method: "POST",
    url: "/v1/groups/:id/members",
    access: "admin",
    summary: "Add members to a group and take members away that were added here",
    body: MembersBody,
    handler: async ({ who, params, body }) => {
      const group = (params["id"] ?? "") as GroupName;
      if (!house.rules.current.directory.groups.has(group))
        throw new HttpProblem({
          status: 404,
          code: "group_unknown",
          message: `there is no group \`${group}\`; groups are named in directory.yaml, if only as \`[]\``,
        });
      const named = (step: "join" | "leave", people: readonly string[]): DirectoryStep[] =>
        people.map((person) => ({ step, source: "keyturn", group, person: person as PersonId }));
      return changed(house, who, [...named("leave", body.remove ?? []), ...named("join", body.add ?? [])]);
    },
  });
}

function linkRoutes(routes: Routes, house: House): void {
  routes.add({
    method: "POST",
    url: "/v1/people/:id/links",
    access: "admin",
    summary: "Say whose login this is: an administrator's word, by which nobody can review",
    body: LinkBody,
    handler: async ({ who, params, body }) => {
      const { id } = personNamed(house, params["id"] ?? "");
      // A word alone is L2 at most: it bars, and reviews come only from a login that its holder has proven.
      const account = { issuer: body.issuer, subject: body.subject, strength: body.strength ?? "L2" } as const;
      const evidence = body.evidence ?? "an administrator says so";
      return changed(house, who, [{ step: "link", person: id, account, evidence }]);
    },
  });
  routes.add({
    method: "POST",
    url: "/v1/people/:id/unlink",
    access: "admin",
    summary: "Take a login from a person",
    body: UnlinkBody,
    handler: async ({ who, params, body }) => {
      const { id } = personNamed(house, params["id"] ?? "");
      if (house.people.holderOf(body.issuer, body.subject)?.id !== id)
        throw new HttpProblem({ status: 404, code: "link_unknown", message: "this login is not that person's" });
      return changed(house, who, [{ step: "unlink", issuer: body.issuer, subject: body.subject }]);
    },
  });
}

/** Who changes the directory, from the credential alone. */
export function editorOf(who: SessionPrincipal | OperatorPrincipal, claimed: string | null = null): Editor {
  if (who.kind === "operator") return { kind: "operator", claimed };
  return { kind: "person", person: who.person, assurance: who.assurance };
}

async function changed(
  house: House,
  who: SessionPrincipal | OperatorPrincipal,
  steps: readonly DirectoryStep[],
): Promise<object> {
  return toldOf(house, await house.people.change(steps, editorOf(who)));
}

/** What became of a change, as the wire says it; a refusal is a problem. */
export function toldOf(house: Pick<House, "publicUrl">, change: DirectoryChanged): object {
  switch (change.status) {
    case "applied":
      return { status: "applied" };
    case "held":
      return { status: "held", request: change.request, review: `${house.publicUrl}/requests/${change.request}` };
    case "refused":
      throw refusalProblem(change.refusal);
    default:
      return change satisfies never;
  }
}

function personNamed({ rules }: House, id: string): Person {
  const person = rules.current.directory.people.get(id as PersonId);
  if (person !== undefined) return person;
  throw new HttpProblem({ status: 404, code: "person_unknown", message: `\`${id}\` is not in the directory` });
}

type In = { readonly group: GroupName; readonly since: Instant };

function groupsByPerson({ rules }: House): ReadonlyMap<PersonId, readonly In[]> {
  const all = new Map<PersonId, In[]>();
  for (const members of rules.current.directory.groups.values()) {
    for (const { person, group, since } of members) all.set(person, [...(all.get(person) ?? []), { group, since }]);
  }
  return all;
}

function rowOf({ rules }: House, person: Person, groups: readonly In[]): object {
  const record = rules.people.sources.people.get(person.id);
  return {
    id: person.id,
    name: person.name,
    active: person.active,
    groups: groups.map(({ group }) => group),
    roles: [...rolesOf(rules.current.directory, person.id)],
    logins: person.accounts.length,
    passkeys: person.passkeys.length,
    sources: [...(record?.statements.keys() ?? [])],
  };
}
