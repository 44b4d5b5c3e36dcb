import type { ApprovalId, Brand, DeferralId, EvaluationId, PermitId, RequestId } from "./brand.ts";
import { InputError } from "./errors.ts";

/** Bytes of chance in an id: 128 bits cannot be guessed. */
export const ID_BYTES = 16;

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"; // Crockford base32: no letter that a reader mistakes for another
const PATTERN = /^[0-9a-hjkmnp-tv-z]{26}$/;

const PREFIXES = {
  evaluation: "eval_",
  request: "arq_",
  approval: "apr_",
  permit: "prm_",
  token: "tok_",
  session: "ses_",
  deferral: "dfr_",
} as const;

export type IdKind = keyof typeof PREFIXES;
export type TokenId = Brand<string, "TokenId">;
export type SessionId = Brand<string, "SessionId">;
type IdOf = {
  evaluation: EvaluationId;
  request: RequestId;
  approval: ApprovalId;
  permit: PermitId;
  token: TokenId;
  session: SessionId;
  deferral: DeferralId;
};

/** An id from 16 random bytes, such as `arq_5h2j…` (26 characters of base32 after the prefix). */
export function formatId<K extends IdKind>(kind: K, random: Uint8Array): IdOf[K] {
  if (random.length !== ID_BYTES) throw new RangeError(`an id needs ${ID_BYTES} random bytes, not ${random.length}`);
  let bits = 0;
  let held = 0;
  let text = "";
  for (const byte of random) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(held >>> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  if (bits > 0) text += ALPHABET[(held << (5 - bits)) & 31];
  return (PREFIXES[kind] + text) as IdOf[K];
}

/** Reads an id of one kind; anything else is refused with `id_invalid`. `pointer` is where it stood. */
export function parseId<K extends IdKind>(kind: K, input: unknown, pointer: string = ""): IdOf[K] {
  const prefix = PREFIXES[kind];
  if (typeof input !== "string" || !input.startsWith(prefix) || !PATTERN.test(input.slice(prefix.length))) {
    throw new InputError({
      code: "id_invalid",
      message: `a ${kind} id looks like \`${prefix}\` and 26 characters`,
      pointer,
    });
  }
  return input as IdOf[K];
}

/** An approval is the granted half of one request: the two ids share their random part. */
export function approvalOf(request: RequestId): ApprovalId {
  return (PREFIXES.approval + request.slice(PREFIXES.request.length)) as ApprovalId;
}

/** The request that an approval granted. */
export function requestOf(approval: ApprovalId): RequestId {
  return (PREFIXES.request + approval.slice(PREFIXES.approval.length)) as RequestId;
}

/** The one permit that an approval may ever become. */
export function permitOf(request: RequestId): PermitId {
  return (PREFIXES.permit + request.slice(PREFIXES.request.length)) as PermitId;
}

/** The request behind a permit. */
export function requestOfPermit(permit: PermitId): RequestId {
  return (PREFIXES.request + permit.slice(PREFIXES.permit.length)) as RequestId;
}
