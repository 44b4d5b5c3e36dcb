/** People, agents and groups of one directory; members of one group; logins of one person. */
export const PEOPLE_MAX = 20_000;
export const GROUPS_MAX = 1_000;
export const AGENTS_MAX = 20_000;
export const MEMBERS_MAX = 5_000;
export const ACCOUNTS_MAX = 32;
/** Logins of all people together. */
export const LINKS_MAX = 200_000;
export const PASSKEYS_MAX = 16;
/** Groups that carry one role. */
export const ROLE_GROUPS_MAX = 16;
