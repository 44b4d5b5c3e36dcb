import { resolve } from "node:path";
import { z } from "zod";
import { isLoopback, type ProviderConfig } from "../../identity/oidc/config.ts";

/** Identity providers of one installation. */
export const PROVIDERS_MAX = 16;
const MAPPED_GROUPS_MAX = 1_000;
const ENTRA_HOSTS = /^(login\.microsoftonline\.(com|us)|login\.partner\.microsoftonline\.cn)$/;

const text = z.string().min(1).max(512);

type Written = {
  name: string;
  label?: string | undefined;
  issuer: string;
  client_id: string;
  client_secret_file?: string | undefined;
  scopes: string[];
  account?: "sub" | "entra" | undefined;
  people: "known" | "create";
  groups?: { claim: string; map: Record<string, string | string[]> } | undefined;
  require: Record<string, string>;
};

const Provider: z.ZodType<Written> = z
  .strictObject({
    name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, "write up to 32 small letters, digits and `-`, a letter first"),
    label: z.string().min(1).max(60).optional(),
    issuer: z.url({ protocol: /^https?$/, error: "write the issuer's https address" }).max(512),
    client_id: text,
    client_secret_file: text.optional(),
    scopes: z.array(text).max(32).default(["profile", "email"]),
    account: z.enum(["sub", "entra"], "write sub or entra").optional(),
    people: z.enum(["known", "create"], "write known or create").default("known"),
    groups: z
      .strictObject({
        claim: text.default("groups"),
        map: z.record(text, z.union([text, z.array(text).min(1).max(32)])),
      })
      .refine(({ map }) => Object.keys(map).length <= MAPPED_GROUPS_MAX, `map at most ${MAPPED_GROUPS_MAX} groups`)
      .optional(),
    require: z.record(text, text).default({}),
  })
  .superRefine(({ issuer, account, people, require }, context) => {
    const refuse = (path: string, message: string): void => context.addIssue({ code: "custom", path: [path], message });
    if (!URL.canParse(issuer)) return; // which is told of already
    const url = new URL(issuer);
    const { protocol, hostname, search, hash, pathname } = url;
    if (protocol === "http:" && !isLoopback(url)) refuse("issuer", "an issuer is reached over https");
    if (search !== "" || hash !== "") refuse("issuer", "an issuer has neither `?` nor `#`");
    if (ENTRA_HOSTS.test(hostname)) {
      if (/^\/(common|organizations|consumers)(\/|$)/.test(pathname))
        refuse("issuer", "name your tenant's id in the address: else people of every tenant may sign in");
      if (account === "sub") refuse("account", "Entra ID's `sub` names nobody for long; leave this out");
    }
    if (people === "create" && hostname === "accounts.google.com" && require["hd"] === undefined)
      refuse("people", "everybody has an account there: write `require: {hd: your-domain}` with it");
  });

/** `sign_in` of `keyturn.yaml`. */
export const SignInWritten: z.ZodType<readonly Written[]> = z
  .array(Provider)
  .max(PROVIDERS_MAX)
  .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, "two providers have the same name")
  // Each has its own key of accounts: two of one issuer would be two ways to one account, with two sets of rules.
  .refine((all) => new Set(all.map(({ issuer }) => issuer)).size === all.length, "two providers have the same issuer");

/** What `sign_in` means; paths are relative to `base`. */
export function providersOf(written: readonly Written[] | undefined, base: string): readonly ProviderConfig[] {
  return (written ?? []).map((one) => ({
    name: one.name,
    label: one.label ?? one.name,
    issuer: one.issuer,
    clientId: one.client_id,
    clientSecretFile: one.client_secret_file === undefined ? null : resolve(base, one.client_secret_file),
    scopes: one.scopes,
    account: one.account ?? (ENTRA_HOSTS.test(new URL(one.issuer).hostname) ? "entra" : "sub"),
    people: one.people,
    groups:
      one.groups === undefined
        ? null
        : {
            claim: one.groups.claim,
            map: new Map(
              Object.entries(one.groups.map).map(([from, to]) => [from, typeof to === "string" ? [to] : to]),
            ),
          },
    require: one.require,
  }));
}
