import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { canonicalAction, parseQuestion } from "../../src/core/action/index.ts";
import type { JsonObject } from "../../src/core/action/index.ts";
import type { Instant, StreamName } from "../../src/core/brand.ts";
import {
  Frontier,
  checkpointText,
  leafHash,
  noteSignedBytes,
  sealEntry,
  signedNote,
  verifierKey,
} from "../../src/core/ledger/index.ts";
import type { LedgerEntry } from "../../src/verify/index.ts";

export const ORIGIN = "keyturn.example/ledger/demo/1";
/** The Ed25519 key whose seed is 32 times this byte. */
export function keyOf(seed: number): {
  readonly publicKey: Uint8Array;
  readonly sign: (message: Uint8Array) => Uint8Array;
} {
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, seed)]);
  const secret = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const spki = createPublicKey(secret).export({ format: "der", type: "spki" });
  return {
    publicKey: new Uint8Array(spki.subarray(-32)),
    sign: (message) => new Uint8Array(sign(null, message, secret)),
  };
}
export const key: ReturnType<typeof keyOf> = keyOf(1);
export const vkey: string = verifierKey(ORIGIN, key.publicKey);

/** One event: the stream, the type, minutes after the start, the payload, and what the header shows. */
export type Event = readonly [stream: string, type: string, minute: number, payload: JsonObject, publics?: JsonObject];
export const START: number = Date.UTC(2026, 10, 21);
export const minutes = (count: number): number => START + count * 60_000;

/** Seals events as the engine does: gapless indexes and versions, a salt each. */
export function entriesOf(events: readonly Event[]): LedgerEntry[] {
  const versions = new Map<string, number>();
  return events.map(([stream, type, minute, payload, publics = {}], index) => {
    const version = versions.get(stream) ?? 0;
    versions.set(stream, version + 1);
    const salt = new Uint8Array(createHash("sha256").update(`salt ${index}`).digest());
    const at = minutes(minute) as Instant;
    return { index, ...sealEntry({ stream: stream as StreamName, version, type, at, salt, payload, publics }) };
  });
}

export function checkpointOf(
  entries: readonly LedgerEntry[],
  signer: ReturnType<typeof keyOf> = key,
  origin: string = ORIGIN,
): string {
  const tree = new Frontier();
  for (const entry of entries) tree.append(leafHash(entry.header));
  const text = checkpointText(origin, tree.size, tree.root());
  return signedNote(text, origin, signer.publicKey, signer.sign(noteSignedBytes(text)));
}

export const question: JsonObject = {
  subject: { type: "agent", id: "report-bot" },
  action: { name: "grant_admin", properties: { user: "report-bot" } },
  resource: { type: "database", id: "crm" },
  context: { environment: "production" },
};
export const { text: canonical, digest }: { readonly text: string; readonly digest: string } = canonicalAction(
  parseQuestion(question),
);

/** A `request.opened` payload: two of security, one data owner; the agent's owner Olga is barred; an hour to review. */
export function opened(id: string, change: JsonObject = {}): JsonObject {
  return {
    request: {
      id: `arq_${id}`,
      gate: "sdk",
      evaluation: `eval_${id}`,
      agent: "report-bot",
      digest,
      canonical,
      question,
      terms: [
        { group: "security", quorum: 2 },
        { group: "owners", quorum: 1 },
      ],
      barred: [{ person: "olga", relation: "agent_owner", evidence: "directory" }],
      assurance: "A1",
      openedAt: minutes(0),
      expiresAt: minutes(60),
      approvedForMs: 600_000,
      ...change,
    },
  };
}

export function review(person: string, groups: readonly string[], change: JsonObject = {}): JsonObject {
  return { review: { person, groups: [...groups], verdict: "approve", assurance: "A1", at: minutes(1), ...change } };
}

const IN_FORCE = { policies: "sha256:p1", directory: "sha256:d1", catalogue: "sha256:c1" } as const;
const members = (group: string, people: readonly string[]): JsonObject => ({
  group,
  members: people.map((person) => ({ group, person, since: 0 })),
});
const PEOPLE: readonly string[] = ["ada", "bob", "cid", "dan"];

/** What evaluations rest on, in force before anything is asked: everybody may approve, nobody stands behind an agent. */
export const RULES: readonly Event[] = [
  ["policy", "policy.changed", 0, {}, { policies: IN_FORCE.policies }],
  [
    "directory",
    "directory.changed",
    0,
    {
      directory: {
        digest: IN_FORCE.directory,
        people: PEOPLE.map((id) => ({ id, active: true })),
        agents: [],
        groups: [members("owners", ["ada", "dan"]), members("security", PEOPLE)],
      },
    },
    { directory: IN_FORCE.directory },
  ],
  ["catalogue", "catalogue.changed", 0, { catalogue: null }, { catalogue: IN_FORCE.catalogue }],
];

/** The evaluation that a request follows. */
export function asked(id: string = "a", change: JsonObject = {}): Event {
  const publics = { digest, gate: "sdk", outcome: "require_approval", ...IN_FORCE, ...change };
  const payload = { decision: { outcome: publics.outcome }, digest: publics.digest, gate: publics.gate };
  return [`evaluation/eval_${id}`, "action.evaluated", 0, payload, publics];
}

/** An action that passed at once: its evaluation and its outcome. */
export function passed(id: string, minute: number = 0): Event[] {
  const stream = `evaluation/eval_${id}`;
  const outcome = { outcome: { status: "succeeded", at: minutes(minute), details: {} } };
  const [, type, , payload, publics] = asked(id, { outcome: "allow" });
  return [
    [stream, type, minute, payload, publics ?? {}],
    [stream, "action.completed", minute, outcome, { digest, status: "succeeded" }],
  ];
}

/** A request as it should go, from a minute on: three people, one permit, one outcome. */
export function story(id: string = "a", from: number = 0): Event[] {
  const stream = `request/arq_${id}`;
  const request = opened(id, { openedAt: minutes(from), expiresAt: minutes(from + 60) });
  const reviewed = (person: string, groups: readonly string[], minute: number): Event => [
    stream,
    "review.recorded",
    from + minute,
    review(person, groups, { at: minutes(from + minute) }),
    { digest, verdict: "approve", assurance: "A1" },
  ];
  const approved = { approval: `apr_${id}`, by: ["ada", "bob", "cid"], approvedUntil: minutes(from + 13) };
  const refusal = { refused: "person_barred", because: "owner" };
  return [
    [stream, "request.opened", from, request, { digest, gate: "sdk", evaluation: `eval_${id}` }],
    reviewed("ada", ["security", "owners"], 1),
    reviewed("bob", ["security"], 2),
    [stream, "review.refused", from + 2, { person: "olga", verdict: "approve", refusal }, { rule: "person_barred" }],
    reviewed("cid", ["security"], 3),
    [stream, "request.approved", from + 3, approved, { digest, approval: `apr_${id}` }],
    [stream, "permit.issued", from + 4, { permit: `prm_${id}`, gate: "sdk", expiresAt: minutes(from + 9) }],
    [stream, "permit.redeemed", from + 5, { permit: `prm_${id}`, gate: "sdk", attempt: "1" }, { permit: `prm_${id}` }],
    [
      stream,
      "action.completed",
      from + 6,
      { outcome: { status: "succeeded", at: minutes(from + 6), details: {} } },
      { digest, status: "succeeded" },
    ],
  ];
}
