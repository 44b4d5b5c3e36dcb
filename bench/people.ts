/** `bench people`: who may approve, in a directory of thousands. */
import { canonicalAction, parseQuestion, type JsonObject, type Question } from "../src/core/action/index.ts";
import { editorsOf, eligibility, peopleBehind, seat } from "../src/core/approval/index.ts";
import type { Candidate } from "../src/core/approval/index.ts";
import type { AgentId, GroupName, Instant, PersonId } from "../src/core/brand.ts";
import { compose, Draft, movesToFile, SOURCES_EMPTY, type Composed } from "../src/identity/directory/index.ts";
import type { WrittenContent } from "../src/identity/directory/index.ts";
import type { Directory } from "../src/ports/directory.ts";
import type { Options } from "./options.ts";
import { atMost, percentile, row, type Row } from "./row.ts";

export const note = `10,000 people with five logins each, 500 groups of 100 people, 2,000 agents, 500 delegations. A decision is everything that
core does to say whether one person may approve one action: who stands behind it, from a subject with a chain of four
actors, an on-behalf-of and two commit authors, then editors, membership and evidence. The anchor is the canonical form
and digest of the same question, which every evaluation makes. A change is one person more in one group: drafted, composed and sealed.`;

const PEOPLE = 10_000;
const GROUPS = 500;
const LOGINS = 5;
const NOW = 1_800_000_000_000 as Instant;

export function run({ quick, progress }: Options): Promise<readonly Row[]> {
  progress("a directory of 50,000 logins");
  const start = performance.now();
  const composed = build();
  const built = performance.now() - start;
  const rounds = quick ? 500 : 20_000;
  progress("decisions");
  const decisions = decide(composed.directory, rounds);
  progress("changes");
  const changes = change(composed, quick ? 5 : 50);
  progress("seats");
  const seats = seating();
  const anchor = { name: "canonical form and digest", value: percentile(decisions.bare, 0.5) };
  return Promise.resolve([
    row("decision, p50", "ms", percentile(decisions.all, 0.5), { anchor, goal: atMost(1) }),
    row("decision, p99", "ms", percentile(decisions.all, 0.99), { anchor }),
    row("first decision after a change", "ms", decisions.first),
    row("change of one member, p50", "ms", percentile(changes, 0.5)),
    row("composed from nothing", "ms", built),
    row("seats of 16 places among 5,000 approvals", "ms", seats),
  ]);
}

function build(): Composed {
  const draft = new Draft(SOURCES_EMPTY, NOW);
  for (const move of movesToFile(written(), SOURCES_EMPTY)) {
    const refusal = draft.make(move);
    if (refusal !== null) throw new Error(refusal.because);
  }
  return compose(draft.sources, null);
}

function written(): WrittenContent {
  const person = (n: number): PersonId => `person-${n % PEOPLE}` as PersonId;
  return {
    people: new Map(
      Array.from({ length: PEOPLE }, (_, n) => {
        const accounts = Array.from({ length: LOGINS }, (__, at) => {
          return { issuer: `https://idp-${at}.example.com`, subject: `sub-${n}-${at}`, strength: "L4" as const };
        });
        const emails = [`person.${n}@example.com`];
        return [
          person(n),
          { id: person(n), name: `Person ${n}`, active: true, accounts, emails, passkeys: [] },
        ] as const;
      }),
    ),
    groups: new Map(
      Array.from({ length: GROUPS }, (_, g) => {
        return [`group-${g}` as GroupName, Array.from({ length: 100 }, (__, at) => person(g * 20 + at))] as const;
      }),
    ),
    agents: new Map(
      Array.from({ length: 2_000 }, (_, n) => {
        const id = `agent-${n}` as AgentId;
        return [id, { id, type: "agent", owners: [person(n * 7)], deployers: [person(n * 11)], active: true }] as const;
      }),
    ),
    delegations: Array.from({ length: 500 }, (_, n) => {
      return { from: person(n * 3), to: person(n * 5 + 1), until: (NOW + 1e9) as Instant };
    }),
    roles: new Map(),
  };
}

function questionOf(n: number): Question {
  const chain = [1, 2, 3, 4].reduceRight<JsonObject | undefined>(
    (act, at) => ({
      sub: `sub-${(n * at) % PEOPLE}-${at}`,
      iss: "https://idp.example.com",
      ...(act === undefined ? {} : { act }),
    }),
    undefined,
  );
  const properties = {
    on_behalf_of: `person.${(n * 13) % PEOPLE}@example.com`,
    commit_authors: [
      `Person ${(n * 17) % PEOPLE} <person.${(n * 17) % PEOPLE}@example.com>`,
      "Nobody <nobody@example.org>",
    ],
    ...(chain === undefined ? {} : { act: chain }),
  };
  return parseQuestion({
    subject: { type: "agent", id: `agent-${n % 2_000}`, properties },
    action: { name: "customers.export", properties: { limit: n } },
    resource: { type: "table", id: "customers" },
  });
}

type Decided = { readonly all: readonly number[]; readonly bare: readonly number[]; readonly first: number };

function decide(directory: Directory, rounds: number): Decided {
  const questions = Array.from({ length: 256 }, (_, n) => questionOf(n * 31));
  const once = (n: number): void => {
    const { subject } = questions[n % questions.length] ?? questionOf(n);
    const behind = peopleBehind(subject, directory.agents.get(subject.id as AgentId), null, directory, NOW);
    const terms = [n, n * 3, n * 7].map((g) => ({ group: `group-${g % GROUPS}` as GroupName, quorum: 1 }));
    const editors = editorsOf({ terms, holds: [] }, directory, NOW);
    const ask = { terms, barred: [...behind.barred, ...editors], assurance: "A1" as const, openedAt: NOW };
    const person = `person-${(n * 20 + 50) % PEOPLE}` as PersonId;
    eligibility(ask, { person, link: "L4", assurance: "A1" }, "approve", directory);
  };
  const first = timed(() => once(0));
  for (let n = 0; n < 1_000; n++) once(n);
  const all = Array.from({ length: rounds }, (_, n) => timed(() => once(n)));
  const bare = Array.from({ length: rounds }, (_, n) => {
    const question = questions[n % questions.length] ?? questionOf(n);
    return timed(() => canonicalAction(question));
  });
  return { all, bare, first };
}

function change(from: Composed, rounds: number): readonly number[] {
  let composed = from;
  return Array.from({ length: rounds }, (_, n) =>
    timed(() => {
      const draft = new Draft(composed.sources, NOW);
      const person = `person-${(n * 20 + 5_000) % PEOPLE}` as PersonId;
      draft.make({ step: "join", source: "file", group: `group-${n % GROUPS}` as GroupName, person });
      composed = compose(draft.sources, composed);
    }),
  );
}

/** A hostile size: everybody approves, and nearly all of them for the same few places. */
function seating(): number {
  const terms = Array.from({ length: 8 }, (_, g) => ({ group: `g${g}` as GroupName, quorum: 2 }));
  const candidates = Array.from({ length: 5_000 }, (_, n): Candidate => {
    return { person: `p${n}` as PersonId, groups: (n < 4_990 ? ["g0", "g1"] : [`g${n % 8}`]) as GroupName[] };
  });
  return percentile(
    Array.from({ length: 20 }, () => timed(() => seat(terms, candidates))),
    0.5,
  );
}

function timed(work: () => unknown): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}
