import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hkdfSync,
  sign,
  verify,
  type KeyObject,
} from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { VerifySignature } from "../core/ledger/index.ts";
import { canonicalBytes } from "../core/action/index.ts";
import type { Signer } from "../ports/signer.ts";
import { LedgerError } from "./ledger-error.ts";

/**
 * The Ed25519 key in a PEM file that only its owner may read; it is made on the first start. Throws `key_missing` instead
 * where a ledger that several instances share has one already.
 */
export function fileSigner(path: string, isKnown: boolean = false): Signer {
  if (!existsSync(path)) {
    if (isKnown) {
      const message = `${path} is not there, and the ledger has had this key for long: give every instance the same file`;
      throw new LedgerError({ code: "key_missing", message });
    }
    const { privateKey } = generateKeyPairSync("ed25519");
    writeFileSync(path, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600, flag: "wx" });
  }
  return signerOf(createPrivateKey(readFileSync(path)));
}

/** A signer over a private key that is already in memory. */
export function signerOf(privateKey: KeyObject): Signer {
  const publicObject = createPublicKey(privateKey);
  const jwk = publicObject.export({ format: "jwk" });
  if (jwk.crv !== "Ed25519" || jwk.x === undefined)
    throw new Error("the signing key is not Ed25519; remove the file to make a new one");
  // RFC 7638 §3.2 with the members of RFC 8037 §2.
  const thumbprint = canonicalBytes({ crv: "Ed25519", kty: "OKP", x: jwk.x });
  return {
    keyId: createHash("sha256").update(thumbprint).digest("base64url"),
    publicKey: Buffer.from(jwk.x, "base64url"),
    sign: (message) => sign(null, message, privateKey),
    verify: (message, signature) => verify(null, message, publicObject, signature),
  };
}

/**
 * What only those who hold this private key can know beside it, 32 bytes for the instances of a ledger to talk to each other:
 * derived (RFC 5869) for this purpose alone, so that who has it cannot sign.
 */
export function newsSecretOf(path: string): Uint8Array {
  const { d: seed } = createPrivateKey(readFileSync(path)).export({ format: "jwk" });
  if (seed === undefined) throw new Error("the signing key has no private part");
  return new Uint8Array(hkdfSync("sha256", Buffer.from(seed, "base64url"), "", "keyturn news secret 1", 32));
}

/** Whether an Ed25519 signature is valid, by the raw public key of whoever is said to have made it. */
export const verifyEd25519: VerifySignature = (publicKey, message, signature) => {
  const jwk = { kty: "OKP", crv: "Ed25519", x: Buffer.from(publicKey).toString("base64url") };
  return verify(null, message, createPublicKey({ key: jwk, format: "jwk" }), signature);
};

/** The public half as a JSON Web Key, for `/.well-known/jwks.json`. */
export function jwkOf(signer: Signer): { kty: string; crv: string; x: string; kid: string; alg: string; use: string } {
  const x = Buffer.from(signer.publicKey).toString("base64url");
  return { kty: "OKP", crv: "Ed25519", x, kid: signer.keyId, alg: "EdDSA", use: "sig" };
}
