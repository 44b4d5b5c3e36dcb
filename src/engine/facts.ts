import { formatId, ID_BYTES } from "../core/ids.ts";
import type { DeferralId, StreamName } from "../core/brand.ts";
import type { Append } from "../ports/store.ts";
import type { Context } from "./context.ts";
import { resolveDeferral, type Deferral } from "./deferrals.ts";
import { EngineError } from "./errors.ts";
import { seal } from "./journal.ts";
import { asDocument, type Statement } from "./stated.ts";

/** Waits that one statement ends; further ones end when their gates ask again. */
const RESOLVED_AT_ONCE_MAX = 30;
const ROUNDS_MAX = 8;

/** Records what a source told, and ends the waits that it answers, in one commit. Answers those waits. */
export async function stateFacts(ctx: Context, statement: Statement): Promise<readonly DeferralId[]> {
  const { stated } = ctx.around;
  if (stated.isFull(statement.about, ctx.clock.now())) {
    const message = "too many facts are stated; let some run out, or state them for a shorter time";
    throw new EngineError({ code: "facts_limited", message, retryAfterMs: 60_000 });
  }
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const at = ctx.clock.now();
    const answered = answeredBy(ctx, statement).slice(0, RESOLVED_AT_ONCE_MAX);
    const id = formatId("evaluation", ctx.chance.bytes(ID_BYTES)).slice("eval_".length);
    const stream = `facts/${id}` as StreamName;
    const payload = asDocument(statement);
    const resolved = answered.map((deferral) => resolveDeferral(ctx, deferral, at, { facts: stream }));
    const change: Append = {
      entries: [
        seal(ctx, stream, 0, "facts.stated", at, payload, { facts: statement.facts.length }),
        ...resolved.flatMap(({ parts }) => parts.entries),
      ],
      slots: resolved.flatMap(({ parts }) => parts.slots),
      timers: resolved.flatMap(({ parts }) => parts.timers),
      documents: [...stated.documents(statement, at), ...resolved.flatMap(({ parts }) => parts.documents)],
    };
    const result = await ctx.store.append(change);
    if (result.status !== "appended") continue; // a gate's own question ended one of the waits just now
    stated.put(statement);
    for (const { deferral } of resolved) ctx.around.deferrals.put(deferral);
    return resolved.map(({ deferral }) => deferral.id);
  }
  throw new EngineError({
    code: "contention",
    message: "the facts could not be recorded; try again",
    retryAfterMs: 500,
  });
}

/** Waits for this thing and for nothing beyond what was told, now and before. */
function answeredBy(ctx: Context, { about, facts }: Statement): readonly Deferral[] {
  const now = ctx.clock.now();
  const isKnown = ({ digest, resource, facts: wanted }: Deferral): boolean => {
    const before = ctx.around.stated.factsOf(digest, resource, now);
    return wanted.every((name) => [...facts, ...before].some((fact) => fact.name === name));
  };
  return ctx.around.deferrals.about(about, isKnown, now);
}
