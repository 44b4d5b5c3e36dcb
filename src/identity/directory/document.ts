import { z } from "zod";
import type { AgentId, GroupName, Instant, PersonId } from "../../core/brand.ts";
import { copyJson } from "../../core/action/index.ts";
import type { JsonObject } from "../../core/action/index.ts";
import type { Directory } from "../../ports/directory.ts";
import { seal } from "./directory.ts";

const text = z.string();
const personId = z
  .string()
  .min(1)
  .transform((id) => id as PersonId);
const agentId = z
  .string()
  .min(1)
  .transform((id) => id as AgentId);
const group = z
  .string()
  .min(1)
  .transform((name) => name as GroupName);
const instant = z.int().transform((at) => at as Instant);
const document = z.strictObject({
  v: z.literal(1),
  digest: text,
  people: z.array(
    z.strictObject({
      id: personId,
      name: text,
      active: z.boolean(),
      accounts: z.array(
        z.strictObject({ issuer: text, subject: text, strength: z.enum(["L0", "L1", "L2", "L3", "L4"]) }),
      ),
      emails: z.array(text),
    }),
  ),
  agents: z.array(
    z.strictObject({
      id: agentId,
      type: text,
      owners: z.array(personId),
      deployers: z.array(personId),
      active: z.boolean(),
    }),
  ),
  groups: z.array(
    z.strictObject({ group, members: z.array(z.strictObject({ group, person: personId, since: instant })) }),
  ),
  delegations: z.array(z.strictObject({ from: personId, to: personId, until: instant })),
});

/** A directory as the store keeps it, memberships with the time since when: read back by `fromDocument`. */
export function toDocument(directory: Directory): JsonObject {
  const plain = {
    v: 1,
    digest: directory.digest,
    people: [...directory.people.values()],
    agents: [...directory.agents.values()],
    groups: [...directory.groups].map(([group, members]) => ({ group, members })),
    delegations: directory.delegations,
  };
  return copyJson(plain) as JsonObject;
}

/** Reads what `toDocument` wrote; RangeError when the document is not one or does not have the digest that it names. */
export function fromDocument(body: JsonObject): Directory {
  const read = document.safeParse(body);
  if (!read.success)
    throw new RangeError("the stored directory cannot be read; load directory.yaml again", { cause: read.error });
  const { people, agents, groups, delegations } = read.data;
  const directory = seal({
    people: new Map(people.map((person) => [person.id, person])),
    agents: new Map(agents.map((agent) => [agent.id, agent])),
    groups: new Map(groups.map(({ group: name, members }) => [name, members])),
    delegations,
  });
  if (directory.digest !== read.data.digest) {
    throw new RangeError("the stored directory does not have the digest that it names; load directory.yaml again");
  }
  return directory;
}
