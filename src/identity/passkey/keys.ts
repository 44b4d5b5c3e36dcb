import { createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto";
import { decodeBase64Url, encodeBase64Url } from "../../core/encoding.ts";

/** COSE algorithms that are taken (RFC 9053): ES256, EdDSA with Ed25519, and RS256 for older Windows machines. */
export const ALGORITHMS: readonly number[] = [-7, -8, -257];

/** Bits of an RSA modulus. */
const RSA_BITS_MIN = 2048;
const RSA_BITS_MAX = 8192;

/** The numbers of COSE key parameters (RFC 9052 §7, RFC 9053 §7, RFC 8230 §4). */
const KTY = 1;
const ALG = 3;

type Cose = ReadonlyMap<number, unknown>;

/**
 * A COSE key as SubjectPublicKeyInfo in base64url: the form that OpenSSL and every verifier reads. Null for any key but
 * ES256 on P-256, Ed25519, and RS256 of 2048 to 8192 bits.
 */
export function spkiOf(cose: Cose): string | null {
  const jwk = jwkOf(cose);
  if (jwk === null) return null;
  try {
    const key = createPublicKey({ key: jwk, format: "jwk" });
    return isAllowed(key) ? encodeBase64Url(key.export({ format: "der", type: "spki" })) : null;
  } catch {
    return null; // such as a point that is not on its curve
  }
}

function jwkOf(cose: Cose): JsonWebKey | null {
  const bytes = (label: number): string => {
    const value = cose.get(label);
    return value instanceof Uint8Array ? encodeBase64Url(value) : "";
  };
  switch (`${String(cose.get(KTY))} ${String(cose.get(ALG))}`) {
    case "2 -7":
      return cose.get(-1) === 1 ? { kty: "EC", crv: "P-256", x: bytes(-2), y: bytes(-3) } : null;
    case "1 -8":
      return cose.get(-1) === 6 ? { kty: "OKP", crv: "Ed25519", x: bytes(-2) } : null;
    case "3 -257":
      return { kty: "RSA", n: bytes(-1), e: bytes(-2) };
    default:
      return null;
  }
}

function isAllowed(key: KeyObject): boolean {
  if (key.asymmetricKeyType !== "rsa") return true;
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX;
}

/** The COSE form of a key that `spkiOf` wrote, for a library that wants it; TypeError for anything else. */
export function coseOf(spki: string): Map<number, number | Uint8Array> {
  const key = createPublicKey({ key: Buffer.from(decodeBase64Url(spki)), format: "der", type: "spki" });
  const { kty, x, y, n, e } = key.export({ format: "jwk" });
  const bytes = (text: string | undefined): Uint8Array => decodeBase64Url(text ?? "");
  const pairs: readonly (readonly [number, number | Uint8Array])[] | null =
    kty === "EC"
      ? [[KTY, 2], [ALG, -7], [-1, 1], [-2, bytes(x)], [-3, bytes(y)]] // prettier-ignore
      : kty === "OKP"
        ? [[KTY, 1], [ALG, -8], [-1, 6], [-2, bytes(x)]] // prettier-ignore
        : kty === "RSA"
          ? [[KTY, 3], [ALG, -257], [-1, bytes(n)], [-2, bytes(e)]] // prettier-ignore
          : null;
  if (pairs === null) throw new TypeError("the key is of a kind that no passkey has");
  return new Map(pairs);
}
