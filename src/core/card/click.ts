import type { Assurance } from "../policy/index.ts";
import type { RiskLevel } from "../risk/index.ts";

/** Risk at which a click in a chat still approves; what is riskier is approved on its page alone. */
export const CLICK_LEVELS: readonly RiskLevel[] = ["low", "medium"];

/** Whether a click in a linked chat account is evidence enough to approve. Denying always is. */
export function approvesByClick(level: RiskLevel, assurance: Assurance): boolean {
  return CLICK_LEVELS.includes(level) && (assurance === "A0" || assurance === "A1");
}
