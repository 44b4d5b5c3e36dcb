import type { JsonObject } from "../core/action/index.ts";
import type { StreamName } from "../core/brand.ts";
import type { Append, NewEntry } from "../ports/store.ts";
import type { Context } from "./context.ts";
import { EngineError } from "./errors.ts";
import { seal } from "./journal.ts";

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

const ROUNDS_MAX = 8;

/** Appends one change to the stream of its kind, together with the documents it changes; once per idempotency key. */
export async function recordChange(
  ctx: Pick<Context, "store" | "clock" | "chance">,
  type: ChangeType,
  payload: JsonObject,
  publics: JsonObject,
  extra: Pick<Append, "documents" | "idempotency" | "erase"> = {},
): Promise<"recorded" | "duplicate"> {
  return recordChanges(ctx, [{ type, payload, publics }], extra);
}

/** Appends changes in their order, all of them or none. */
export async function recordChanges(
  ctx: Pick<Context, "store" | "clock" | "chance">,
  changes: readonly Change[],
  extra: Pick<Append, "documents" | "idempotency" | "erase"> = {},
): Promise<"recorded" | "duplicate"> {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const at = ctx.clock.now();
    const next = new Map<StreamName, number>();
    const entries: NewEntry[] = [];
    for (const { type, payload, publics } of changes) {
      const stream = type.split(".")[0] as StreamName;
      const version = next.get(stream) ?? (await nextVersion(ctx, stream));
      next.set(stream, version + 1);
      entries.push(seal(ctx, stream, version, type, at, payload, publics));
    }
    const result = await ctx.store.append({ entries, ...extra });
    if (result.status === "appended") return "recorded";
    if (result.status === "duplicate") return "duplicate";
  }
  const types = changes.map(({ type }) => `\`${type}\``).join(", ");
  throw new EngineError({ code: "contention", message: `the change ${types} could not be recorded; try again` });
}

/** Streams of changes grow for years, so their next version is remembered beside the store and checked by it. */
const versions = new WeakMap<Context["store"], Map<StreamName, number>>();

async function nextVersion(ctx: Pick<Context, "store">, stream: StreamName): Promise<number> {
  let known = versions.get(ctx.store);
  if (known === undefined) versions.set(ctx.store, (known = new Map()));
  const from = known.get(stream) ?? 0;
  const next = from + (await ctx.store.stream(stream, from)).length;
  known.set(stream, next);
  return next;
}
