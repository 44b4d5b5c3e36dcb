import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { GroupName, Instant, PersonId } from "../../src/core/brand.ts";
import { compose, documentsOf, Draft, movesOf, readStored, SOURCES_EMPTY } from "../../src/identity/directory/index.ts";
import type { Composed, Sources } from "../../src/identity/directory/index.ts";
import type { DirectoryStep, Source } from "../../src/ports/people.ts";
import type { StoredDocument } from "../../src/ports/store.ts";
import { PEOPLE_DEFAULT } from "../../src/server/config.ts";
import { PeopleKeeper } from "../../src/server/people/keeper.ts";
import { openMemoryStore } from "../../src/stores/memory/index.ts";

const at = (ms: number): Instant => ms as Instant;
const who = (id: string): PersonId => id as PersonId;
const G = "g" as GroupName;
const put = (source: Source, id: string, active = true, emails: readonly string[] = []): DirectoryStep => ({
  step: "put_person",
  source,
  person: { id: who(id), name: `${id} of ${source}`, active, emails },
});
const link = (id: string, subject: string, strength: "L2" | "L4" = "L4"): DirectoryStep => ({
  step: "link",
  person: who(id),
  account: { issuer: "i", subject, strength },
  evidence: "t",
});

function after(steps: readonly DirectoryStep[], from: Sources = SOURCES_EMPTY, now = at(1)): Sources {
  const draft = new Draft(from, now);
  for (const move of movesOf(steps, from)) assert.equal(draft.make(move), null);
  return draft.sources;
}

test("a person is active while every source says so, and carries the hints of all of them", () => {
  const both = after([put("file", "ann", true, ["a@x.test"]), put("scim:x", "ann", true, ["b@x.test"])]);
  const person = (sources: Sources): unknown => {
    const { name, active, emails } = compose(sources, null).directory.people.get(who("ann")) ?? {};
    return [name, active, emails];
  };
  assert.deepEqual(person(both), ["ann of file", true, ["a@x.test", "b@x.test"]]);
  assert.deepEqual(person(after([put("scim:x", "ann", false)], both)), ["ann of file", false, ["a@x.test"]]);
  assert.deepEqual(person(after([{ step: "remove_person", source: "file", person: who("ann") }], both)), [
    "ann of scim:x",
    true,
    ["b@x.test"],
  ]);
});

test("a membership of two sources is as old as the older, ends with the last, and begins anew", () => {
  const group = (source: Source, ...members: string[]): DirectoryStep => ({
    step: "put_group",
    source,
    group: G,
    members: members.map(who),
  });
  const since = (sources: Sources): readonly number[] =>
    (compose(sources, null).directory.groups.get(G) ?? []).map((member) => member.since);
  const first = after([put("file", "ann"), group("file", "ann")], SOURCES_EMPTY, at(10));
  const second = after([group("scim:x", "ann")], first, at(20));
  assert.deepEqual(since(second), [10]);
  const third = after([group("file")], second, at(30));
  assert.deepEqual(since(third), [10]);
  const fourth = after([{ step: "leave", source: "scim:x", group: G, person: who("ann") }], third, at(40));
  assert.deepEqual(since(fourth), []);
  assert.deepEqual(since(after([group("scim:x", "ann")], fourth, at(50))), [50]);
});

test("a login belongs to one person; who comes back under an id is somebody new", () => {
  const before = after([put("scim:x", "ann"), put("scim:x", "bob"), link("ann", "1", "L2"), link("ann", "1")]);
  assert.deepEqual(compose(before, null).directory.people.get(who("ann"))?.accounts, [
    { issuer: "i", subject: "1", strength: "L4" },
  ]);
  const draft = new Draft(before, at(2));
  const [stolen] = movesOf([link("bob", "1")], before);
  assert.ok(stolen !== undefined);
  assert.equal(draft.make(stolen)?.refused, "account_taken");
  const gone = after([{ step: "remove_person", source: "scim:x", person: who("ann") }, link("bob", "1")], before);
  const back = after([put("scim:x", "ann")], gone);
  assert.deepEqual(compose(back, null).directory.people.get(who("ann"))?.accounts, []);
  assert.equal(back.holders.get(JSON.stringify(["i", "1"])), "bob");
});

const id = fc.constantFrom("ann", "bob", "cy");
const source = fc.constantFrom<Source>("file", "keyturn", "scim:x");
const step: fc.Arbitrary<DirectoryStep> = fc.oneof(
  fc.tuple(source, id, fc.boolean()).map(([from, person, active]) => put(from, person, active)),
  fc
    .tuple(source, id)
    .map(([from, person]): DirectoryStep => ({ step: "remove_person", source: from, person: who(person) })),
  fc
    .tuple(id, fc.constantFrom("1", "2"), fc.constantFrom("L2" as const, "L4" as const))
    .map(([p, s, l]) => link(p, s, l)),
  fc.constantFrom("1", "2").map((subject): DirectoryStep => ({ step: "unlink", issuer: "i", subject })),
  fc.tuple(source, fc.uniqueArray(id)).map(([from, members]): DirectoryStep => {
    return { step: "put_group", source: from, group: G, members: members.map(who) };
  }),
  fc
    .tuple(source, id)
    .map(([from, person]): DirectoryStep => ({ step: "join", source: from, group: G, person: who(person) })),
  fc
    .tuple(source, id)
    .map(([from, person]): DirectoryStep => ({ step: "leave", source: from, group: G, person: who(person) })),
  source.map((from): DirectoryStep => ({ step: "remove_group", source: from, group: G })),
  fc.tuple(id, fc.constantFrom("k1", "k2")).map(([person, key]): DirectoryStep => {
    return {
      step: "enrol_passkey",
      person: who(person),
      passkey: { id: key, publicKey: "AA", synced: true, since: at(1) },
    };
  }),
);

test("law: whatever changes in whatever order, what is stored reads back as what is in force, bit by bit", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      let composed: Composed = compose(SOURCES_EMPTY, null);
      const stored = new Map<string, StoredDocument>();
      const keep = (before: Sources, now: Sources): void => {
        for (const { kind, id: name, body } of documentsOf(before, now)) {
          if (body === null) stored.delete(`${kind} ${name}`);
          else stored.set(`${kind} ${name}`, { kind, id: name, body });
        }
      };
      for (const [n, one] of [put("file", "ann"), ...steps].entries()) {
        const draft = new Draft(composed.sources, at(n));
        const refused = movesOf([one], composed.sources).some((move) => draft.make(move) !== null);
        if (refused) continue; // all of it or nothing
        const next = compose(draft.sources, composed);
        keep(composed.sources, next.sources);
        composed = next;
        const again = compose(readStored([...stored.values()]) ?? SOURCES_EMPTY, null);
        assert.equal(again.directory.digest, composed.directory.digest, JSON.stringify(one));
        const holders = [...composed.directory.people.values()].flatMap(({ accounts }) =>
          accounts.map((a) => a.subject),
        );
        assert.equal(new Set(holders).size, holders.length, "nobody's login is anybody else's");
        for (const [, members] of composed.directory.groups)
          for (const { person } of members) assert.ok(composed.directory.people.has(person));
      }
    }),
    { numRuns: 300 },
  );
});

test("a change made elsewhere over the same store is read again, and the digest is the same", async () => {
  await using store = openMemoryStore();
  let n = 0;
  const chance = { bytes: (length: number) => new Uint8Array(length).fill(++n) };
  const ledger = { store, clock: { now: () => at(1000 + n) }, chance };
  const [one, other] = [
    await PeopleKeeper.open(ledger, PEOPLE_DEFAULT),
    await PeopleKeeper.open(ledger, PEOPLE_DEFAULT),
  ];
  const steps = [
    put("keyturn", "ann"),
    link("ann", "1"),
    { step: "put_group", source: "keyturn", group: G, members: [who("ann")] },
  ];
  const changed = await one.change(steps as readonly DirectoryStep[], { kind: "operator", claimed: null });
  assert.equal(changed.status, "applied");
  assert.equal(other.holderOf("i", "1"), undefined);
  let told = 0;
  other.onChange(() => told++);
  await other.reloadPeople();
  assert.equal(other.directory.digest, one.directory.digest);
  assert.deepEqual([other.holderOf("i", "1")?.id, other.membersOf("keyturn", G), told], ["ann", ["ann"], 1]);
});
