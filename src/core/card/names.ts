import type { PersonId } from "../brand.ts";

/** What a card needs to know beside the request. */
export type CardNames = {
  readonly person: (id: PersonId) => string;
  /** The operator's title for an action, or null. */
  readonly title: (action: string) => string | null;
};
