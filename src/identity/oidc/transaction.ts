import { CompactEncrypt, compactDecrypt } from "jose";

/** How long a sign-in may take, from the button to the answer. */
export const TRANSACTION_TTL_MS: number = 10 * 60_000;
/** Bytes of a sealed transaction: a cookie has at most 4096. */
export const TRANSACTION_BYTES_MAX = 3_500;

/**
 * A sign-in that was begun: what the answer must fit. It lies in the browser that began it, encrypted, so that nobody else
 * can finish it and nothing has to be kept for people who never come back.
 */
export type Transaction = {
  /** Used once: it is the key under which the sign-in is recorded. */
  readonly id: string;
  readonly provider: string;
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  /** Where the console goes on. */
  readonly next: string;
  /** A decision that this proof is for; null for a sign-in. */
  readonly decision: Decision | null;
  readonly expiresAt: number;
};

/** A review that waits for its person to prove themselves: the canonical statement, and whose session began it. */
export type Decision = {
  readonly session: string;
  readonly statement: string;
  readonly reason: string | null;
};

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Encrypts a transaction under a key of 32 bytes that never leaves the server. Null where it would not fit a cookie. */
export async function sealTransaction(transaction: Transaction, key: Uint8Array): Promise<string | null> {
  const sealed = await new CompactEncrypt(encoder.encode(JSON.stringify(transaction)))
    .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
    .encrypt(key);
  return sealed.length > TRANSACTION_BYTES_MAX ? null : sealed;
}

/** Opens a transaction; null for anything that was not sealed here, or is over. */
export async function openTransaction(sealed: string, key: Uint8Array, now: number): Promise<Transaction | null> {
  if (sealed.length > TRANSACTION_BYTES_MAX) return null;
  try {
    const options = { keyManagementAlgorithms: ["dir"], contentEncryptionAlgorithms: ["A256GCM"] };
    const { plaintext } = await compactDecrypt(sealed, key, options);
    // Authenticated by the key: `sealTransaction` wrote it and nothing else.
    const transaction = JSON.parse(decoder.decode(plaintext)) as Transaction;
    return transaction.expiresAt > now ? transaction : null;
  } catch {
    return null;
  }
}
