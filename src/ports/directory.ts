import type { Roster } from "../core/approval/index.ts";

export type {
  Account,
  Agent,
  Delegation,
  Edit,
  LinkStrength,
  Membership,
  Passkey,
  Person,
  Role,
} from "../core/approval/index.ts";

/**
 * People, groups and agents at one moment. A snapshot never changes; a reload makes a new one.
 * Lookups by id answer undefined for the unknown; nothing here decides anything.
 */
export interface Directory extends Roster {}
