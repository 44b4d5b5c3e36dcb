import type { Effect } from "../../core/risk/index.ts";
import type { PlainUrl } from "./url.ts";

/** What the operator says of one kind of request. */
export type HttpRule = {
  /** The exact host, lower case, without port. */
  readonly host: string;
  /** The port where it is not the scheme's own. */
  readonly port?: number;
  /** `https` where nothing else is said. */
  readonly scheme?: "https" | "http";
  /** Methods in upper case. */
  readonly methods: readonly string[];
  /** Segments as they are, or `{name}` for exactly one segment: `/v1/users/{id}`. */
  readonly path: string;
  /** Names that the query may have; none where nothing is said. */
  readonly query?: readonly string[];
  /** What such a request does. */
  readonly effects: readonly Effect[];
};

/** The first rule that fits in every part, exactly. */
export function matchRule(rules: readonly HttpRule[], method: string, url: PlainUrl): HttpRule | undefined {
  return rules.find(
    (rule) =>
      rule.host === url.host &&
      (rule.port === undefined ? "" : String(rule.port)) === url.port &&
      (rule.scheme ?? "https") === url.scheme &&
      rule.methods.includes(method) &&
      url.query.every((name) => (rule.query ?? []).includes(name)) &&
      pathFits(rule.path, url.path),
  );
}

function pathFits(template: string, path: string): boolean {
  const wanted = template.split("/");
  const given = path.split("/");
  if (wanted.length !== given.length) return false;
  return wanted.every((segment, at) => {
    const value = given[at] ?? "";
    return /^\{\w+\}$/.test(segment) ? value !== "" : segment === value;
  });
}
