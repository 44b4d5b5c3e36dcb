import { concatBytes, encodeHex } from "../encoding.ts";
import { canonicalBytes } from "./canonical.ts";
import { sha256 } from "./digest.ts";
import { isJsonList, isJsonObject } from "./json.ts";
import type { Json, JsonObject } from "./json.ts";
import { escapeStep, refuse } from "./refuse.ts";

/** Bytes of a gate's key at least: without 256 bits of chance a short secret could be guessed from its commitment. */
export const SECRET_KEY_BYTES_MIN = 32;

/** The one member of a commitment: `{"$secret": "sha256:<64 hex digits>"}`. */
const MARK = "$secret";
/** Bytes of one block of SHA-256: RFC 2104 §2. */
const BLOCK_BYTES = 64;

const encoder = new TextEncoder();

/**
 * Replaces secret parameters by commitments before they leave the gate. A path is the name of a member of `properties`
 * or, with a leading `/`, an RFC 6901 pointer into it; a path that leads nowhere replaces nothing. The commitment is
 * HMAC-SHA-256(key, pointer ‖ 0x00 ‖ canonical value): the same secret at the same place under the same key is the same
 * action. A value that already looks like a commitment is refused, so that nobody can pass one off as the gate's.
 */
export function commitSecrets(properties: JsonObject, secretPaths: readonly string[], key: Uint8Array): JsonObject {
  if (key.length < SECRET_KEY_BYTES_MIN) {
    throw new RangeError(`the key for commitments needs at least ${SECRET_KEY_BYTES_MIN} random bytes`);
  }
  const pointers = new Set(secretPaths.map(pointerOfPath));
  return commitMembers(properties, "", pointers, key);
}

/** HMAC with SHA-256: RFC 2104. The key may have any length; 32 random bytes are meant. */
export function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  block.set(key.length > BLOCK_BYTES ? sha256(key) : key);
  const inner = sha256(concatBytes(xored(block, 0x36), message));
  return sha256(concatBytes(xored(block, 0x5c), inner));
}

function xored(block: Uint8Array, pad: number): Uint8Array {
  return block.map((byte) => byte ^ pad);
}

function pointerOfPath(path: string): string {
  if (!path.startsWith("/")) return `/${escapeStep(path)}`;
  if (/~(?![01])/.test(path)) throw new RangeError(`\`${path}\` is not an RFC 6901 pointer: \`~\` is written \`~0\``);
  return path;
}

function commitMembers(object: JsonObject, at: string, pointers: ReadonlySet<string>, key: Uint8Array): JsonObject {
  if (Object.hasOwn(object, MARK)) {
    const message = `a parameter must not have a member named \`${MARK}\`: it marks what the gate withheld; rename it`;
    throw refuse("json_forbidden_key", message, `${at}/${MARK}`);
  }
  const members = Object.entries(object).map(([name, value]): [string, Json] => {
    return [name, commitValue(value, `${at}/${escapeStep(name)}`, pointers, key)];
  });
  return Object.fromEntries(members);
}

function commitValue(value: Json, at: string, pointers: ReadonlySet<string>, key: Uint8Array): Json {
  if (pointers.has(at)) {
    const message = concatBytes(encoder.encode(`${at}\0`), canonicalBytes(value));
    return { [MARK]: `sha256:${encodeHex(hmacSha256(key, message))}` };
  }
  if (isJsonList(value)) return value.map((item, index) => commitValue(item, `${at}/${index}`, pointers, key));
  return isJsonObject(value) ? commitMembers(value, at, pointers, key) : value;
}
