/** Where the OpenTelemetry API keeps what an application has registered, for every copy of it: its version 1. */
const REGISTRY = Symbol.for("opentelemetry.js.api.1");

/** The parts of it that are used here. */
type Registry = {
  readonly context?: { active(): unknown };
  readonly propagation?: {
    inject(context: unknown, carrier: Record<string, string>, setter: typeof SETTER): void;
  };
};

const SETTER = {
  set: (carrier: Record<string, string>, name: string, value: string): void => {
    carrier[name] = value;
  },
};

/** W3C Trace Context: nothing else of what an application propagates goes to the server, baggage least of all. */
const NAMES: ReadonlySet<string> = new Set(["traceparent", "tracestate"]);

/**
 * The headers by which a server's spans join the trace of this call: none where the application has not set up
 * OpenTelemetry. It is asked by its registry, so that the client needs no package. A fault in it costs the trace alone.
 */
export function traceHeaders(): Readonly<Record<string, string>> {
  // A global that only that API writes; it is optional in every part.
  const api = (globalThis as { readonly [REGISTRY]?: Registry })[REGISTRY];
  if (api?.propagation === undefined || api.context === undefined) return {};
  const carrier: Record<string, string> = {};
  try {
    api.propagation.inject(api.context.active(), carrier, SETTER);
  } catch {
    return {};
  }
  return Object.fromEntries(Object.entries(carrier).filter(([name]) => NAMES.has(name)));
}
