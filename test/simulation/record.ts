// The checker's own reading of one request: built from committed bytes and from what the simulation itself did. It shares
// no code with what it checks.
import { behind, isPerson, type World } from "./world.ts";

export type Seatable = { readonly person: string; readonly groups: ReadonlySet<string> };
export type Places = readonly (readonly [group: string, quorum: number])[];
export type Reviewed = {
  readonly person: string;
  readonly verdict: string;
  readonly assurance: string;
  readonly groups: ReadonlySet<string>;
};

/** One request as the checker knows it. */
export type Known = {
  readonly id: string;
  readonly agent: string;
  readonly digest: string;
  readonly openedAt: number;
  readonly expiresAt: number;
  readonly assurance: string;
  readonly grave: boolean;
  readonly approvedForMs: number;
  places: Places;
  /** Everybody known to stand behind any attempt that joined. */
  readonly named: Set<string>;
  readonly reviews: Map<string, Reviewed>;
  status: string;
  approvedUntil: number;
  /** For each gate the time until which a permit was issued. */
  readonly issued: Map<string, number>;
  redeemed: string | null;
  permitOver: boolean;
  outcome: string | null;
};

/** Waiting for people, or approved and neither used nor over. */
export function isOpen({ status, redeemed, permitOver }: Known): boolean {
  return status === "pending" || (status === "approved" && redeemed === null && !permitOver);
}

/** Everyone behind one attempt: by what it named, and by the world at that moment. */
export function attemptOf(
  world: World,
  names: readonly (string | null)[],
): { readonly barred: ReadonlySet<string>; readonly needsTwo: boolean } {
  const named = names.filter((name) => name !== null);
  const barred = behind(world, named);
  return { barred, needsTwo: barred.size === 0 || named.some((name) => !isPerson(name)) };
}

/** At least two people: where one would do, the first group gives two. */
export function raised(places: Places): Places {
  const [first, ...rest] = places;
  const total = places.reduce((sum, [, quorum]) => sum + quorum, 0);
  return first === undefined || total >= 2 ? places : [[first[0], 2], ...rest];
}

/** Can distinct people fill all places? By trying every way: a history has few of both. */
export function seated(places: Places, people: readonly Seatable[]): boolean {
  const wanted = places.flatMap(([group, quorum]) => Array.from({ length: quorum }, () => group));
  const fill = (place: number, used: ReadonlySet<string>): boolean => {
    const group = wanted[place];
    if (group === undefined) return true;
    return people.some(
      ({ person, groups }) => !used.has(person) && groups.has(group) && fill(place + 1, new Set([...used, person])),
    );
  };
  return wanted.length > 0 && fill(0, new Set());
}

/** The groups of a request's places that a person was in before it was opened, by one world. */
export function groupsIn(world: World, places: Places, person: string, openedAt: number): ReadonlySet<string> {
  const found = places.filter(([group]) => (world.members.get(group)?.get(person) ?? Infinity) <= openedAt);
  return new Set(found.map(([group]) => group));
}

/** Who may not approve a request by one world: all behind it, and whoever edited what it rests on. */
export function barredIn(known: Known, world: World): ReadonlySet<string> {
  const concerned = new Set(["policy/law", ...known.places.map(([group]) => group)]);
  const editors = world.edits.filter(([, on]) => concerned.has(on)).map(([person]) => person);
  return new Set([...behind(world, known.named), ...editors]);
}

/** Who of those that approved still has a say, by today's world, and for which groups. */
export function standing(known: Known, world: World): readonly Seatable[] {
  const barred = barredIn(known, world);
  return [...known.reviews.values()]
    .filter(({ person, verdict }) => verdict === "approve" && !world.inactive.has(person) && !barred.has(person))
    .map(({ person }) => ({ person, groups: groupsIn(world, known.places, person, known.openedAt) }));
}
