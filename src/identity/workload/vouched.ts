import { isJsonObject, type Json, type JsonObject } from "../../core/action/index.ts";
import { claimAt, textsOf } from "./claims.ts";
import type { WorkloadRule } from "./rule.ts";

/**
 * The people behind a run by the word of the platform, in the members of a subject's claims. Whoever is named and fits
 * nobody in the directory still counts: then two people have to agree.
 */
export function vouchedIn(rule: WorkloadRule, claims: JsonObject): JsonObject {
  const named = (names: Readonly<Record<string, string>>): Json[] => {
    const found = Object.entries(names).flatMap(([as, claim]) =>
      textsOf(claims[claim]).map((text) => [as, text] as const),
    );
    return found.length === 0 ? [] : [Object.fromEntries(found)];
  };
  const actors: Json[] = [
    ...named({ login: "actor", id: "actor_id" }),
    ...named({ login: "user_login", email: "user_email", id: "user_id" }),
    ...rule.people.ciActor.flatMap((name) => textsOf(claimAt(claims, name))),
  ];
  const authors = rule.people.commitAuthors.flatMap((name) => textsOf(claimAt(claims, name)));
  // A person's own token, exchanged by what works for them. The platforms of pipelines use these claims for nothing else.
  const isPersons =
    rule.platform === "oidc" && (claims["email"] !== undefined || claims["preferred_username"] !== undefined);
  const person = isPersons ? named({ sub: "sub", email: "email", preferred_username: "preferred_username" }) : [];
  const act = claims["act"] ?? null;
  return {
    ...(actors.length === 0 ? {} : { ci_actor: actors }),
    ...(authors.length === 0 ? {} : { commit_authors: [...authors] }),
    ...(person.length === 0 ? {} : { on_behalf_of: person }),
    // RFC 8693 §4.1: whoever signed the token vouches for the whole chain.
    ...(isJsonObject(act) ? { act } : {}),
  };
}

/** Which run it is, for those who look it up later. */
export function runOf({ platform, name }: WorkloadRule, claims: JsonObject): string {
  const text = (claim: string): string => textsOf(claims[claim])[0] ?? "";
  switch (platform) {
    case "github":
      return `${text("repository")} run ${text("run_id")} attempt ${text("run_attempt")}`.slice(0, 300);
    case "gitlab":
      return `${text("project_path")} job ${text("job_id")}`.slice(0, 300);
    default:
      return (text("sub") || name).slice(0, 300);
  }
}
