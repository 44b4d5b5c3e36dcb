import type { Person } from "../../core/approval/index.ts";
import type { PersonId } from "../../core/brand.ts";

/** The person whom an address hints at; null for nobody. A hint bars, and never proves who somebody is. */
export function personWithEmail(people: ReadonlyMap<PersonId, Person>, email: string): PersonId | null {
  const wanted = email.toLowerCase();
  for (const { id, emails } of people.values()) {
    if (emails.some((one) => one.toLowerCase() === wanted)) return id;
  }
  return null;
}
