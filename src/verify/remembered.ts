import { isJsonObject } from "../core/action/index.ts";
import type { Json, JsonObject } from "../core/action/index.ts";
import { decodeBase64, encodeBase64 } from "../core/encoding.ts";
import { Frontier, sameHash } from "../core/ledger/index.ts";
import type { Checkpoint } from "../core/ledger/index.ts";
import { openCheckpoint } from "./checkpoint.ts";

/**
 * What an auditor keeps of one verification for the next. The checkpoint alone is enough to be told of a ledger that was
 * rewritten or set back. `frontier` (base64) lets the next one read only what is new; `state` lets it judge that with all
 * that was open before. Both speak for the auditor's own past work, so keep them where nobody else writes.
 */
export type Remembered = {
  readonly checkpoint: string;
  readonly frontier?: string;
  readonly state?: JsonObject;
};

/** A remembered checkpoint, opened, and where to go on from; null where everything is read again. */
export type Recalled = {
  readonly checkpoint: Checkpoint;
  readonly note: string;
  readonly resume: { readonly frontier: Frontier; readonly state: JsonObject | null } | null;
};

/** Opens what was remembered; throws with a sentence where it is not this log's, or its parts do not fit together. */
export function recall({ checkpoint: note, frontier, state }: Remembered, vkey: string): Recalled {
  const checkpoint = openCheckpoint(note, vkey);
  if (frontier === undefined) return { checkpoint, note, resume: null };
  const edge = Frontier.fromBytes(decodeBase64(frontier));
  if (edge.size !== checkpoint.size || !sameHash(edge.root(), checkpoint.root)) {
    throw new Error("the remembered edge of the tree is not that of the remembered checkpoint");
  }
  return { checkpoint, note, resume: { frontier: edge, state: state ?? null } };
}

/** What to keep after a verification that found nothing. */
export function remember(note: string, tree: Frontier, state: JsonObject): Remembered {
  return { checkpoint: note, frontier: encodeBase64(tree.toBytes()), state };
}

/** Reads what was kept as JSON; throws with a sentence for anything else. */
export function readRemembered(json: Json): Remembered {
  const { checkpoint, frontier, state } = isJsonObject(json) ? json : {};
  if (typeof checkpoint !== "string") throw new Error("what was remembered has no checkpoint");
  return {
    checkpoint,
    ...(typeof frontier === "string" ? { frontier } : {}),
    ...(isJsonObject(state) ? { state } : {}),
  };
}
