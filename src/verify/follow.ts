import type { Json, JsonObject } from "../core/action/index.ts";
import { isJsonObject } from "../core/action/index.ts";
import { decodeBase64, encodeBase64 } from "../core/encoding.ts";
import type { OpenedHeader } from "../core/ledger/index.ts";
import type { ClockCheck } from "./clock.ts";
import { EVALUATION_STREAM, faultOfNamed, followEvaluation } from "./evaluation.ts";
import type { Header } from "./header.ts";
import { readPayload } from "./payload.ts";
import { FINDINGS_MAX } from "./report.ts";
import type { Complain, Findings } from "./report.ts";
import { REQUEST_STREAM, RequestTrail, isLive, isRequestStream, stepOf } from "./request.ts";
import { RulesInForce } from "./rules.ts";
import { contradiction, contradictionByBytes } from "./shown.ts";
import { listAt, numberAt, textAt } from "./shapes.ts";
import { StreamBook } from "./streams.ts";
import type { Stage, StreamState } from "./streams.ts";

/** How an audit starts: at the first entry, where an earlier one ended, or in the middle with nothing known before. */
export type Start = { readonly from: "first" | "blind" } | { readonly from: "kept"; readonly state: JsonObject };

/** What was counted while following. */
export type Followed = {
  evaluations: number;
  requests: number;
  released: number;
  /** Actions that were executed, and said how it went. */
  completed: number;
  unreadable: number;
};

/** Follows every stream of a ledger: versions, the order of entries, and what decisions rest on. */
export class Follower {
  readonly counts: Followed = { evaluations: 0, requests: 0, released: 0, completed: 0, unreadable: 0 };
  /** Streams of releases whose people and times could not be read, up to a thousand. */
  readonly unreadable: string[] = [];
  readonly #findings: { readonly completeness: Findings; readonly decisions: Findings };
  readonly #clock: ClockCheck;
  readonly #blind: boolean;
  readonly #origin: string | null;
  readonly #book: StreamBook;
  readonly #rules: RulesInForce;
  readonly #trails = new Map<string, RequestTrail>();

  constructor(
    start: Start,
    findings: { readonly completeness: Findings; readonly decisions: Findings },
    clock: ClockCheck,
    origin: string | null = null,
  ) {
    this.#origin = origin;
    this.#findings = findings;
    this.#clock = clock;
    this.#blind = start.from === "blind";
    this.#rules = new RulesInForce(start.from !== "blind");
    if (start.from !== "kept") {
      this.#book = new StreamBook({ forgetful: this.#blind });
      return;
    }
    const { state } = start;
    this.#book = new StreamBook({ seed: [numberAt(state, "seed0"), numberAt(state, "seed1")], forgetful: true });
    this.#book.restore(decodeBase64(textAt(state, "streams")));
    this.#rules.restore(state["rules"] ?? null);
    for (const kept of listAt(state, "trails")) {
      const { stream, trail } = RequestTrail.restore(kept);
      this.#trails.set(stream, trail);
    }
  }

  /** The next entry. `payload` is null when it was erased, and undefined when it is not the one committed to. */
  follow(index: number, header: Header, payload: Uint8Array | null | undefined): void {
    const { version, at } = header;
    const known = this.#book.turnTo(header);
    this.#checkVersion(index, header, known);
    const stage = known?.stage ?? (this.#blind && version > 0 ? "earlier" : "unopened");
    const next = this.#decide(index, header, payload, stage, known);
    this.#book.put({ version, stage: next.stage, at, subject: next.subject });
  }

  /** Versions of a stream count from 0 without a gap, so that no entry of it was left out. */
  #checkVersion(index: number, header: Header, known: StreamState | null): void {
    const expected = known === null ? 0 : known.version + 1;
    if (header.version === expected) return;
    if (known === null && this.#mayBeForgotten(header)) return;
    const because = `version ${expected} of the stream is expected here, this is ${header.version}`;
    this.#findings.completeness.add(because, index, header.stream);
  }

  /** Streams that ended may be unknown, and one thing may follow on them: a review that was refused because it is over. */
  #mayBeForgotten({ stream, type }: Header): boolean {
    return this.#blind || (this.#book.forgetful && isRequestStream(stream) && type === "review.refused");
  }

  #decide(
    index: number,
    header: Header,
    payload: Uint8Array | null | undefined,
    stage: Stage,
    known: StreamState | null,
  ): { readonly stage: Stage; readonly subject: number } {
    const { type } = header;
    const complain: Complain = (because) => this.#findings.decisions.add(because, index, header.stream);
    if (header.isIn(EVALUATION_STREAM)) {
      if (type === "action.evaluated") this.counts.evaluations++;
      if (type === "action.completed") this.counts.completed++;
      const said = payload === null || payload === undefined ? null : contradictionByBytes(header, payload);
      if (said !== null) complain(said);
      return followEvaluation(header, stage, known, { book: this.#book, rules: this.#rules }, complain);
    }
    if (header.isIn(REQUEST_STREAM)) {
      if (known === null) this.counts.requests++;
      const json = readWhole(payload, complain);
      return { stage: this.#request(index, header.open(), json, stage, complain), subject: 0 };
    }
    if (RulesInForce.changes(type)) this.#rules.change(header.open(), readWhole(payload, complain), complain);
    else if (type === "permit.redeemed") complain("a permit was redeemed outside any request");
    else if (type === "action.completed") complain("an action was executed outside any request and evaluation");
    return { stage: "plain", subject: 0 };
  }

  #request(index: number, header: OpenedHeader, payload: Json | undefined, stage: Stage, complain: Complain): Stage {
    const { stream, type, at, publics } = header;
    const next =
      stage === "unopened" && this.#book.forgetful && type === "review.refused"
        ? "closed"
        : stepOf(type, stage, complain);
    if (payload !== undefined) {
      const said = contradiction(type, publics, payload);
      if (said !== null) complain(said);
    }
    let trail = this.#trails.get(stream);
    if (trail === undefined && type === "request.opened") {
      trail = new RequestTrail(stream);
      this.#trails.set(stream, trail);
    }
    trail?.follow(header, payload, {
      rosters: () => this.#rules.rosters(at),
      isPolicy: (digest) => this.#rules.isPolicy(digest, at),
      origin: this.#origin,
      complain,
      ordered: (what, earlier, later) => this.#clock.ordered(what, earlier, later, index, stream),
      same: (what, at, said) => this.#clock.same(what, at, said, index, stream),
    });
    if (type === "request.opened" || type === "request.attached") this.#checkNamed(header, payload, trail, complain);
    if (type === "permit.redeemed") this.#release(stream, trail);
    if (type === "action.completed") this.counts.completed++;
    if (!isLive(next)) this.#trails.delete(stream);
    return next;
  }

  /** The evaluation that a request names was about the same action, and asked for approval. */
  #checkNamed(
    header: OpenedHeader,
    payload: Json | undefined,
    trail: RequestTrail | undefined,
    complain: Complain,
  ): void {
    const request = isJsonObject(payload) ? (payload["request"] ?? payload) : undefined;
    const evaluation = header.publics["evaluation"] ?? (isJsonObject(request) ? request["evaluation"] : undefined);
    const digest = trail?.digest ?? header.publics["digest"];
    const fault = faultOfNamed(evaluation, digest, header.at, { book: this.#book, blind: this.#blind });
    if (fault !== null) complain(fault);
  }

  #release(stream: string, trail: RequestTrail | undefined): void {
    this.counts.released++;
    if (trail?.readable === true) return;
    this.counts.unreadable++;
    if (this.unreadable.length < FINDINGS_MAX) this.unreadable.push(stream);
  }

  /** For the next verification: what is open, and what is in force. */
  dump(): JsonObject {
    const [seed0, seed1] = this.#book.seed;
    return {
      seed0,
      seed1,
      latest: this.#clock.latest,
      streams: encodeBase64(this.#book.dump()),
      rules: this.#rules.dump(),
      trails: [...this.#trails.values()].map((trail) => trail.dump()),
    };
  }
}

function readWhole(payload: Uint8Array | null | undefined, complain: Complain): Json | undefined {
  if (payload === null || payload === undefined) return undefined;
  try {
    return readPayload(payload);
  } catch (error) {
    complain(error instanceof Error ? error.message : "its payload cannot be read");
    return undefined;
  }
}
