import { createPublicKey, verify } from "node:crypto";
import type { CallOptions, Client, Redemption } from "../../client/index.ts";
import { Unavailable } from "../../client/index.ts";
import type { Digest, PermitId } from "../../core/brand.ts";
import { requestOfPermit } from "../../core/ids.ts";
import { openHeader, openReceipt, parseVerifierKey } from "../../core/ledger/index.ts";
import type { VerifySignature } from "../../core/ledger/index.ts";

/** What a receipt has to be of: the redemption of this permit for this action. */
export type Redeemed = { readonly permit: PermitId; readonly digest: Digest };

/** The keys that servers told of themselves, one a connection: another answer later is another ledger. */
const learnt = new WeakMap<Client, string>();

/** Reads a pinned verifier key; a TypeError where it is none, so that a typing mistake shows at once. */
export function ledgerKeyOf(line: string): string {
  try {
    parseVerifierKey(line.trim());
    return line.trim();
  } catch (cause) {
    throw new TypeError("the ledger key is not a verifier key; copy the line of `keyturn ledger vkey`", { cause });
  }
}

/**
 * The key that receipts must be signed with: the pinned one, or the one that the server tells at the first use of this
 * connection. A pinned key proves that the ledger its holder knows has the entry; a learnt one only that this server
 * committed itself to it, in writing, before the action ran.
 */
export async function ledgerKey(client: Client, pinned: string | undefined, options: CallOptions): Promise<string> {
  const key = pinned === undefined ? (learnt.get(client) ?? (await client.ledgerKey(options))) : ledgerKeyOf(pinned);
  if (pinned === undefined) learnt.set(client, key);
  return key;
}

/** Log before act: throws `receipt_invalid` unless the redemption is proven to be in the ledger that the key is of. */
export function checkReceipt({ receipt }: Redemption, vkey: string, { permit, digest }: Redeemed): void {
  if (receipt.proof === undefined) throw invalid("the server gave no receipt of the redemption");
  try {
    const { leaf, index } = openReceipt(receipt.proof, vkey, verifyEd25519);
    const { type, stream, publics } = openHeader(leaf);
    const same =
      type === "permit.redeemed" &&
      stream === `request/${requestOfPermit(permit)}` &&
      publics["permit"] === permit &&
      publics["digest"] === digest &&
      index === receipt.index;
    if (!same) throw new Error("it is of another entry");
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : "it cannot be read";
    throw invalid(`the receipt of the redemption proves nothing: ${why}`, cause);
  }
}

const verifyEd25519: VerifySignature = (publicKey, message, signature) => {
  const key = { kty: "OKP", crv: "Ed25519", x: Buffer.from(publicKey).toString("base64url") };
  return verify(null, message, createPublicKey({ key, format: "jwk" }), signature);
};

function invalid(why: string, cause?: unknown): Unavailable {
  return new Unavailable({ code: "receipt_invalid", message: `${why}. Nothing was executed`, cause });
}
