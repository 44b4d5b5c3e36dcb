import type { FastifyReply } from "fastify";
import type { AppendResult } from "../ports/store.ts";
import { Later } from "./later.ts";
import { HttpProblem } from "./problem.ts";
import { version } from "./version.ts";

type Api = typeof import("@opentelemetry/api");

/** Where the OpenTelemetry API keeps what an application has registered, for every copy of it: its version 1. */
const REGISTRY = Symbol.for("opentelemetry.js.api.1");

/** The API, once somebody hears of spans: most servers have nobody, and are spared its fifty modules and its contexts. */
let api: Api | null = null;

/** Whether a provider is registered: without one, spans do nothing. */
function isTraced(): boolean {
  // A global that only that API writes; it is optional in every part.
  return (globalThis as { readonly [REGISTRY]?: { readonly trace?: unknown } })[REGISTRY]?.trace !== undefined;
}

/**
 * Runs the work of one route as a span that continues the caller's trace. It names the route as it is documented: no id,
 * person or parameter stands in a trace.
 */
export async function tracedRoute(
  route: { readonly method: string; readonly url: string },
  reply: FastifyReply,
  work: () => Promise<unknown>,
): Promise<unknown> {
  if (!isTraced()) return work();
  const { context, propagation, SpanKind, SpanStatusCode, trace } = (api ??= await import("@opentelemetry/api"));
  const attributes = { "http.request.method": route.method, "http.route": route.url };
  const parent = propagation.extract(context.active(), reply.request.headers);
  const options = { kind: SpanKind.SERVER, attributes };
  return trace
    .getTracer("keyturn", version())
    .startActiveSpan(`${route.method} ${route.url}`, options, parent, async (span) => {
      try {
        const answer = await work();
        return answer instanceof Later ? await answer.settled(reply) : answer; // the span lasts as long as the wait
      } catch (error) {
        const code =
          error instanceof HttpProblem ? error.code : "code" in Object(error) ? String(Object(error).code) : "";
        span.setAttribute("error.type", code === "" ? "internal" : code);
        span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        span.end();
      }
    });
}

/** One append as a span of the route that waits for it; nothing where no trace is under way. */
export function tracedAppend(entries: number, result: Promise<AppendResult>): void {
  if (api === null || !isTraced()) return; // no route has begun a span
  const { SpanKind, SpanStatusCode, trace } = api;
  if (trace.getActiveSpan()?.isRecording() !== true) return;
  const span = trace
    .getTracer("keyturn", version())
    .startSpan("store.append", { kind: SpanKind.CLIENT, attributes: { "keyturn.entries": entries } });
  result.then(
    ({ status }) => span.setAttribute("keyturn.result", status).end(),
    () => span.setStatus({ code: SpanStatusCode.ERROR }).end(),
  );
}
