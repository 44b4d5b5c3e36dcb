import type { RequestRule } from "../../core/risk/index.ts";
import type { PlainUrl } from "./url.ts";

/** The first rule that fits in every part, exactly. */
export function matchRule(rules: readonly RequestRule[], method: string, url: PlainUrl): RequestRule | undefined {
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
