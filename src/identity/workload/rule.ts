import { resolve } from "node:path";
import { z } from "zod";
import type { AgentId, GateId } from "../../core/brand.ts";

/** Whose tokens are read how; found by the issuer where the settings do not say it. */
export type Platform = "github" | "gitlab" | "kubernetes" | "spiffe" | "oidc";

/** Where an issuer's keys are: found by its discovery document, at an address, or in a file. */
export type KeyPlace =
  | { readonly from: "discovery" }
  | { readonly from: "uri"; readonly uri: string }
  | { readonly from: "file"; readonly path: string };

/** One kind of workload that is let in: whose token, with which claims, as which agent at which gate. */
export type WorkloadRule = {
  readonly name: string;
  readonly platform: Platform;
  readonly issuer: string;
  readonly keys: KeyPlace;
  /** What `aud` must be, and nothing beside it. */
  readonly audience: string;
  /** Patterns by claim; each claim has to fit one of its patterns. */
  readonly match: ReadonlyMap<string, readonly string[]>;
  readonly agent: AgentId;
  readonly gate: GateId;
  readonly tokenMs: number;
  /** Tokens that live longer than ten minutes are taken in their first ten. */
  readonly acceptLong: boolean;
  /** A token without a key of the workload's own is refused (RFC 9449). */
  readonly requireDpop: boolean;
  /** Claims of this issuer that name people, beside those that are known. */
  readonly people: { readonly ciActor: readonly string[]; readonly commitAuthors: readonly string[] };
};

export const GITHUB_ISSUER = "https://token.actions.githubusercontent.com";
export const GITLAB_ISSUER = "https://gitlab.com";
const TOKEN_MINUTES_DEFAULT = 15;
const RULES_MAX = 200;

const pattern = z.union([z.string(), z.number(), z.boolean()]).transform(String).pipe(z.string().min(1).max(512));
const claim = z.string().min(1).max(256);
const place = z.string().max(512).refine(isSafePlace, "write an https address; http is for the loopback alone");

type Written = {
  name: string;
  platform?: Platform | undefined;
  issuer: string;
  jwks_uri?: string | undefined;
  jwks_file?: string | undefined;
  audience: string;
  match: Record<string, string | string[]>;
  agent: string;
  gate: string;
  token_minutes: number;
  accept_long_tokens: boolean;
  require_dpop: boolean;
  people: { ci_actor: string[]; commit_authors: string[] };
};

const Rule: z.ZodType<Written> = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, "lower-case letters, digits and `-`; at most 64"),
    platform: z.enum(["github", "gitlab", "kubernetes", "spiffe", "oidc"]).optional(),
    issuer: z
      .string()
      .max(512)
      .refine(
        (text) => isSpiffe(text) || isSafePlace(text),
        "write the `iss` of its tokens, an https address, or `spiffe://` and a trust domain",
      ),
    jwks_uri: place.optional(),
    jwks_file: z.string().min(1).optional(),
    audience: z.string().min(1).max(512),
    match: z.record(claim, z.union([pattern, z.array(pattern).min(1).max(64)])),
    agent: z.string().min(1).max(512),
    gate: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, "lower-case letters, digits, `.`, `_`, `-`; at most 64"),
    token_minutes: z.int().min(1).max(60).default(TOKEN_MINUTES_DEFAULT),
    accept_long_tokens: z.boolean().default(false),
    require_dpop: z.boolean().default(false),
    people: z
      .strictObject({ ci_actor: z.array(claim).max(8).default([]), commit_authors: z.array(claim).max(8).default([]) })
      .default({ ci_actor: [], commit_authors: [] }),
  })
  .superRefine((rule, ctx) => {
    const refuse = (path: string, message: string): void => ctx.addIssue({ code: "custom", path: [path], message });
    if (rule.jwks_uri !== undefined && rule.jwks_file !== undefined)
      refuse("jwks_file", "name one of `jwks_uri` and `jwks_file`");
    if (isSpiffe(rule.issuer) && rule.jwks_uri === undefined && rule.jwks_file === undefined)
      refuse("issuer", "a trust domain has no discovery: name `jwks_uri` or `jwks_file`");
    if (Object.keys(rule.match).length === 0) refuse("match", "name at least one claim: an issuer signs for many");
    const unsafe = anchorFault(rule.issuer, rule.match);
    if (unsafe !== null) refuse("match", unsafe);
  });

/** The key `workloads` of keyturn.yaml. */
export const WorkloadsWritten: z.ZodType<readonly Written[]> = z
  .array(Rule)
  .max(RULES_MAX)
  .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, "two of these have the same name");

/** The rules of the settings; paths are relative to `base`. */
export function workloadsOf(written: readonly Written[] | undefined, base: string): readonly WorkloadRule[] {
  return (written ?? []).map((rule) => ({
    name: rule.name,
    platform: rule.platform ?? platformOf(rule.issuer),
    issuer: rule.issuer,
    keys:
      rule.jwks_uri !== undefined
        ? { from: "uri", uri: rule.jwks_uri }
        : rule.jwks_file !== undefined
          ? { from: "file", path: resolve(base, rule.jwks_file) }
          : { from: "discovery" },
    audience: rule.audience,
    match: new Map(Object.entries(rule.match).map(([name, one]) => [name, Array.isArray(one) ? one : [one]])),
    agent: rule.agent as AgentId,
    gate: rule.gate as GateId,
    tokenMs: rule.token_minutes * 60_000,
    acceptLong: rule.accept_long_tokens,
    requireDpop: rule.require_dpop,
    people: { ciActor: rule.people.ci_actor, commitAuthors: rule.people.commit_authors },
  }));
}

function platformOf(issuer: string): Platform {
  if (issuer === GITHUB_ISSUER) return "github";
  if (issuer === GITLAB_ISSUER) return "gitlab";
  return isSpiffe(issuer) ? "spiffe" : "oidc";
}

/**
 * Everybody in the world has tokens of the public issuers: some claim must say whose they are, without a wildcard. GitHub
 * changed what `sub` looks like in 2026, so it is never read.
 */
function anchorFault(issuer: string, match: Written["match"]): string | null {
  const anchors: Readonly<Record<string, readonly string[]>> = {
    [GITHUB_ISSUER]: ["repository_id", "repository_owner_id", "repository", "repository_owner", "enterprise_id"],
    [GITLAB_ISSUER]: ["project_id", "namespace_id", "project_path", "namespace_path"],
  };
  const wanted = anchors[issuer];
  if (wanted === undefined) return null;
  if (issuer === GITHUB_ISSUER && match["sub"] !== undefined)
    return "`sub` of GitHub has had several forms: match `repository_id`, `job_workflow_ref` and other claims";
  const isAnchored = wanted.some((name) => {
    const patterns = match[name] === undefined ? [] : [match[name]].flat();
    return patterns.length > 0 && patterns.every((text) => !(text.split("/")[0] ?? "*").includes("*"));
  });
  return isAnchored
    ? null
    : `everybody has tokens of this issuer: match one of ${wanted.join(", ")} without \`*\` for the owner`;
}

function isSpiffe(text: string): boolean {
  return /^spiffe:\/\/[a-z0-9._-]{1,255}$/.test(text);
}

/** An address that nobody on the way can read or change: https, or this very machine. */
export function isSafePlace(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password, hash } = new URL(text);
  if (username !== "" || password !== "" || hash !== "") return false;
  return protocol === "https:" || (protocol === "http:" && ["127.0.0.1", "[::1]", "localhost"].includes(hostname));
}
