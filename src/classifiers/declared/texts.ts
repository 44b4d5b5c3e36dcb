import { z } from "zod";
import { EFFECTS } from "../../core/risk/index.ts";
import type { FactType, RequestRule } from "../../core/risk/index.ts";

/** What a text of a call can be read as. `argv` is a command that runs without a shell; the tools' kinds are the words after the tool's name. */
export const TEXT_KINDS = [
  "sql",
  "shell",
  "argv",
  "aws",
  "gcloud",
  "az",
  "kubectl",
  "kubernetes",
  "terraform",
  "terraform-plan",
  "http",
  "mcp",
] as const;
export type TextKind = (typeof TEXT_KINDS)[number];

/** Texts of one action, and requests that the operator declares. */
const TEXTS_MAX = 8;
const REQUESTS_MAX = 1_000;

/** A parameter whose content says what the call does, such as a statement of SQL. */
export type TextSource = {
  readonly path: readonly string[];
  readonly kind: TextKind;
  /** SQL only: the gate sets `search_path` and `standard_conforming_strings` itself. */
  readonly pinned: boolean;
};

const FROM =
  /^(resource\.(type|id)|(action|resource)\.properties|(action|resource)\.properties(\.[A-Za-z_][A-Za-z0-9_-]*){1,8})$/;

/** A text and a request rule as the file has them: what was left out is undefined. */
type WrittenText = {
  readonly from: string;
  readonly as: TextKind;
  readonly session?: "pinned" | undefined;
};
type WrittenRule = Omit<RequestRule, "port" | "scheme" | "query"> & {
  readonly port?: number | undefined;
  readonly scheme?: "https" | "http" | undefined;
  readonly query?: readonly string[] | undefined;
};

const text: z.ZodType<WrittenText, unknown> = z.strictObject({
  from: z.string().regex(FROM, "write where to read it: `action.properties.NAME` or `resource.properties.NAME`"),
  as: z.enum(TEXT_KINDS, `write one of ${TEXT_KINDS.join(", ")}`),
  session: z.literal("pinned", "write `pinned`, and only where the gate pins the session, or leave it out").optional(),
});

/** The member `texts` of an action in `catalogue.yaml`. */
export const textsMember: z.ZodType<readonly WrittenText[], unknown> = z
  .array(text)
  .min(1, "name at least one text, or leave `texts` out")
  .max(TEXTS_MAX, `an action has at most ${TEXTS_MAX} texts`);

const effects = z.array(z.enum(EFFECTS, `write one of ${EFFECTS.join(", ")}`)).min(1, "name at least one effect");
const rule: z.ZodType<WrittenRule, unknown> = z.strictObject({
  host: z.string().regex(/^[a-z0-9.-]{1,253}$/, "write the exact host in lower case, without a port"),
  port: z.int().min(1).max(65_535).optional(),
  scheme: z.enum(["https", "http"], "write https or http").optional(),
  methods: z.array(z.string().regex(/^[A-Z]{1,16}$/, "write methods in upper case")).min(1),
  path: z.string().regex(/^\/[\u0021-\u007e]{0,1023}$/, "write a path such as `/v1/users/{id}`"),
  query: z.array(z.string().min(1).max(128)).max(64).optional(),
  effects,
});

/** The member `requests` of `catalogue.yaml`. */
export const requestsMember: z.ZodType<readonly WrittenRule[], unknown> = z
  .array(rule)
  .max(REQUESTS_MAX, `more than ${REQUESTS_MAX} requests`);

/** The sources of an action's texts. */
export function textSources(written: readonly WrittenText[]): readonly TextSource[] {
  return written.map(({ from, as, session }) => ({
    path: from.split("."),
    kind: as,
    pinned: session === "pinned",
  }));
}

/** The operator's rules, without the members that were left out. */
export function requestRules(written: readonly WrittenRule[]): readonly RequestRule[] {
  return written.map(({ port, scheme, query, ...rest }) => ({
    ...rest,
    ...(port === undefined ? {} : { port }),
    ...(scheme === undefined ? {} : { scheme }),
    ...(query === undefined ? {} : { query }),
  }));
}

/** Facts that policies may read of a text of each kind. A reader finds more; those stay for reviewers. */
export const TEXT_FACTS: { readonly [K in TextKind]: Readonly<Record<string, FactType>> } = {
  sql: {
    tables: "strings",
    functions: "strings",
    statement_kinds: "strings",
    limit_rows: "integer",
    has_where: "boolean",
  },
  shell: { commands: "strings", hosts: "strings", pathsWritten: "strings", pathsDeleted: "strings" },
  argv: { commands: "strings", hosts: "strings", pathsWritten: "strings", pathsDeleted: "strings" },
  aws: { aws_actions: "strings" },
  gcloud: { gcloud_commands: "strings" },
  az: { az_commands: "strings" },
  kubectl: { kubernetes_kinds: "strings", kubernetes_verbs: "strings", kubernetes_namespaces: "strings" },
  kubernetes: { kubernetes_kinds: "strings", kubernetes_verbs: "strings", kubernetes_namespaces: "strings" },
  terraform: { terraform_commands: "strings" },
  "terraform-plan": { terraform_types: "strings", terraform_providers: "strings" },
  http: { http_hosts: "strings", http_methods: "strings" },
  mcp: {},
};
