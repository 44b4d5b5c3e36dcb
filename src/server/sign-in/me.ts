import type { PersonId } from "../../core/brand.ts";
import type { House } from "../house.ts";

/** A person as the console names them. */
export type Me = { readonly id: string; readonly name: string; readonly groups: readonly string[] };

export function meOf(house: Pick<House, "rules">, id: PersonId): Me {
  const { directory } = house.rules.current;
  const groups = [...directory.groups]
    .filter(([, members]) => members.some((m) => m.person === id))
    .map(([group]) => group);
  return { id, name: directory.people.get(id)?.name ?? id, groups };
}
