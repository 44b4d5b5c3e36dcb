import { z } from "zod";
import { ACCOUNTS_MAX, AGENTS_MAX, GROUPS_MAX, MEMBERS_MAX, PEOPLE_MAX, ROLE_GROUPS_MAX } from "./limits.ts";

const slug = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, "write an id in lower case, such as `ann` or `data-owners`");
const text = z.string().min(1).max(200);
const people = z.array(slug, "write a list of people's ids, such as [ann, bob]").max(MEMBERS_MAX);
const active = z.boolean("write true or false").default(true);
const account = z.strictObject({
  issuer: text,
  subject: text,
  strength: z.enum(["L0", "L1", "L2", "L3", "L4"], "write L0, L1, L2, L3 or L4").default("L2"),
});

const roleGroups = z.array(slug, "write a list of groups, such as [security]").max(ROLE_GROUPS_MAX).default([]);

/** The shape of `directory.yaml`. */
export const writtenDirectory: z.ZodType<WrittenDirectory> = z.strictObject({
  people: z
    .array(
      z.strictObject({
        id: slug,
        name: text,
        emails: z.array(z.email("write an address such as ann@example.com")).max(ACCOUNTS_MAX).default([]),
        accounts: z.array(account).max(ACCOUNTS_MAX).default([]),
        active,
      }),
      "list the people",
    )
    .max(PEOPLE_MAX),
  groups: z
    .record(slug, people, "write the groups, each with a list of people's ids")
    .refine((groups) => Object.keys(groups).length <= GROUPS_MAX, `more than ${GROUPS_MAX} groups`)
    .default({}),
  agents: z
    .array(
      z.strictObject({
        id: z.string().min(1).max(200),
        type: text.default("agent"),
        owners: people.default([]),
        deployers: people.default([]),
        active,
      }),
    )
    .max(AGENTS_MAX)
    .default([]),
  delegations: z
    .array(
      z.strictObject({
        from: slug,
        to: slug,
        until: z.iso.datetime({ offset: true, error: "write a time such as 2026-12-31T18:00:00Z" }),
      }),
    )
    .max(PEOPLE_MAX)
    .default([]),
  roles: z
    .strictObject({ admin: roleGroups, author: roleGroups, auditor: roleGroups })
    .default({ admin: [], author: [], auditor: [] }),
});

export type WrittenDirectory = {
  people: {
    id: string;
    name: string;
    emails: string[];
    accounts: { issuer: string; subject: string; strength: "L0" | "L1" | "L2" | "L3" | "L4" }[];
    active: boolean;
  }[];
  groups: Record<string, string[]>;
  agents: { id: string; type: string; owners: string[]; deployers: string[]; active: boolean }[];
  delegations: { from: string; to: string; until: string }[];
  roles: { admin: string[]; author: string[]; auditor: string[] };
};
