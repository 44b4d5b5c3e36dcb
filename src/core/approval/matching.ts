import type { GroupName, PersonId } from "../brand.ts";
import type { Term } from "../policy/index.ts";

/** A person and the groups whose places this person may fill. */
export type Candidate = { readonly person: PersonId; readonly groups: readonly GroupName[] };

/** How far the terms are met: `filled` distinct people stand in the places of each term; no person stands twice. */
export type Seating = {
  readonly complete: boolean;
  readonly terms: readonly (Term & { readonly filled: number; readonly people: readonly PersonId[] })[];
};

/**
 * Seats distinct people in the places that the terms ask for, as many as possible: a maximum bipartite matching
 * by augmenting paths (Kuhn). A count would let one person in two groups fill two places.
 */
export function seat(terms: readonly Term[], candidates: readonly Candidate[]): Seating {
  const people = distinct(candidates);
  const places = terms.flatMap((term, index) => Array.from({ length: term.quorum }, () => index));
  const seated = new Map<PersonId, number>(); // person → place
  const holders: (Candidate | undefined)[] = []; // place → person

  const findPlace = (candidate: Candidate, tried: Set<number>): boolean => {
    for (const [place, termIndex] of places.entries()) {
      const term = terms[termIndex];
      if (term === undefined || tried.has(place) || !candidate.groups.includes(term.group)) continue;
      tried.add(place);
      const holder = holders[place];
      if (holder === undefined || findPlace(holder, tried)) {
        seated.set(candidate.person, place);
        holders[place] = candidate;
        return true;
      }
    }
    return false;
  };
  for (const candidate of people) {
    if (seated.size === places.length) break; // thousands may have approved
    findPlace(candidate, new Set());
  }

  const filled = terms.map((term, index) => {
    const inTerm = [...seated].filter(([, place]) => places[place] === index).map(([person]) => person);
    return { ...term, filled: inTerm.length, people: inTerm };
  });
  return { complete: terms.length > 0 && seated.size === places.length, terms: filled };
}

/** One candidate per person, with all groups of all its mentions: duplicates go before anything is counted. */
function distinct(candidates: readonly Candidate[]): Candidate[] {
  const byPerson = new Map<PersonId, Set<GroupName>>();
  for (const { person, groups } of candidates) {
    const known = byPerson.get(person) ?? new Set();
    for (const group of groups) known.add(group);
    byPerson.set(person, known);
  }
  return [...byPerson].map(([person, groups]) => ({ person, groups: [...groups] }));
}

/** Places that the terms ask for together. */
export function placesOf(terms: readonly Term[]): number {
  return terms.reduce((sum, term) => sum + term.quorum, 0);
}

/** Raises the terms to at least two people, in the first group: for actions behind which no human is known. */
export function atLeastTwo(terms: readonly Term[]): readonly Term[] {
  const [first, ...rest] = terms;
  if (first === undefined || placesOf(terms) >= 2) return terms;
  return [{ ...first, quorum: 2 }, ...rest];
}
