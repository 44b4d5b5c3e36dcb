// Whatever the directory, the chains and the clicks: nobody who is barred or not eligible counts, nobody counts twice.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { JsonObject } from "../../../src/core/action/index.ts";
import { atLeastTwo, editorsOf, peopleBehind, review } from "../../../src/core/approval/index.ts";
import type { Edit, LinkStrength, RequestState, Roster, Verdict } from "../../../src/core/approval/index.ts";
import type { PersonId } from "../../../src/core/brand.ts";
import type { Assurance, Term } from "../../../src/core/policy/index.ts";
import {
  after,
  agentOf,
  delegation,
  later,
  MINUTE,
  openedWith,
  rosterOf,
  stateAfter,
  T0,
  termsOf,
  who,
} from "./fixtures.ts";

const IDS = ["p0", "p1", "p2", "p3", "p4", "p5"] as const;
const GROUPS = ["g0", "g1", "g2"] as const;
const id = fc.constantFrom(...IDS);
const ids = fc.uniqueArray(id, { maxLength: 2 });

/** A name of somebody: the id, the e-mail, a login, or one that fits nobody. Each as it is, or dressed up. */
const name = fc
  .tuple(id, fc.constantFrom("id", "email", "login", "stranger"), fc.boolean())
  .map(([person, kind, dressed]) => {
    const plain = { id: person, email: `${person}@x.test`, login: `login-${person}`, stranger: `no-${person}` }[kind];
    return { person: kind === "stranger" ? null : person, text: dressed ? ` ${plain.toUpperCase()} ` : plain };
  });

const world = fc.record({
  inactive: ids,
  members: fc.tuple(...GROUPS.map(() => fc.uniqueArray(id, { minLength: 1 }))),
  late: fc.array(fc.tuple(id, fc.constantFrom(...GROUPS)), { maxLength: 3 }),
  owners: ids,
  deployers: fc.uniqueArray(id, { maxLength: 1 }),
  delegations: fc.array(fc.tuple(id, id, fc.boolean()), { maxLength: 3 }),
  edits: fc.array(fc.tuple(id, fc.constantFrom(...GROUPS, "policy/p"), fc.boolean()), { maxLength: 2 }),
  chain: fc.array(name, { maxLength: 3 }),
  prompters: fc.array(name, { maxLength: 2 }),
  holder: fc.option(id, { freq: 3 }),
  terms: fc.uniqueArray(fc.tuple(fc.constantFrom(...GROUPS), fc.integer({ min: 1, max: 2 })), {
    minLength: 1,
    selector: ([group]) => group,
  }),
  assurance: fc.constantFrom<Assurance>("A1", "A1", "A2"),
});
type World = typeof world extends fc.Arbitrary<infer W> ? W : never;

const clicks = fc.array(
  fc.record({
    person: id,
    verdict: fc.constantFrom<Verdict>("approve", "approve", "approve", "approve", "deny"),
    link: fc.constantFrom<LinkStrength>("L3", "L3", "L4", "L2"),
    assurance: fc.constantFrom<Assurance>("A1", "A2", "A2"),
  }),
  { maxLength: 12 },
);

function rosterIn(w: World): Roster {
  const people = IDS.map((person) => {
    const accounts = [{ issuer: "i", subject: `login-${person}`, strength: "L0" as const }];
    return [person, { active: !w.inactive.includes(person), emails: [`${person}@x.test`], accounts }] as const;
  });
  const groups = GROUPS.map((group, at) => {
    const members = (w.members[at] ?? []).map((person) => (isLate(w, person, group) ? `+${person}` : person));
    return [group, members] as const;
  });
  const delegations = w.delegations.map(([from, to, over]) => delegation(from, to, over ? T0 : later(60 * MINUTE)));
  const edits = w.edits.map(([person, on, over]): Edit => {
    return { person: who(person), on, until: over ? T0 : later(60 * MINUTE) };
  });
  const roster = rosterOf(
    Object.fromEntries(people),
    Object.fromEntries(groups),
    [agentOf(w.owners, w.deployers)],
    delegations,
  );
  return { ...roster, edits };
}

function isLate(w: World, person: string, group: string): boolean {
  return w.late.some(([late, of]) => late === person && of === group);
}

function propertiesOf(w: World): JsonObject {
  const act = w.chain.reduceRight<JsonObject | null>(
    (inner, { text }) => (inner === null ? { sub: text } : { sub: text, act: inner }),
    null,
  );
  return { prompted_by: w.prompters.map(({ text }) => text), ...(act === null ? {} : { act }) };
}

/** The other way of seeing it: who is behind, straight from the world, by closing over delegations until nothing changes. */
function behindBrute(w: World): { readonly people: ReadonlySet<string>; readonly unknown: boolean } {
  const named = [...w.chain, ...w.prompters];
  const people = new Set<string>([...w.owners, ...w.deployers, ...(w.holder === null ? [] : [w.holder])]);
  for (const { person } of named) if (person !== null) people.add(person);
  for (let size = -1; size !== people.size;) {
    size = people.size;
    for (const [from, to, over] of w.delegations) {
      if (!over && (people.has(from) || people.has(to))) people.add(from).add(to);
    }
  }
  return { people, unknown: named.some(({ person }) => person === null) };
}

/** Every way of giving places to people is tried. */
function canFill(places: readonly string[], people: ReadonlyMap<string, readonly string[]>): boolean {
  const [place, ...rest] = places;
  if (place === undefined) return true;
  return [...people].some(([person, groups]) => {
    if (!groups.includes(place)) return false;
    const others = new Map(people);
    others.delete(person);
    return canFill(rest, others);
  });
}

function groupsBrute(w: World, person: string, terms: readonly Term[]): readonly string[] {
  return GROUPS.filter((group, at) => {
    const isAsked = terms.some((term) => term.group === group);
    return isAsked && w.members[at]?.includes(person as "p0") === true && !isLate(w, person, group);
  });
}

function isEditor(w: World, person: string, terms: readonly Term[]): boolean {
  return w.edits.some(([editor, on, over]) => {
    return editor === person && !over && (on === "policy/p" || terms.some(({ group }) => group === on));
  });
}

test("law: no approved request counts anybody barred, ineligible or twice, and it is approved exactly when brute force says so", () => {
  let approvals = 0;
  fc.assert(
    fc.property(world, clicks, (w, all) => {
      const roster = rosterIn(w);
      const properties = propertiesOf(w);
      const subject = { type: "agent", id: "bot", properties };
      const agent = [...roster.agents.values()][0];
      const behind = peopleBehind(subject, agent, w.holder === null ? null : who(w.holder), roster, T0);
      const brute = behindBrute(w);
      assert.deepEqual(new Set<string>(behind.barred.map(({ person }) => person)), brute.people);
      assert.equal(behind.unknown.length > 0, brute.unknown);

      const written = termsOf(...w.terms);
      const terms = brute.people.size === 0 || brute.unknown ? atLeastTwo(written) : written;
      const holds = [
        { policy: "p" as never, because: "b", terms: written, expiresInMs: MINUTE, assurance: w.assurance },
      ];
      const opened = { ...openedWith({ properties, terms, barred: behind.barred, assurance: w.assurance }), holds };
      let state: RequestState = { ...stateAfter({ properties, terms, barred: behind.barred }), opened };
      const approvers = new Map<string, readonly string[]>();
      const places = terms.flatMap(({ group, quorum }) => Array.from({ length: quorum }, () => String(group)));

      for (const { person, verdict, link, assurance } of all) {
        if (state.progress.status !== "pending") break;
        const at = later(1000);
        const command = { reviewer: { person: who(person), link, assurance }, verdict, at, digest: opened.digest };
        const rest = { account: { issuer: "keyturn", subject: person }, reason: null, channel: "t", nonce: "n" };
        const events = review(state, { ...command, ...rest }, roster);
        const groups = groupsBrute(w, person, terms);
        const isAble = !w.inactive.includes(person) && link !== "L2" && groups.length > 0;
        const isBarred = brute.people.has(person) || isEditor(w, person, terms);
        const mayApprove = isAble && !isBarred && (w.assurance === "A1" || assurance === "A2");
        const isNew = !(verdict === "approve" && approvers.has(person));
        assert.equal("refused" in events, !((verdict === "deny" ? isAble : mayApprove) && isNew));
        if ("refused" in events) continue;
        state = after(state, events, at);
        if (verdict === "approve") approvers.set(person, groups);
        const expected = verdict === "deny" ? "denied" : canFill(places, approvers) ? "approved" : "pending";
        assert.equal(state.progress.status, expected);
      }
      if (state.progress.status !== "approved") return;
      approvals++;
      const { by } = state.progress;
      assert.equal(new Set<PersonId>(by).size, by.length, "nobody twice");
      assert.equal(by.length, places.length);
      const editors = new Set(editorsOf(opened, roster, T0).map(({ person }) => person));
      for (const person of by) {
        assert.ok(!brute.people.has(person) && !editors.has(person), `${person} stands behind it`);
        assert.ok(!w.inactive.includes(person as "p0") && groupsBrute(w, person, terms).length > 0);
      }
    }),
    { numRuns: 4000 },
  );
  assert.ok(approvals > 20, `only ${approvals} of them were approved: the law was hardly tried`);
});
