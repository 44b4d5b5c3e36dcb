import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { shortOf } from "../../src/verify/people.ts";

type Candidate = { readonly person: string; readonly groups: readonly string[] };

/** The plainest definition there is: try every person in every place. */
function canSeat(places: readonly string[], people: readonly Candidate[]): boolean {
  const [place, ...rest] = places;
  if (place === undefined) return true;
  return people.some(
    (person) =>
      person.groups.includes(place) &&
      canSeat(
        rest,
        people.filter((other) => other !== person),
      ),
  );
}

test("law: Hall's condition says what trying every seating says", () => {
  const group = fc.constantFrom("a", "b", "c");
  const terms = fc.array(fc.record({ group, quorum: fc.integer({ min: 1, max: 2 }) }), { minLength: 1, maxLength: 3 });
  const people = fc.array(fc.uniqueArray(group), { maxLength: 5 });
  fc.assert(
    fc.property(terms, people, (wanted, groups) => {
      const candidates = groups.map((member, index) => ({ person: `p${index}`, groups: member }));
      const places = wanted.flatMap((term) => Array.from({ length: term.quorum }, () => term.group));
      const reviews = candidates.map((candidate) => ({ ...candidate, verdict: "approve", assurance: 1 }));
      assert.equal(shortOf(wanted, reviews) === null, canSeat(places, candidates));
    }),
    { numRuns: 500 },
  );
});

test("more groups than can be tried are refused, not passed", () => {
  const terms = Array.from({ length: 17 }, (_, n) => ({ group: `g${n}`, quorum: 1 }));
  assert.throws(() => shortOf(terms, []), { name: "ShapeError" });
});
