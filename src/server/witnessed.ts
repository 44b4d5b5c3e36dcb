import type { WitnessConfig } from "./config.ts";
import { LedgerError } from "./ledger-error.ts";
import type { Notary } from "./notary.ts";
import { lead, witnessName, type WitnessAnswer } from "./witnesses.ts";

const ORDER =
  "Put the newest data directory back; if it is lost for good, `keyturn ledger new-epoch --because TEXT` goes on from here and says so for ever";

/** How often a witness may be ahead of the question before that counts as a contradiction. */
const OVERTAKEN_MAX = 10;

/** One answer to the question of a start, before anything is appended. */
export type WitnessWord = { readonly name: string; readonly answer: WitnessAnswer };

/** Asks every witness what it last signed, by leading it to the ledger as it lies on disk. */
export async function askWitnesses(
  notary: Notary,
  witnesses: readonly WitnessConfig[],
): Promise<readonly WitnessWord[]> {
  if (witnesses.length === 0) return [];
  const head = await notary.head();
  return Promise.all(
    witnesses.map(async (witness) => ({ name: witnessName(witness), answer: await lead(notary, witness, head, 0) })),
  );
}

/**
 * The same where other instances write on meanwhile: a witness may by then have signed more than was asked about, and is
 * asked again.
 */
export async function askSharedWitnesses(
  notary: Notary,
  witnesses: readonly WitnessConfig[],
  sizeNow: () => Promise<number>,
): Promise<readonly WitnessWord[]> {
  for (let round = 1; ; round++) {
    const words = await askWitnesses(notary, witnesses);
    const size = await sizeNow();
    const overtaken = words.some(({ answer }) => answer.says === "stale" && answer.size <= size);
    if (!overtaken || round === OVERTAKEN_MAX) return words;
  }
}

/**
 * Throws a `LedgerError` when a witness signed more than is here or something else, or when fewer than `quorum` of them
 * could be asked: a restored backup looks whole from the inside.
 */
export function assertWitnessed(words: readonly WitnessWord[], size: number, quorum: number): void {
  for (const { name, answer } of words) {
    if (answer.says === "stale" && answer.size > size) {
      throw new LedgerError({
        code: "ledger_rolled_back",
        message: `the ledger here has ${size} entries, and witness \`${name}\` signed ${answer.size}: this is an old copy. ${ORDER}.`,
      });
    }
    if (answer.says === "stale" || answer.says === "refused") {
      const why = answer.says === "refused" ? answer.because : `it signed another history of ${answer.size} entries`;
      throw new LedgerError({
        code: "ledger_forked",
        message: `witness \`${name}\` contradicts the ledger here: ${why}. ${ORDER}.`,
      });
    }
  }
  const silent = words.filter(({ answer }) => answer.says === "nothing");
  if (words.length - silent.length >= quorum) return;
  const why = silent.map(({ name, answer }) => `\`${name}\`: ${"because" in answer ? answer.because : ""}`).join("; ");
  throw new LedgerError({
    code: "witnesses_silent",
    message: `${words.length - silent.length} of ${words.length} witnesses answered, and ${quorum} must confirm that this is not an old copy (${why}). Bring them back, or lower \`witness_quorum\`.`,
  });
}
