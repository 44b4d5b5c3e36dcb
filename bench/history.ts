import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { canonicalAction, parseQuestion, type Json, type JsonObject } from "../src/core/action/index.ts";
import type { Instant, StreamName } from "../src/core/brand.ts";
import { formatId } from "../src/core/ids.ts";
import {
  checkpointText,
  encodeBundle,
  Frontier,
  leafHash,
  noteSignedBytes,
  parseTilePath,
  sealEntry,
  signedNote,
  tilePath,
  verifierKey,
} from "../src/core/ledger/index.ts";
import { payloadsPath, type Folder, type LedgerEntry } from "../src/verify/index.ts";

/** A ledger in a folder, as an auditor gets it. */
export type Published = {
  readonly checkpoint: string;
  readonly vkey: string;
  readonly size: number;
  /** Headers, payloads and salts: all that was hashed. */
  readonly bytes: number;
};

const ORIGIN = "bench.example/ledger/main/1";
const START = Date.UTC(2020, 0, 1);
const RULES = "sha256:7915c9507e8f3fdc97b79ae597fa445a9bdeef59f9323284ee5222d34aa2e56a";
const WEIGHTS = "v1 sha256:3dd89e9e8d0f3b230505713e459a311fbcecc8a7283af32c4374320abbfdb214";
/** One action in so many is held and approved by two people; the others pass at once. */
const HELD_EVERY = 50;

type Event = readonly [stream: string, type: string, payload: JsonObject, publics: JsonObject];

/** A history as a busy installation writes it, of the sizes that its server writes. Times go forward. */
export function* history(count: number): Generator<LedgerEntry, void, undefined> {
  const versions = new Map<string, number>();
  let index = 0;
  for (let action = -1; index < count; action++) {
    const at = START + action * 10;
    const events = action < 0 ? rules(at) : action % HELD_EVERY === 0 ? held(action, at) : passed(action, at);
    versions.clear();
    for (const [stream, type, payload, publics] of events) {
      if (index === count) return;
      const version = versions.get(stream) ?? 0;
      versions.set(stream, version + 1);
      const salt = createHash("sha256").update(`salt ${index}`).digest();
      const header = { stream: stream as StreamName, version, type, at: at as Instant };
      yield { index, ...sealEntry({ ...header, salt, payload, publics }) };
      index++;
    }
  }
}

/**
 * A published folder that is nowhere: bundles of actions that pass at once, made as they are asked for, always into the same
 * memory, without payloads. So there may be very many, and whoever reads them shows the memory of the reader alone.
 */
export function madeFolder(count: number): Folder {
  const room = Buffer.alloc(256 * 1024);
  return (path) => {
    const tile = parseTilePath(path);
    if (tile?.level !== "entries") return Promise.resolve(null);
    let at = 0;
    for (let index = tile.index * 256; index < Math.min(count, tile.index * 256 + tile.width); index++) {
      const length = room.write(madeHeader(index), at + 2, "latin1");
      room.writeUInt16BE(length, at);
      at += 2 + length;
    }
    return Promise.resolve(room.subarray(0, at));
  };
}

/** The rules that come into force first, and the public member that names them. */
const MADE_RULES = [
  ["catalogue", "catalogue"],
  ["directory", "directory"],
  ["policy", "policies"],
] as const;

function madeHeader(index: number): string {
  const rule = MADE_RULES[index];
  if (rule !== undefined) return headerText(`"${rule[1]}":"${RULES}"`, rule[0], START, `${rule[0]}.changed`, 0);
  const [action, version] = [(index - MADE_RULES.length) >> 1, (index - MADE_RULES.length) % 2];
  const digest = `sha256:${action.toString(16).padStart(64, "0")}`;
  const [type, shown] =
    version === 0
      ? [
          "action.evaluated",
          `"catalogue":"${RULES}","digest":"${digest}","directory":"${RULES}","gate":"bench","level":"low","outcome":"allow","policies":"${RULES}"`,
        ]
      : ["action.completed", `"digest":"${digest}","status":"succeeded"`];
  return headerText(shown, `evaluation/eval_${String(action).padStart(26, "0")}`, START + action, type, version);
}

function headerText(shown: string, stream: string, at: number, type: string, version: number): string {
  const time = new Date(at).toISOString();
  return `{"commitment":"${RULES}","public":{${shown}},"stream":"${stream}","time":"${time}","type":"${type}","v":1,"version":${version}}`;
}

/** The signed checkpoint over `madeFolder(count)`. */
export function madeCheckpoint(count: number): { readonly checkpoint: string; readonly vkey: string } {
  const tree = new Frontier();
  for (let index = 0; index < count; index++) tree.append(leafHash(Buffer.from(madeHeader(index), "latin1")));
  return signed(tree);
}

/** Writes a history as a published folder (spec/ledger.md), without its hash tiles: nobody needs them who has all entries. */
export function publish(folder: string, count: number): Published {
  const tree = new Frontier();
  let bytes = 0;
  let some: LedgerEntry[] = [];
  const flush = (): void => {
    const index = Math.floor((tree.size - 1) / 256);
    const headers = some.map(({ header }) => header);
    write(join(folder, tilePath({ level: "entries", index, width: some.length })), encodeBundle(headers));
    write(join(folder, payloadsPath(index)), some.map(line).join(""));
    some = [];
  };
  for (const entry of history(count)) {
    tree.append(leafHash(entry.header));
    bytes += entry.header.length + (entry.payload?.length ?? 0) + (entry.salt?.length ?? 0);
    some.push(entry);
    if (some.length === 256) flush();
  }
  if (some.length > 0) flush();
  return { ...signed(tree), size: tree.size, bytes };
}

function signed(tree: Frontier): { readonly checkpoint: string; readonly vkey: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  const text = checkpointText(ORIGIN, tree.size, tree.root());
  const checkpoint = signedNote(text, ORIGIN, raw, sign(null, noteSignedBytes(text), privateKey));
  return { checkpoint, vkey: verifierKey(ORIGIN, raw) };
}

function line({ index, stream, version, type, payload, salt }: LedgerEntry): string {
  const base64 = (part: Uint8Array | null): string | null =>
    part === null ? null : Buffer.from(part).toString("base64");
  return `${JSON.stringify({ index, payload: base64(payload), salt: base64(salt), stream, type, version })}\n`;
}

function write(path: string, content: Uint8Array | string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

function rules(at: number): Event[] {
  const member = (person: string): JsonObject => ({ group: "security", person, since: at });
  const person = (id: string): JsonObject => ({ id, name: id, active: true, accounts: [], emails: [] });
  const directory = {
    v: 1,
    digest: RULES,
    people: ["ann", "bob", "eve"].map(person),
    agents: [{ id: "report-bot", type: "agent", owners: ["eve"], deployers: [], active: true }],
    groups: [{ group: "security", members: ["ann", "bob"].map(member) }],
    delegations: [],
  };
  return [
    ["directory", "directory.changed", { directory }, { directory: RULES }],
    ["policy", "policy.changed", { policies: [] }, { policies: RULES }],
    ["catalogue", "catalogue.changed", { catalogue: null }, { catalogue: RULES }],
  ];
}

function passed(action: number, at: number): Event[] {
  const id = idOf("evaluation", action);
  const { digest, evaluated } = evaluation(action, "allow");
  const outcome = { status: "succeeded", at, details: { duration_ms: action % 97, rows: 20 } };
  return [
    [`evaluation/${id}`, "action.evaluated", ...evaluated],
    [`evaluation/${id}`, "action.completed", { outcome }, { digest, status: "succeeded" }],
  ];
}

function held(action: number, at: number): Event[] {
  const [evaluationId, again, id] = [
    idOf("evaluation", action),
    idOf("evaluation", action, 1),
    idOf("request", action),
  ];
  const { digest, evaluated, question, text, risk, classification } = evaluation(action, "require_approval");
  const [stream, permit] = [`request/${id}`, id.replace("arq_", "prm_")];
  const request = {
    id, evaluation: evaluationId, digest, canonical: text, question, agent: "report-bot", gate: "bench", classification, risk,
    holds: [], terms: [{ group: "security", quorum: 2 }], assurance: "A1",
    barred: [{ person: "eve", relation: "agent_owner", evidence: "owns agent `report-bot`" }],
    openedAt: at, expiresAt: at + 1_800_000, approvedForMs: 3_600_000, client: null,
  }; // prettier-ignore
  const review = (person: string): Event => {
    const account = { issuer: "https://id.example", subject: person };
    const act = { person, verdict: "approve", at, groups: ["security"], assurance: "A1", channel: "console", account };
    return [
      stream,
      "review.recorded",
      { review: { ...act, reason: null } },
      { digest, verdict: "approve", assurance: "A1" },
    ];
  };
  const approval = id.replace("arq_", "apr_");
  const approved = { approval, by: ["ann", "bob"], approvedUntil: at + 3_600_000 };
  return [
    [`evaluation/${evaluationId}`, "action.evaluated", ...evaluated],
    [stream, "request.opened", { request }, { digest, gate: "bench", level: "low", evaluation: evaluationId }],
    review("ann"),
    review("bob"),
    [stream, "request.approved", approved, { digest, approval }],
    [`evaluation/${again}`, "action.evaluated", ...evaluated],
    [stream, "permit.issued", { permit, gate: "bench", expiresAt: at + 60_000 }, { digest, permit, gate: "bench" }],
    [stream, "permit.redeemed", { permit, gate: "bench", attempt: again }, { digest, permit, gate: "bench" }],
    [
      stream,
      "action.completed",
      { outcome: { status: "succeeded", at, details: {} } },
      { digest, status: "succeeded" },
    ],
  ];
}

function evaluation(
  action: number,
  outcome: string,
): {
  readonly digest: string;
  readonly text: string;
  readonly question: JsonObject;
  readonly classification: JsonObject;
  readonly risk: JsonObject;
  readonly evaluated: readonly [payload: JsonObject, publics: JsonObject];
} {
  const question = {
    subject: { type: "agent", id: "report-bot" },
    action: { name: "customers.read", properties: { limit: 20, after: action } },
    resource: { type: "table", id: "customers" },
    context: { environment: "production", reason: "looking for a typical customer" },
  };
  const because = "The catalogue names `read` as an effect of `customers.read`.";
  const fact = (name: string, value: Json): JsonObject => ({ name, provenance: "operator", value });
  const classification = {
    effects: [{ because, effect: "read", provenance: "operator" }],
    facts: [fact("rows", 20), fact("sensitivity", ["personal"]), fact("table", "customers")],
    opaque: [],
  };
  const points = (id: string, evidence: string, count: number): JsonObject => ({ evidence, id, points: count });
  const contributions = [
    points("effect.read", because, 2),
    points("rows", "20 rows.", 3),
    points("environment.production", "It runs in production.", 8),
    points("sensitivity.personal", "The resource is marked personal.", 8),
  ];
  const risk = { contributions, floors: [], level: "low", score: 21, weights: WEIGHTS };
  const { digest, text } = canonicalAction(parseQuestion(question));
  const token = "tok_nmvfwsvd1r77rxezkphdr33kkw";
  const decision = { outcome, policies: ["permit-small-read"] };
  const payload = { agent: "report-bot", gate: "bench", token, question, digest, classification, risk, decision };
  const publics = {
    digest,
    gate: "bench",
    outcome,
    level: "low",
    policies: RULES,
    directory: RULES,
    catalogue: RULES,
    weights: WEIGHTS,
  };
  return { digest, text, question, classification, risk, evaluated: [payload, publics] };
}

function idOf(kind: "evaluation" | "request", action: number, twin = 0): string {
  return formatId(kind, createHash("md5").update(`${kind} ${action} ${twin}`).digest());
}
