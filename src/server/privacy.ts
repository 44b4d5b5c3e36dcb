import { activeMembers } from "../identity/directory/index.ts";
import type { House } from "./house.ts";

/** Why nobody could agree to an erasure by the settings and the directory in force; null where people can. */
export function privacyFault({ privacy, rules }: Pick<House, "privacy" | "rules">): string | null {
  if (privacy === null) return "nobody may agree to erase; name a group in keyturn.yaml: `privacy: {approvers: …}`";
  const active = activeMembers(rules.current.directory).get(privacy.approvers);
  if (active === undefined)
    return `\`privacy.approvers\` names \`${privacy.approvers}\`, which is no group of the directory`;
  if (active >= privacy.quorum) return null;
  return `\`privacy.approvers\` names \`${privacy.approvers}\`, which has fewer than ${privacy.quorum} active people`;
}
