import { jsonAt } from "../../core/action/index.ts";
import { textIn, ItemList } from "./entry.ts";
import type { Items, ReadEntry } from "./entry.ts";
import type { IndexRange } from "./range.ts";

/** What went another way than "asked, decided, done". Most are the controls at work; an auditor looks at each kind. */
export const EXCEPTIONS = {
  refused_self: "Reviews refused because the person stands behind the action",
  refused_other: "Reviews refused for another reason",
  voided: "Reviews that stopped counting",
  denied: "Requests that people denied",
  expired: "Requests that ran out of time",
  failed_request: "Requests that the server ended",
  unused: "Approvals that nobody used",
  failed_action: "Released actions that failed, or whose outcome is unknown",
  limit_exceeded: "Agents that asked too often",
  demo: "Starts in demo mode, in which anybody may act as anybody",
  erasure: "Erasures of payloads",
  epoch: "Epochs closed and continued",
  key: "Keys created or replaced",
} as const;
export type ExceptionKind = keyof typeof EXCEPTIONS;

/** Every kind, also those of which there is none: "none" is an answer too. */
export type Exceptions = Readonly<Record<ExceptionKind, Items>>;

/** Collects the exceptions of a range. */
export class ExceptionFinder {
  readonly #range: IndexRange;
  readonly #lists: Readonly<Record<ExceptionKind, ItemList>>;

  constructor(range: IndexRange) {
    this.#range = range;
    const kinds = Object.keys(EXCEPTIONS) as ExceptionKind[];
    this.#lists = Object.fromEntries(kinds.map((kind) => [kind, new ItemList()])) as Record<ExceptionKind, ItemList>;
  }

  /** The next entry, in the order of indexes. */
  add(entry: ReadEntry): void {
    const { index, header } = entry;
    if (index < this.#range.first || index >= this.#range.end) return;
    const found = exceptionIn(entry);
    if (found === null) return;
    this.#lists[found.kind].add({ index, at: header.at, stream: header.stream, because: found.because });
  }

  result(): Exceptions {
    const kinds = Object.entries(this.#lists).map(([kind, list]) => [kind, list.all]);
    return Object.fromEntries(kinds) as Exceptions;
  }
}

type Found = { readonly kind: ExceptionKind; readonly because: string };

function exceptionIn({ header, payload }: ReadEntry): Found | null {
  const { type, publics } = header;
  const said = (...path: readonly string[]): string => textIn(payload, ...path) ?? "erased";
  switch (type) {
    case "review.refused": {
      const self = publics["rule"] === "person_barred";
      const because = `${said("person")}: ${said("refusal", "because")}`;
      return { kind: self ? "refused_self" : "refused_other", because };
    }
    case "review.voided":
      return { kind: "voided", because: `${said("person")}: ${said("refusal", "because")}` };
    case "request.denied":
      return { kind: "denied", because: `by ${said("by")}` };
    case "request.expired":
      return { kind: "expired", because: "nobody said enough in time" };
    case "request.failed":
      return { kind: "failed_request", because: said("because") };
    case "permit.expired":
      return { kind: "unused", because: "approved, and the time to use it passed" };
    case "action.completed":
      return publics["status"] === "succeeded"
        ? null
        : { kind: "failed_action", because: `the gate says: ${textIn(publics, "status") ?? "nothing"}` };
    case "limit.exceeded":
      return { kind: "limit_exceeded", because: `${said("agent")}: ${textIn(publics, "limit") ?? "a limit"}` };
    case "server.started":
      return demoIn(payload);
    case "erasure.performed":
      return { kind: "erasure", because: "payloads were erased under a legal basis" };
    case "epoch.closed":
      return { kind: "epoch", because: `closed: ${said("because")}` };
    case "epoch.continued":
      return { kind: "epoch", because: `continued as ${textIn(publics, "origin") ?? "another origin"}` };
    case "key.created": {
      const replaced = textIn(publics, "replaces");
      const how = replaced === null ? "created" : `replaces ${replaced}`;
      return { kind: "key", because: `${textIn(publics, "purpose") ?? "a"} key ${how}` };
    }
    default:
      return null;
  }
}

function demoIn(payload: ReadEntry["payload"]): Found | null {
  if (payload === null) return { kind: "demo", because: "whether this start was in demo mode was erased" };
  const isDemo = jsonAt(payload, "demo") === true;
  return isDemo ? { kind: "demo", because: "the server was started in demo mode" } : null;
}
