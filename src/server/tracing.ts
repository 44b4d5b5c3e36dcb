import { context, propagation, SpanKind, SpanStatusCode, trace, type Tracer } from "@opentelemetry/api";
import type { AppendResult } from "../ports/store.ts";
import { HttpProblem } from "./problem.ts";
import { version } from "./version.ts";

// Until somebody registers a provider, this answers spans that do nothing.
const tracer: Tracer = trace.getTracer("keyturn", version());

/**
 * Runs the work of one route as a span that continues the caller's trace. It names the route as it is documented: no id,
 * person or parameter stands in a trace.
 */
export async function tracedRoute<T>(
  route: { readonly method: string; readonly url: string },
  headers: Readonly<Record<string, string | string[] | undefined>>,
  work: () => Promise<T>,
): Promise<T> {
  const attributes = { "http.request.method": route.method, "http.route": route.url };
  const parent = propagation.extract(context.active(), headers);
  const options = { kind: SpanKind.SERVER, attributes };
  return tracer.startActiveSpan(`${route.method} ${route.url}`, options, parent, async (span) => {
    try {
      return await work();
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
  if (trace.getActiveSpan()?.isRecording() !== true) return;
  const span = tracer.startSpan("store.append", { kind: SpanKind.CLIENT, attributes: { "keyturn.entries": entries } });
  result.then(
    ({ status }) => span.setAttribute("keyturn.result", status).end(),
    () => span.setStatus({ code: SpanStatusCode.ERROR }).end(),
  );
}
