import { encodeBase64 } from "../core/encoding.ts";
import { addSignatures, openCosignatures, parseWitnessKey } from "../core/ledger/index.ts";
import type { WitnessConfig } from "./config.ts";
import { verifyEd25519 } from "./keys.ts";
import type { Notary, SignedCheckpoint } from "./notary.ts";

/** What a witness says to a checkpoint. */
export type WitnessAnswer =
  | { readonly says: "cosigned"; readonly line: string }
  /** It signed another size before, and wants to be led on from there. */
  | { readonly says: "stale"; readonly size: number }
  /** It does not know this ledger: nobody has told it the key. */
  | { readonly says: "unknown" }
  /** It saw something that contradicts this ledger, or knows another key for it. */
  | { readonly says: "refused"; readonly because: string }
  | { readonly says: "nothing"; readonly because: string };

/** How long one witness may take to answer. */
const ANSWER_TIMEOUT_MS = 5_000;
/** Bytes of an answer: some signature lines. */
const ANSWER_BYTES_MAX = 16_384;
/** Steps to where a witness stands: others may lead it on meanwhile. */
const STEPS_MAX = 3;

/** The name of a witness: that of its key. */
export function witnessName({ vkey }: WitnessConfig): string {
  return parseWitnessKey(vkey).name;
}

/** Leads one witness from where it stands to a checkpoint. `from` is where it is believed to stand. */
export async function lead(
  notary: Notary,
  witness: WitnessConfig,
  checkpoint: SignedCheckpoint,
  from: number,
  signal?: AbortSignal,
): Promise<WitnessAnswer> {
  let old = from;
  for (let step = 0; ; step++) {
    const answer = await submit(notary, witness, checkpoint, Math.min(old, checkpoint.size), signal);
    // Beyond our size there is nothing to lead it to; at our size it has just said that it saw another root.
    if (answer.says !== "stale" || answer.size > checkpoint.size || answer.size === old || step === STEPS_MAX) {
      return answer;
    }
    old = answer.size;
  }
}

/** One `add-checkpoint` of C2SP tlog-witness. */
async function submit(
  notary: Notary,
  witness: WitnessConfig,
  { size, note }: SignedCheckpoint,
  old: number,
  signal: AbortSignal | undefined,
): Promise<WitnessAnswer> {
  const limit = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
  const proof = await notary.consistency(old, size);
  const body = [`old ${old}`, ...proof.map(encodeBase64), "", note].join("\n");
  try {
    const response = await fetch(`${witness.url}/add-checkpoint`, {
      method: "POST",
      headers: { "content-type": "text/plain; charset=utf-8" },
      body,
      redirect: "error",
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
    });
    return read(response, await textOf(response), witness, note);
  } catch (error) {
    return { says: "nothing", because: reasonOf(error) };
  }
}

function read(response: Response, text: string, { vkey }: WitnessConfig, note: string): WitnessAnswer {
  switch (response.status) {
    case 200: {
      const line = ownLine(text, vkey, note);
      return line === null
        ? { says: "nothing", because: "it answered no signature of its key" }
        : { says: "cosigned", line };
    }
    case 403:
      return { says: "refused", because: "it knows another key for this ledger" };
    case 404:
      return { says: "unknown" };
    case 409: {
      const size = /^(0|[1-9][0-9]{0,15})\n?$/.exec(text)?.[1];
      if (size !== undefined && Number.isSafeInteger(Number(size))) return { says: "stale", size: Number(size) };
      return { says: "nothing", because: "it answered 409 without a size" };
    }
    case 422:
      return { says: "refused", because: "it signed a history that is not the beginning of this one" };
    default:
      return { says: "nothing", because: `it answered ${response.status}` };
  }
}

/** The one line that this witness's key made over this note; lines of other keys are ignored, as tlog-witness asks. */
function ownLine(text: string, vkey: string, note: string): string | null {
  for (const line of text.split("\n").slice(0, 8)) {
    try {
      if (openCosignatures(addSignatures(note, [`${line}\n`]), [vkey], verifyEd25519).length === 1) return `${line}\n`;
    } catch {
      // Not a signature line, or a false one: as good as none.
    }
  }
  return null;
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > ANSWER_BYTES_MAX) throw new Error("its answer is too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner: unknown = error.cause;
  return inner instanceof Error && "code" in inner && typeof inner.code === "string" ? inner.code : error.message;
}
