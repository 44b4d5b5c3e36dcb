import type { SqlOptions } from "../../../src/classifiers/sql/index.ts";

/** What a gate says that runs each text in a session it has set up itself. */
export const PINNED: SqlOptions = { session: { standardConformingStrings: true, searchPathPinned: true } };

/** A small shop whose customers are personal data. */
export const SHOP: SqlOptions = {
  ...PINNED,
  sensitive: (relation) => (/^(public\.)?customers$/.test(relation) ? ["personal"] : []),
};
