import { loadCatalogue } from "../classifiers/declared/index.ts";
import type { Instant } from "../core/brand.ts";
import { activeMembers, loadDirectory } from "../identity/directory/index.ts";
import { loadPolicies, type PolicySummary } from "../policies/cedar/index.ts";
import { ConfigError, formatProblem, type ConfigProblem } from "../ports/config.ts";
import type { Config } from "./config.ts";

export { formatProblem };

/** What a look at the rules found, without serving them. */
export type CheckedRules = {
  /** Everything that would keep the server from loading them; empty means that it would. */
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly ConfigProblem[];
  readonly policies: readonly PolicySummary[];
  /** False when the policies were not looked at, because what they build on cannot be loaded. */
  readonly policiesChecked: boolean;
};

/** Loads directory, catalogue and policies as the server would, and collects the problems of all three. */
export function checkRules(files: Pick<Config, "directory" | "catalogue" | "policies">): CheckedRules {
  const problems: ConfigProblem[] = [];
  const attempt = <T>(load: () => T): T | null => {
    try {
      return load();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems);
      return null;
    }
  };
  const people = attempt(() => loadDirectory(files.directory, null, Date.now() as Instant));
  const catalogue = attempt(() => loadCatalogue(files.catalogue));
  const warnings = people?.warnings ?? [];
  if (people === null || catalogue === null) return { problems, warnings, policies: [], policiesChecked: false };
  const groups = activeMembers(people.directory);
  const loaded = attempt(() => loadPolicies({ dir: files.policies, groups, factTypes: catalogue.factTypes }));
  return { problems, warnings, policies: loaded?.policies ?? [], policiesChecked: true };
}
