import { sameHash } from "../core/ledger/index.ts";
import type { Checkpoint, Witnessed } from "../core/ledger/index.ts";
import { CLOCK_TOLERANCE_MS, ClockCheck } from "./clock.ts";
import { lacking, openCheckpoint, witnessesOf } from "./checkpoint.ts";
import type { WitnessPolicy } from "./checkpoint.ts";
import type { AuditedEntry, Entries } from "./entry.ts";
import { Follower } from "./follow.ts";
import type { Start } from "./follow.ts";
import { Header } from "./header.ts";
import { LeafTree } from "./leaves.ts";
import { bindingOf } from "./payload.ts";
import type { Binding } from "./payload.ts";
import { recall, remember } from "./remembered.ts";
import type { Recalled, Remembered } from "./remembered.ts";
import { Findings } from "./report.ts";
import type { Report } from "./report.ts";
import { numberAt } from "./shapes.ts";

/** What an auditor brings: the entries, a signed checkpoint, and the one thing to trust, its key. */
export type Evidence = {
  /** From index 0 on, or from the size of the remembered checkpoint where its frontier is given. */
  readonly entries: Entries;
  readonly checkpoint: string;
  readonly vkey: string;
  /** Witnesses to believe that everybody is shown the same ledger. */
  readonly witnesses?: WitnessPolicy;
  /** What was kept of an earlier verification: this ledger has to be a continuation of that one. */
  readonly remembered?: Remembered;
  /** How far apart clocks may be; `CLOCK_TOLERANCE_MS` if not given. */
  readonly clockToleranceMs?: number;
  /** The auditor's own time, in milliseconds since 1970. */
  readonly now?: number;
  readonly onProgress?: (progress: { readonly entries: number; readonly of: number | null }) => void;
};

/** Entries between two calls of `onProgress`. */
const PROGRESS_EVERY = 1000;

type Audit = {
  readonly evidence: Evidence;
  readonly integrity: Findings;
  readonly completeness: Findings;
  readonly decisions: Findings;
  readonly time: Findings;
  readonly checkpoint: Checkpoint | null;
  readonly witnessed: readonly Witnessed[];
  readonly recalled: Recalled | null;
  readonly tree: LeafTree;
  readonly clock: ClockCheck;
  readonly follower: Follower;
  /** The header at hand. */
  readonly header: Header;
  /** The index that comes next. */
  nextIndex: number;
  read: number;
  erased: number;
  signedRoot: Uint8Array | null;
};

/**
 * Verifies a ledger from its first entry, or from a remembered checkpoint, to a signed one, in one pass. It never throws
 * over what it reads: whatever is wrong becomes a finding. Memory grows with what is open, not with entries.
 */
export async function verifyLedger(evidence: Evidence): Promise<Report> {
  const audit = begin(evidence);
  atSize(audit);
  afterRemembered(audit, audit.tree.size);
  if (Symbol.iterator in evidence.entries) {
    for (const entry of evidence.entries) take(audit, [entry]);
  } else {
    for await (const some of evidence.entries) take(audit, isList(some) ? some : [some]);
  }
  tell(audit);
  return finish(audit);
}

function begin(evidence: Evidence): Audit {
  const [integrity, completeness, decisions, time] = [new Findings(), new Findings(), new Findings(), new Findings()];
  const attempt = <T>(open: () => T): T | null => {
    try {
      return open();
    } catch (error) {
      integrity.add(sentenceOf(error));
      return null;
    }
  };
  const { remembered, witnesses, vkey } = evidence;
  const checkpoint = attempt(() => openCheckpoint(evidence.checkpoint, vkey));
  const recalled = remembered === undefined ? null : attempt(() => recall(remembered, vkey));
  const witnessed = witnesses === undefined ? [] : (attempt(() => witnessesOf(evidence.checkpoint, witnesses)) ?? []);
  if (witnesses !== undefined && witnessed.length < witnesses.quorum) {
    integrity.add(`${lacking(witnessed.length, witnesses)}: others may be shown another ledger`);
  }
  const resume = recalled?.resume ?? null;
  const state = resume?.state ?? null;
  const start: Start =
    resume === null ? { from: "first" } : state === null ? { from: "blind" } : { from: "kept", state };
  const toleranceMs = evidence.clockToleranceMs ?? CLOCK_TOLERANCE_MS;
  const clock = new ClockCheck(time, toleranceMs, state === null ? 0 : numberAt(state, "latest"));
  const follower = new Follower(start, { completeness, decisions }, clock, checkpoint?.origin ?? null);
  const tree = new LeafTree(resume?.frontier);
  const size = tree.size;
  const findings = { integrity, completeness, decisions, time };
  const found = { checkpoint, recalled, witnessed, tree, clock, follower, header: new Header() };
  return { evidence, ...findings, ...found, nextIndex: size, read: 0, erased: 0, signedRoot: null };
}

/**
 * Takes some entries in three passes: all leaves into the tree, then all commitments, then what the entries say. Each pass
 * is little code over little data, which a processor does twice as fast as all of it for one entry after the other.
 */
function take(audit: Audit, some: readonly AuditedEntry[]): void {
  const before = audit.tree.size;
  for (const entry of some) {
    checkPlace(audit, entry);
    audit.tree.append(entry.header);
    atSize(audit);
  }
  const bound = some.map(bindingOf);
  some.forEach((entry, at) => {
    if (checkHeader(audit, entry)) {
      audit.clock.follow(audit.header, entry.index);
      audit.follower.follow(entry.index, audit.header, checkPayload(audit, entry, bound[at] ?? "broken"));
    }
    afterRemembered(audit, before + at + 1);
    if (++audit.read % PROGRESS_EVERY === 0) tell(audit);
  });
}

/** The tree has come to a size that somebody signed for. */
function atSize(audit: Audit): void {
  const { tree, checkpoint, recalled } = audit;
  const { size } = tree;
  if (size === checkpoint?.size) audit.signedRoot = tree.root();
  if (size !== recalled?.checkpoint.size) return;
  if (!sameHash(tree.root(), recalled.checkpoint.root)) {
    audit.integrity.add(`the first ${size} entries are not those of the remembered checkpoint: history was rewritten`);
  }
}

/** What comes after a remembered checkpoint was written after its witnesses had signed. */
function afterRemembered({ recalled, clock, evidence, integrity }: Audit, size: number): void {
  const { witnesses } = evidence;
  if (recalled === null || witnesses === undefined || size !== recalled.checkpoint.size) return;
  try {
    clock.notBefore(witnessesOf(recalled.note, witnesses), size);
  } catch (error) {
    integrity.add(`the remembered checkpoint: ${sentenceOf(error)}`);
  }
}

/** Entries come in the order of their indexes, without a gap. */
function checkPlace(audit: Audit, entry: AuditedEntry): void {
  const expected = audit.nextIndex;
  audit.nextIndex = entry.index + 1; // go on from here, so that one gap is one finding
  if (entry.index === expected) return;
  audit.completeness.add(`index ${expected} is expected here, this is ${entry.index}`, expected, entry.stream ?? null);
}

/** The leaf is a header that our writer could have written, and the columns beside it say the same. */
function checkHeader({ header, integrity }: Audit, entry: AuditedEntry): boolean {
  try {
    header.read(entry.header);
  } catch (error) {
    integrity.add(sentenceOf(error), entry.index, entry.stream ?? null);
    return false;
  }
  if (entry.stream !== undefined && !header.isFiledAs(entry.stream, entry.version, entry.type)) {
    integrity.add("the entry is filed under another stream, version or type", entry.index, entry.stream);
  }
  return true;
}

/** The payload is what the leaf commits to. Null when it was erased, undefined when it is not. */
function checkPayload(audit: Audit, { payload, index }: AuditedEntry, binding: Binding): Uint8Array | null | undefined {
  const { decisions, header } = audit;
  switch (binding) {
    case "bound":
      return payload;
    case "erased":
      audit.erased++;
      return null;
    case "broken":
      decisions.add("its payload is not the one that the header commits to", index, header.stream);
      return undefined;
    case "halved":
      decisions.add("of payload and salt only one is there", index, header.stream);
      return undefined;
    default:
      return binding satisfies never;
  }
}

/** The leaves are those under the signed root, all of them and no more, and go on from what was remembered. */
function checkRoot({ integrity, tree, signedRoot, recalled }: Audit, checkpoint: Checkpoint): void {
  const { size } = tree;
  if (size < checkpoint.size) {
    integrity.add(`the checkpoint is over ${checkpoint.size} entries, and only ${size} are here`, size);
  } else if (size > checkpoint.size) {
    integrity.add(
      `the checkpoint is over ${checkpoint.size} entries, those from here on are unsigned`,
      checkpoint.size,
    );
  }
  if (signedRoot !== null && !sameHash(signedRoot, checkpoint.root)) {
    integrity.add("the entries are not those under the signed root: at least one was changed, moved or replaced");
  }
  const known = recalled?.checkpoint.size ?? 0;
  if (known > checkpoint.size) {
    integrity.add(
      `the ledger went back: the remembered checkpoint is over ${known} entries, this one over ${checkpoint.size}`,
    );
  }
}

function finish(audit: Audit): Report {
  const { checkpoint, witnessed, evidence, follower, tree } = audit;
  if (checkpoint !== null) checkRoot(audit, checkpoint);
  audit.clock.finish(witnessed, evidence.now ?? Date.now());
  const integrity = audit.integrity.check();
  const completeness = audit.completeness.check([audit.integrity]);
  const decisions = audit.decisions.check([audit.integrity, audit.completeness]);
  const time = audit.time.check([audit.integrity]);
  const passed = [integrity, completeness, decisions, time].every((check) => check.verdict === "pass");
  const { evaluations, requests, released, completed, unreadable } = follower.counts;
  return {
    integrity,
    completeness,
    decisions,
    time,
    passed,
    origin: checkpoint?.origin ?? null,
    witnessed,
    from: audit.recalled?.resume?.frontier.size ?? 0,
    unreadable: follower.unreadable,
    counts: { entries: audit.read, erased: audit.erased, evaluations, requests, released, completed, unreadable },
    remember: passed ? remember(evidence.checkpoint, tree.frontier(), follower.dump()) : null,
  };
}

function tell({ evidence, tree, checkpoint }: Audit): void {
  evidence.onProgress?.({ entries: tree.size, of: checkpoint?.size ?? null });
}

function isList(some: AuditedEntry | readonly AuditedEntry[]): some is readonly AuditedEntry[] {
  return Array.isArray(some);
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : "it cannot be read";
}
