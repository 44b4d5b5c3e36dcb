import { decodeBase64 } from "../core/encoding.ts";
import {
  cosignatureLine,
  cosignedBytes,
  HASH_BYTES,
  NOTE_CHARS_MAX,
  openSignedCheckpoint,
  parseCheckpoint,
  parseNote,
  parseVerifierKey,
  sameHash,
  verifyConsistency,
} from "../core/ledger/index.ts";
import type { Checkpoint } from "../core/ledger/index.ts";
import { verifyEd25519 } from "../verify/index.ts";
import { WitnessError } from "./errors.ts";
import type { WitnessFolder } from "./folder.ts";

/** What is answered over HTTP. */
export type Answer = { readonly status: number; readonly type: string; readonly body: string };

export type WitnessOptions = {
  readonly folder: WitnessFolder;
  /** Verifier keys of the logs that are witnessed; their names are the origins. */
  readonly logs: readonly string[];
  /** POSIX seconds. */
  readonly now: () => number;
};

/** C2SP tlog-witness: the most lines that a consistency proof may have. */
const PROOF_LINES_MAX = 63;
/** Bytes of a request: the longest note, a proof, the old size. */
export const WITNESS_BODY_BYTES_MAX: number = 4 * NOTE_CHARS_MAX;

type Submission = {
  readonly old: number;
  readonly proof: readonly Uint8Array[];
  readonly note: string;
  readonly checkpoint: Checkpoint;
};

/**
 * Cosigns checkpoints of known logs, each only as a continuation of the one before (C2SP tlog-witness). All of an answer
 * is made in one turn, from reading what was signed last to having the new one on disk: two callers cannot both win.
 */
export class Witness {
  readonly #folder: WitnessFolder;
  readonly #keys: ReadonlyMap<string, string>;
  readonly #now: () => number;

  constructor({ folder, logs, now }: WitnessOptions) {
    this.#folder = folder;
    this.#keys = new Map(logs.map((vkey) => [parseVerifierKey(vkey).name, vkey]));
    if (this.#keys.size < logs.length) throw new RangeError("two of the logs have the same origin");
    this.#now = now;
  }

  /** Answers one `add-checkpoint`. */
  add(body: string): Answer {
    const submission = attempt(() => read(body));
    if (submission === null) return refused(400, "the body is not an old size, a proof and a checkpoint");
    const { old, proof, note, checkpoint } = submission;
    const vkey = this.#keys.get(checkpoint.origin);
    if (vkey === undefined) return refused(404, "this log is not known here");
    if (attempt(() => openSignedCheckpoint(note, vkey, verifyEd25519)) === null) {
      return refused(403, "no valid signature by the key that is known of this log");
    }
    if (old > checkpoint.size) return refused(400, "the old size is beyond the checkpoint");
    const last = this.#last(checkpoint.origin, vkey);
    const size = last?.size ?? 0;
    if (old !== size) return conflict(size);
    if (last !== null && size === checkpoint.size && !sameHash(last.root, checkpoint.root)) return conflict(size);
    if (!follows(last, checkpoint, proof))
      return refused(422, "the proof does not lead from what was signed last to this");
    // INVARIANT: on disk before it is signed, or a crash could let a second history be signed.
    if (last === null || size < checkpoint.size) this.#folder.write(checkpoint.origin, note);
    return { status: 200, type: "text/plain; charset=utf-8", body: this.#cosign(parseNote(note).text) };
  }

  /** The checkpoint that was cosigned last, checked anew: a file that was tampered with must not reset the witness. */
  #last(origin: string, vkey: string): Checkpoint | null {
    const note = this.#folder.read(origin);
    if (note === null) return null;
    try {
      return openSignedCheckpoint(note, vkey, verifyEd25519);
    } catch (cause) {
      const message = `what is kept of \`${origin}\` is not a checkpoint of that log; nothing of it is cosigned until it is put back`;
      throw new WitnessError({ code: "witness_state_damaged", message, cause });
    }
  }

  #cosign(text: string): string {
    const seconds = this.#now();
    const { name, publicKey } = this.#folder;
    return cosignatureLine(name, publicKey, { seconds, signature: this.#folder.sign(cosignedBytes(text, seconds)) });
  }
}

function follows(last: Checkpoint | null, next: Checkpoint, proof: readonly Uint8Array[]): boolean {
  // tlog-witness: from nothing, the proof must be empty, whatever the size.
  if (last === null || last.size === 0) return proof.length === 0;
  return verifyConsistency(last.size, next.size, proof, last.root, next.root);
}

/** The body as tlog-witness spells it, and in no other way. */
function read(body: string): Submission {
  const border = body.indexOf("\n\n");
  const [first = "", ...lines] = body.slice(0, border).split("\n");
  const decimal = /^old (0|[1-9][0-9]{0,15})$/.exec(first)?.[1];
  const old = Number(decimal ?? Number.NaN);
  if (border < 0 || !Number.isSafeInteger(old) || lines.length > PROOF_LINES_MAX) throw new RangeError("malformed");
  const proof = lines.map(decodeBase64);
  if (proof.some((hash) => hash.length !== HASH_BYTES)) throw new RangeError("a hash has 32 bytes");
  const note = body.slice(border + 2);
  return { old, proof, note, checkpoint: parseCheckpoint(parseNote(note).text) };
}

function conflict(size: number): Answer {
  return { status: 409, type: "text/x.tlog.size", body: `${size}\n` };
}

function refused(status: number, sentence: string): Answer {
  return { status, type: "text/plain; charset=utf-8", body: `${sentence}\n` };
}

function attempt<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}
