import { createHash } from "node:crypto";
import type { JWK } from "jose";
import { isJsonObject, parseJson, type JsonObject } from "../../core/action/index.ts";
import type { Instant } from "../../core/brand.ts";
import { PUBLIC_KEY_ALGORITHMS } from "../../core/permit/index.ts";
import { WorkloadError } from "./failure.ts";

const PROOF_CHARS_MAX = 8192;
/** How old a proof may be, and how far ahead of our clock. */
export const PROOF_LIFE_S = 60;
/** Proofs that are remembered; while there are more, none is taken. */
const PROOFS_MAX = 100_000;

/** One call, as its proof has to describe it. `accessToken` is null where the proof comes without one. */
export type Proved = {
  readonly method: string;
  /** The address as the client wrote it; query and fragment are left out (RFC 9449 §4.2). */
  readonly url: string;
  readonly accessToken: string | null;
};

/** Checks proofs of possession (RFC 9449), and takes each of them once. */
export class Proofs {
  readonly #seen = new Map<string, number>();

  /** The thumbprint of the key that signed the proof; `proof_invalid` or `proof_reused` otherwise. */
  async check(proof: string, { method, url, accessToken }: Proved, now: Instant): Promise<string> {
    const [head = "", body = ""] = proof.length > PROOF_CHARS_MAX ? [] : proof.split(".");
    const [header, claims] = [jsonOf(head), jsonOf(body)];
    const { jwk, alg, typ } = header;
    if (
      typ !== "dpop+jwt" ||
      typeof alg !== "string" ||
      !PUBLIC_KEY_ALGORITHMS.includes(alg) ||
      !isJsonObject(jwk ?? null)
    )
      throw invalid("it is a `dpop+jwt`, signed by the key in its header");
    if (["d", "p", "q", "k"].some((member) => Object.hasOwn(jwk as JsonObject, member)))
      throw invalid("its header holds a private key");
    const { compactVerify, importJWK, calculateJwkThumbprint } = await import("jose");
    let jkt: string;
    try {
      const key = await importJWK(jwk as JWK, alg);
      await compactVerify(proof, key, { algorithms: [...PUBLIC_KEY_ALGORITHMS] });
      jkt = await calculateJwkThumbprint(jwk as JWK, "sha256");
    } catch (error) {
      throw invalid("its signature does not fit the key in its header", error);
    }
    const { htm, htu, iat, jti, ath } = claims;
    if (htm !== method || typeof htu !== "string" || plain(htu) !== plain(url))
      throw invalid("`htm` and `htu` do not name this call");
    if (typeof iat !== "number" || Math.abs(now / 1000 - iat) > PROOF_LIFE_S) throw invalid("`iat` is not now");
    if (typeof jti !== "string" || jti === "" || jti.length > 256) throw invalid("it has no `jti`");
    const wanted = accessToken === null ? undefined : createHash("sha256").update(accessToken).digest("base64url");
    if (wanted !== undefined && ath !== wanted) throw invalid("`ath` does not name this token");
    this.#take(`${jkt} ${createHash("sha256").update(jti).digest("base64url")}`, now);
    return jkt;
  }

  #take(id: string, now: Instant): void {
    if (this.#seen.size >= PROOFS_MAX) this.#sweep(now);
    if (this.#seen.has(id))
      throw new WorkloadError("proof_reused", "this proof was used before; make one for each call");
    if (this.#seen.size >= PROOFS_MAX) throw invalid("too many proofs at once; try again");
    this.#seen.set(id, now + 2 * PROOF_LIFE_S * 1000);
  }

  #sweep(now: Instant): void {
    // In the order in which they came, which is that of their ends.
    for (const [id, until] of this.#seen) {
      if (until > now) return;
      this.#seen.delete(id);
    }
  }
}

function plain(url: string): string | null {
  if (!URL.canParse(url)) return null;
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

function jsonOf(part: string): JsonObject {
  try {
    const parsed = parseJson(Buffer.from(part, "base64url"));
    if (isJsonObject(parsed)) return parsed;
  } catch (error) {
    throw invalid("it cannot be read", error);
  }
  throw invalid("it cannot be read");
}

function invalid(why: string, cause?: unknown): WorkloadError {
  return new WorkloadError("proof_invalid", `the proof of possession does not hold: ${why}`, cause);
}
