export { PUBLIC_KEY_ALGORITHMS } from "./algorithms.ts";
export {
  assemblePermit,
  checkRedemption,
  parsePermit,
  PERMIT_TTL_MS,
  permitSigningInput,
  requestBehind,
} from "./permit.ts";
export type { ParsedPermit, PermitClaims, Redemption } from "./permit.ts";
