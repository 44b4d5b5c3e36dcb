import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { atLeastTwo, placesOf, seat } from "../../../src/core/approval/index.ts";
import type { Candidate } from "../../../src/core/approval/index.ts";
import type { GroupName } from "../../../src/core/brand.ts";
import type { Term } from "../../../src/core/policy/index.ts";
import { termsOf, who } from "./fixtures.ts";

function candidate(person: string, ...groups: readonly string[]): Candidate {
  return { person: who(person), groups: groups.map((group) => group as GroupName) };
}

test("people are seated so that as many places as possible are filled", () => {
  const rows: readonly (readonly [
    what: string,
    terms: readonly Term[],
    people: readonly Candidate[],
    filled: readonly number[],
    complete: boolean,
  ])[] = [
    ["nobody", termsOf(["a", 1]), [], [0], false],
    ["one of one", termsOf(["a", 1]), [candidate("x", "a")], [1], true],
    [
      "one person in two groups fills one place",
      termsOf(["a", 1], ["b", 1]),
      [candidate("x", "a", "b")],
      [1, 0],
      false,
    ],
    [
      "the first gives way to the second",
      termsOf(["a", 1], ["b", 1]),
      [candidate("x", "a", "b"), candidate("y", "a")],
      [1, 1],
      true,
    ],
    [
      "a chain of three gives way",
      termsOf(["a", 1], ["b", 1], ["c", 1]),
      [candidate("x", "a", "b"), candidate("y", "b", "c"), candidate("z", "a")],
      [1, 1, 1],
      true,
    ],
    ["the same person twice is one", termsOf(["a", 2]), [candidate("x", "a"), candidate("x", "a")], [1], false],
    [
      "two mentions lend both groups and one place",
      termsOf(["a", 1], ["b", 1]),
      [candidate("x", "a"), candidate("x", "b")],
      [1, 0],
      false,
    ],
    ["more than enough", termsOf(["a", 1]), [candidate("x", "a"), candidate("y", "a")], [1], true],
    ["other groups", termsOf(["a", 1]), [candidate("x", "b")], [0], false],
    ["no terms are never met", [], [candidate("x", "a")], [], false],
    [
      "two of one and one of the other",
      termsOf(["a", 2], ["b", 1]),
      [candidate("x", "a", "b"), candidate("y", "a", "b"), candidate("z", "a")],
      [2, 1],
      true,
    ],
  ];
  for (const [what, terms, people, filled, complete] of rows) {
    const seating = seat(terms, people);
    assert.deepEqual([seating.terms.map((term) => term.filled), seating.complete], [filled, complete], what);
  }
});

const GROUPS = ["a", "b", "c"];
const PEOPLE = ["p", "q", "r", "s", "t"];
const anyTerms = fc.uniqueArray(
  fc.record({ group: fc.constantFrom(...GROUPS), quorum: fc.integer({ min: 1, max: 3 }) }),
  { selector: ({ group }) => group, maxLength: 3 },
);
const anyPeople = fc.array(fc.record({ person: fc.constantFrom(...PEOPLE), groups: fc.subarray(GROUPS) }), {
  maxLength: 7,
});

/** Every way to put every person somewhere or nowhere; the most places that any of them fills. */
function bruteForce(terms: readonly Term[], candidates: readonly Candidate[]): number {
  const groupsOf = new Map<string, Set<string>>();
  for (const { person, groups } of candidates)
    groupsOf.set(person, new Set([...(groupsOf.get(person) ?? []), ...groups]));
  const open = new Map(terms.map(({ group, quorum }) => [String(group), quorum]));
  const most = (rest: readonly (readonly [string, Set<string>])[]): number => {
    const [first, ...others] = rest;
    if (first === undefined) return 0;
    let best = most(others);
    for (const group of first[1]) {
      const free = open.get(group) ?? 0;
      if (free === 0) continue;
      open.set(group, free - 1);
      best = Math.max(best, 1 + most(others));
      open.set(group, free);
    }
    return best;
  };
  return most([...groupsOf]);
}

test("the seating is as good as the best of all seatings, and nobody sits twice", () => {
  fc.assert(
    fc.property(anyTerms, anyPeople, (written, people) => {
      const terms = termsOf(...written.map(({ group, quorum }) => [group, quorum] as const));
      const candidates = people.map(({ person, groups }) => candidate(person, ...groups));
      const seating = seat(terms, candidates);
      const seated = seating.terms.flatMap((term) => term.people);
      assert.equal(new Set(seated).size, seated.length, "a person sits twice");
      for (const term of seating.terms) {
        assert.equal(term.filled, term.people.length);
        assert.ok(term.filled <= term.quorum, "more than the quorum");
        for (const person of term.people) {
          assert.ok(
            candidates.some((one) => one.person === person && one.groups.includes(term.group)),
            "not of the group",
          );
        }
      }
      const best = bruteForce(terms, candidates);
      assert.equal(seated.length, best);
      assert.equal(seating.complete, terms.length > 0 && best === placesOf(terms));
    }),
    { numRuns: 1000 },
  );
});

test("at least two people, where one would do", () => {
  const rows: readonly (readonly [readonly Term[], readonly Term[]])[] = [
    [termsOf(["a", 1]), termsOf(["a", 2])],
    [termsOf(["a", 2]), termsOf(["a", 2])],
    [termsOf(["a", 3]), termsOf(["a", 3])],
    [termsOf(["a", 1], ["b", 1]), termsOf(["a", 1], ["b", 1])],
    [[], []],
  ];
  for (const [terms, raised] of rows) assert.deepEqual(atLeastTwo(terms), raised);
});
