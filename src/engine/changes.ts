import type { JsonObject } from "../core/action/index.ts";
import type { StreamName } from "../core/brand.ts";
import type { Append, NewEntry } from "../ports/store.ts";
import type { Context } from "./context.ts";
import { EngineError } from "./errors.ts";
import { seal } from "./journal.ts";
import { versionsOf, type Reserved } from "./versions.ts";

/** Changes of what can be approved, and by whom; and the life of the server itself. */
export type ChangeType =
  | "server.started"
  | "server.stopped"
  | "server.heartbeat"
  | "config.changed"
  | "key.created"
  | "epoch.closed"
  | "epoch.continued"
  | "policy.changed"
  | "directory.changed"
  | "link.changed"
  | "link.offered"
  | "catalogue.changed"
  | "token.created"
  | "token.revoked"
  | "sign_in.offered"
  | "session.opened"
  | "session.closed"
  | "erasure.performed"
  | "export.created"
  | "notification.failed";

/** One change: what it is, what is to be kept apart, and what the header shows for ever. */
export type Change = { readonly type: ChangeType; readonly payload: JsonObject; readonly publics: JsonObject };

/**
 * How often a change is written anew because another instance was faster. Each time somebody's entries went in, and those of
 * one process do not stand in each other's way.
 */
const ROUNDS_MAX = 32;

/**
 * Whether a change is in the ledger now, was before under the same key, or will not be because a slot that it rests on is
 * somebody else's.
 */
export type ChangeResult = "recorded" | "duplicate" | "refused";

/** What is in the commit beside the entries. */
type Beside = Pick<Append, "documents" | "idempotency" | "erase" | "slots">;

/** Appends one change to the stream of its kind, together with the documents it changes; once per idempotency key. */
export async function recordChange(
  ctx: Pick<Context, "store" | "clock" | "chance">,
  type: ChangeType,
  payload: JsonObject,
  publics: JsonObject,
  extra: Beside = {},
): Promise<ChangeResult> {
  return recordChanges(ctx, [{ type, payload, publics }], extra);
}

/** Appends changes in their order, all of them or none. */
export async function recordChanges(
  ctx: Pick<Context, "store" | "clock" | "chance">,
  changes: readonly Change[],
  extra: Beside = {},
): Promise<ChangeResult> {
  const counts = new Map<StreamName, number>();
  for (const { type } of changes) counts.set(streamOf(type), (counts.get(streamOf(type)) ?? 0) + 1);
  const versions = versionsOf(ctx.store);
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const reserved = versions.reserve(counts);
    // No await from here to the append: entries are in the order of their versions, and of their times.
    const result = await ctx.store.append({ entries: sealed(ctx, changes, reserved), ...extra });
    versions.settle(reserved, result);
    if (result.status === "appended") return "recorded";
    if (result.status === "duplicate") return "duplicate";
    if (result.on !== "version") return "refused";
  }
  const types = changes.map(({ type }) => `\`${type}\``).join(", ");
  throw new EngineError({ code: "contention", message: `the change ${types} could not be recorded; try again` });
}

function sealed(
  ctx: Pick<Context, "clock" | "chance">,
  changes: readonly Change[],
  reserved: Reserved,
): readonly NewEntry[] {
  const at = ctx.clock.now();
  const used = new Map<StreamName, number>();
  return changes.map(({ type, payload, publics }) => {
    const stream = streamOf(type);
    const before = used.get(stream) ?? 0;
    used.set(stream, before + 1);
    return seal(ctx, stream, (reserved.get(stream)?.first ?? 0) + before, type, at, payload, publics);
  });
}

/** All changes of one kind are one stream. */
function streamOf(type: ChangeType): StreamName {
  return type.split(".")[0] as StreamName;
}
