import { z } from "zod";

const id = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, "an id in lower case, such as `ann`");
const text = z.string().min(1).max(200);
const ids = z.array(z.string().min(1).max(200)).max(1000);

export const PersonBody: z.ZodType<{ id: string; name: string; emails?: readonly string[] | undefined }> =
  z.strictObject({ id, name: text, emails: z.array(z.email()).max(32).optional() });

export const ActiveBody: z.ZodType<{ active: boolean }> = z.strictObject({ active: z.boolean() });

export const MembersBody: z.ZodType<{
  add?: readonly string[] | undefined;
  remove?: readonly string[] | undefined;
}> = z.strictObject({ add: ids.optional(), remove: ids.optional() });

/** A word alone never makes a login firm: what reviews is proven by its holder. */
export const LinkBody: z.ZodType<{
  issuer: string;
  subject: string;
  strength?: "L0" | "L1" | "L2" | undefined;
  evidence?: string | undefined;
}> = z.strictObject({
  issuer: text,
  subject: text,
  strength: z.enum(["L0", "L1", "L2"], "L0, L1 or L2: an administrator's word proves no more").optional(),
  evidence: text.optional(),
});

export const UnlinkBody: z.ZodType<{ issuer: string; subject: string }> = z.strictObject({
  issuer: text,
  subject: text,
});

/** `by` is who says that they changed the files: it can only bar them. */
export const ReloadBody: z.ZodType<{ by?: string | undefined }> = z.strictObject({ by: text.optional() });
