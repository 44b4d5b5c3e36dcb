import { hash } from "node:crypto";
import { canonicalize, parseJson } from "../core/action/index.ts";
import type { Json } from "../core/action/index.ts";
import { ENTRY_PAYLOAD_BYTES_MAX, ENTRY_PAYLOAD_DEPTH_MAX, ENTRY_SALT_BYTES } from "../core/ledger/index.ts";
import type { LedgerEntry } from "./entry.ts";
import { ShapeError } from "./shapes.ts";

const LABEL = Buffer.from("keyturn entry payload v1\n");
const PAYLOAD_AT = LABEL.length + ENTRY_SALT_BYTES;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

let input = inputOf(16_384);

/** How a payload stands to its header: it is the one committed to, it was erased, it is another, or half of it is gone. */
export type Binding = "bound" | "erased" | "broken" | "halved";

/** Where the digits of a header's commitment are: canonical form puts it first, after `{"commitment":"sha256:`. */
const COMMITMENT_AT = 22;

/** Compares payload and salt with what the header commits to (spec/ledger.md §1). */
export function bindingOf({ header, payload, salt }: Pick<LedgerEntry, "header" | "payload" | "salt">): Binding {
  if (payload === null || salt === null) return payload === salt ? "erased" : "halved";
  if (salt.length !== ENTRY_SALT_BYTES) return "broken";
  const end = PAYLOAD_AT + payload.length;
  if (end > input.length) input = inputOf(2 * end);
  input.set(salt, LABEL.length);
  input.set(payload, PAYLOAD_AT);
  const digits = hash("sha256", input.subarray(0, end), "hex");
  for (let at = 0; at < digits.length; at++) if (header[COMMITMENT_AT + at] !== digits.charCodeAt(at)) return "broken";
  return "bound";
}

/** Room for what is hashed, the label already in it. */
function inputOf(length: number): Buffer {
  const room = Buffer.alloc(length);
  room.set(LABEL, 0);
  return room;
}

/**
 * Reads a payload that was committed to; ShapeError unless it is JSON that every reader reads alike. What the runtime's own
 * parser and writer return unchanged has no member twice, no white space and no number in another spelling; anything else
 * has to be in canonical form (RFC 8785) by core's rules.
 */
export function readPayload(payload: Uint8Array): Json {
  if (payload.length > ENTRY_PAYLOAD_BYTES_MAX) throw new ShapeError("its payload is too large");
  try {
    const text = decoder.decode(payload);
    // An escape or a name by which two readers could differ is worth the slow look.
    if (!text.includes("\\u") && !text.includes("__proto__")) {
      const json = JSON.parse(text) as Json;
      if (JSON.stringify(json) === text) return json;
    }
    const json = strictly(payload);
    if (canonicalize(json) === text) return json;
  } catch (cause) {
    throw new ShapeError("its payload is not JSON as we write it", { cause });
  }
  throw new ShapeError("its payload is not in canonical form (RFC 8785)");
}

function strictly(payload: Uint8Array): Json {
  return parseJson(payload, { bytesMax: ENTRY_PAYLOAD_BYTES_MAX, depthMax: ENTRY_PAYLOAD_DEPTH_MAX });
}
