import { z } from "zod";
import type { GroupName } from "../../core/brand.ts";

/** One provisioning client, as the settings name it. */
export type ScimConfig = {
  readonly name: string;
  /** The issuer of the logins that it provisions: `externalId` is their subject. */
  readonly issuer: string;
  /** Groups here by the names that they have there; others keep their name in lower case, with `-` for what is no letter or digit. */
  readonly groups: ReadonlyMap<string, GroupName>;
};

type Written = { readonly name: string; readonly issuer: string; readonly groups: Readonly<Record<string, string>> };

const groupName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, "a group in lower case, such as `data-owners`");

/** The key `scim` of keyturn.yaml. */
export const ScimWritten: z.ZodType<readonly Written[]> = z
  .array(
    z.strictObject({
      name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, "lower-case letters, digits and `-`; at most 32"),
      issuer: z.string().min(1).max(512),
      groups: z.record(z.string().min(1).max(256), groupName).default({}),
    }),
  )
  .max(8)
  .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, "two of these have the same name");

/** The provisioning clients of the settings. */
export function scimOf(written: readonly Written[] | undefined): readonly ScimConfig[] {
  return (written ?? []).map(({ name, issuer, groups }) => ({
    name,
    issuer,
    groups: new Map(Object.entries(groups) as [string, GroupName][]),
  }));
}
