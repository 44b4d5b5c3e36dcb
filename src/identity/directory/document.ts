import { z } from "zod";
import type { JsonObject } from "../../core/action/index.ts";
import type { AgentId, GroupName, Instant, PersonId } from "../../core/brand.ts";
import type { Agent, Delegation, Directory, LinkStrength, Passkey, Role } from "../../ports/directory.ts";
import { seal } from "./seal.ts";

/** Plain data as JSON, however large: all of it was checked when it came in. */
export function plain(value: object): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}

const text = z.string();
const named = z.string().min(1);
export const personId: z.ZodType<PersonId> = named.transform((id) => id as PersonId);
export const groupName: z.ZodType<GroupName> = named.transform((name) => name as GroupName);
const agentId = named.transform((id) => id as AgentId);
export const instant: z.ZodType<Instant> = z.int().transform((at) => at as Instant);
export const strength: z.ZodType<LinkStrength> = z.enum(["L0", "L1", "L2", "L3", "L4"]);
const account = z.strictObject({ issuer: text, subject: text, strength });
export const passkey: z.ZodType<Passkey> = z.strictObject({
  id: text,
  publicKey: text,
  synced: z.boolean(),
  since: instant,
});
export const agent: z.ZodType<Agent> = z.strictObject({
  id: agentId,
  type: text,
  owners: z.array(personId),
  deployers: z.array(personId),
  active: z.boolean(),
});
export const delegation: z.ZodType<Delegation> = z.strictObject({ from: personId, to: personId, until: instant });
export const role: z.ZodType<Role> = z.enum(["admin", "author", "auditor"]);
const document = z.strictObject({
  v: z.literal(2),
  digest: text,
  people: z.array(
    z.strictObject({
      id: personId,
      name: text,
      active: z.boolean(),
      accounts: z.array(account),
      emails: z.array(text),
      passkeys: z.array(passkey),
    }),
  ),
  agents: z.array(agent),
  groups: z.array(
    z.strictObject({
      group: groupName,
      members: z.array(z.strictObject({ group: groupName, person: personId, since: instant })),
    }),
  ),
  delegations: z.array(delegation),
  roles: z.array(z.strictObject({ role, groups: z.array(groupName) })),
});

/** A directory as an entry of the ledger keeps it, memberships with the time since when: read back by `fromDocument`. */
export function toDocument(directory: Directory): JsonObject {
  return plain({
    v: 2,
    digest: directory.digest,
    people: [...directory.people.values()],
    agents: [...directory.agents.values()],
    groups: [...directory.groups].map(([group, members]) => ({ group, members })),
    delegations: directory.delegations,
    roles: [...directory.roles].map(([name, groups]) => ({ role: name, groups })),
  });
}

/** Reads what `toDocument` wrote; RangeError when the document is not one or does not have the digest that it names. */
export function fromDocument(body: JsonObject): Directory {
  const read = document.safeParse(body);
  if (!read.success) throw new RangeError("the stored directory cannot be read", { cause: read.error });
  const { people, agents, groups, delegations, roles } = read.data;
  const directory = seal({
    people: new Map(people.map((person) => [person.id, person])),
    agents: new Map(agents.map((one) => [one.id, one])),
    groups: new Map(groups.map(({ group: name, members }) => [name, members])),
    delegations,
    roles: new Map(roles.map(({ role: name, groups: carriers }) => [name, carriers])),
    edits: [],
  });
  if (directory.digest !== read.data.digest) {
    throw new RangeError("the stored directory does not have the digest that it names");
  }
  return directory;
}
