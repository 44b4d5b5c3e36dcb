import type { Effect } from "./facts.ts";

/** What the operator says of one kind of HTTP request; whatever fits no rule is opaque. */
export type RequestRule = {
  /** The exact host, lower case, without port. */
  readonly host: string;
  /** The port where it is not the scheme's own. */
  readonly port?: number;
  /** `https` where nothing else is said. */
  readonly scheme?: "https" | "http";
  /** Methods in upper case. */
  readonly methods: readonly string[];
  /** Segments as they are, or `{name}` for exactly one segment: `/v1/users/{id}`. */
  readonly path: string;
  /** Names that the query may have; none where nothing is said. */
  readonly query?: readonly string[];
  /** What such a request does. */
  readonly effects: readonly Effect[];
};
