import { isJsonObject } from "../core/action/index.ts";
import type { Json } from "../core/action/index.ts";
import type { OpenedHeader } from "../core/ledger/index.ts";
import { faultOfProof, readProof } from "./assertion.ts";
import type { Proof } from "./assertion.ts";
import { ASSURANCE_PROVEN, faultsOfApproval } from "./people.ts";
import type { Complain } from "./report.ts";
import { faultOfApprover, missingBars } from "./roster.ts";
import type { Roster } from "./roster.ts";
import {
  ShapeError,
  booleanAt,
  listAt,
  numberAt,
  objectAt,
  readBarred,
  readOpened,
  readReview,
  textAt,
  textsAt,
} from "./shapes.ts";
import type { Opened, Review } from "./shapes.ts";
import type { Stage } from "./streams.ts";

/** How the name of a request's stream begins. */
export const REQUEST_STREAM = "request/";

/** Whether a stream is that of an approval request. */
export function isRequestStream(stream: string): boolean {
  return stream.startsWith(REQUEST_STREAM);
}

/** Which stages an entry may find, and which it leaves. No `to`: it stays where it is. */
const STEPS: { readonly [type: string]: { readonly from: readonly Stage[]; readonly to?: Stage } } = {
  "request.opened": { from: ["unopened"], to: "pending" },
  "request.attached": { from: ["pending", "approved"] },
  "review.recorded": { from: ["pending"] },
  "review.refused": { from: ["pending", "approved", "redeemed", "completed", "closed"] },
  // The approval stood on the review that fell: people are asked again.
  "review.voided": { from: ["pending", "approved"], to: "pending" },
  "request.approved": { from: ["pending"], to: "approved" },
  "request.denied": { from: ["pending"], to: "closed" },
  "request.expired": { from: ["pending"], to: "closed" },
  "request.cancelled": { from: ["pending"], to: "closed" },
  "request.failed": { from: ["pending"], to: "closed" },
  "permit.issued": { from: ["approved"] },
  "permit.redeemed": { from: ["approved"], to: "redeemed" },
  "permit.expired": { from: ["approved"], to: "closed" },
  "action.completed": { from: ["redeemed"], to: "completed" },
};

/** The stage after an entry. What may not come is said, and changes nothing; a release counts even then. */
export function stepOf(type: string, stage: Stage, complain: Complain): Stage {
  const step = Object.hasOwn(STEPS, type) ? STEPS[type] : undefined;
  if (step === undefined) {
    complain(`\`${type}\` is no entry of a request that this verifier knows`);
    return stage;
  }
  if (stage === "earlier") return type === "permit.redeemed" ? "redeemed" : stage;
  const fits = step.from.includes(stage);
  if (!fits) complain(`\`${type}\` while the request was ${stage}`);
  return step.to !== undefined && (fits || type === "permit.redeemed") ? step.to : stage;
}

/** Whether a request in this stage may still release something: only then its people and times are kept. */
export function isLive(stage: Stage): boolean {
  return stage === "pending" || stage === "approved";
}

/** What a request is judged by beside its own entries. */
export type Surroundings = {
  /** The rosters that may have been in force when the entry was written; none where that cannot be known. */
  readonly rosters: () => readonly Roster[];
  /** Whether policies may have been in force then. */
  readonly isPolicy: (digest: string) => boolean;
  /** The ledger's origin, where a checkpoint names it. */
  readonly origin: string | null;
  readonly complain: Complain;
  /** Says so where `later` was before `earlier`. */
  readonly ordered: (what: string, earlier: number, later: number) => void;
  /** Says so where a payload's own time is not that of its entry. */
  readonly same: (what: string, at: number, said: number) => void;
};

/** People and times of one open request, followed entry by entry for as long as no payload that matters was erased. */
export class RequestTrail {
  readonly #stream: string;
  #readable = true;
  #opened: Opened | null = null;
  #raised = false;
  readonly #barred = new Set<string>();
  readonly #reviews = new Map<string, Review>();
  #approval: { readonly by: readonly string[]; readonly at: number; readonly until: number } | null = null;

  constructor(stream: string) {
    this.#stream = stream;
  }

  /** Everything that the people rules need was there when it was needed. */
  get readable(): boolean {
    return this.#readable;
  }

  /** The digest of the action, once its opening was read. */
  get digest(): string | null {
    return this.#opened?.digest ?? null;
  }

  /** The next entry. `payload` is undefined when it was erased, or is not the one that was committed to. */
  follow({ type, at, publics }: OpenedHeader, payload: Json | undefined, around: Surroundings): void {
    const shown = publics["digest"];
    if (shown !== undefined && this.digest !== null && shown !== this.digest) {
      around.complain("the header shows the digest of another action than the request");
    }
    if (!this.#readable || !DECISIVE.has(type)) return;
    if (payload === undefined) {
      this.#readable = false;
      return;
    }
    try {
      this.#read(type, at, payload, around);
    } catch (error) {
      this.#readable = false;
      around.complain(`\`${type}\` cannot be read: ${error instanceof Error ? error.message : "unknown"}`);
    }
  }

  #read(type: string, at: number, payload: Json, around: Surroundings): void {
    switch (type) {
      case "request.opened":
        this.#open(at, readOpened(payload), around);
        break;
      case "request.attached":
        for (const person of readBarred(payload)) this.#barred.add(person);
        this.#raised ||= booleanAt(payload, "raise");
        break;
      case "review.recorded":
        this.#review(at, readReview(payload), readProof(objectAt(payload, "review")), around);
        break;
      case "review.voided":
        this.#reviews.delete(textAt(payload, "person"));
        this.#approval = null;
        break;
      case "request.approved":
        this.#approve(at, textsAt(payload, "by"), numberAt(payload, "approvedUntil"), around);
        break;
      case "permit.redeemed":
        this.#redeem(at, textAt(payload, "permit"), around);
        break;
    }
  }

  #open(at: number, opened: Opened, { rosters, complain, same }: Surroundings): void {
    this.#opened = opened;
    for (const person of opened.barred) this.#barred.add(person);
    if (this.#stream !== REQUEST_STREAM + opened.id) complain(`the request is \`${opened.id}\`, the stream another's`);
    same("the request was opened", at, opened.openedAt);
    const { agent } = opened;
    if (agent === null) return;
    const missing = rosters().map((roster) => missingBars(roster, agent, this.#barred));
    if (missing.length === 0 || missing.some((people) => people.length === 0)) return;
    complain(`\`${missing[0]?.join("`, `")}\` stands behind the agent by the directory in force, and is not barred`);
  }

  #review(at: number, review: Review, proof: Proof | null, around: Surroundings): void {
    around.same("the review was made", at, review.at);
    if (review.assurance >= ASSURANCE_PROVEN || proof !== null) this.#checkProof(review, proof, around);
    this.#reviews.set(review.person, review);
    if (review.verdict === "approve") this.#checkRoster(review, around);
  }

  #approve(at: number, by: readonly string[], until: number, around: Surroundings): void {
    const opened = this.#request();
    this.#approval = { by, at, until };
    if (at >= opened.expiresAt) around.complain("it was approved after its time was over");
    if (until > at + opened.approvedForMs) around.complain("the approval lasts longer than the request allowed");
    around.ordered("it was approved before it was opened", opened.openedAt, at);
    this.#judge(by, around);
  }

  #redeem(at: number, permit: string, around: Surroundings): void {
    const opened = this.#request();
    if (permit.slice(permit.indexOf("_")) !== opened.id.slice(opened.id.indexOf("_"))) {
      around.complain("the permit belongs to another request");
    }
    if (this.#approval === null) return around.complain("the permit was redeemed and no approval stood");
    if (at >= this.#approval.until) around.complain("the permit was redeemed after the approval had ended");
    around.ordered("it was released before it was approved", this.#approval.at, at);
    this.#judge(this.#approval.by, around);
    for (const person of this.#approval.by) {
      const review = this.#reviews.get(person);
      if (review !== undefined) this.#checkRoster(review, around);
    }
  }

  #judge(by: readonly string[], { complain }: Surroundings): void {
    const panel = { opened: this.#request(), barred: this.#barred, raised: this.#raised, reviews: this.#reviews };
    for (const fault of faultsOfApproval(panel, by)) complain(fault);
  }

  #checkProof(review: Review, proof: Proof | null, { rosters, isPolicy, origin, complain }: Surroundings): void {
    const { id, digest } = this.#request();
    const keys = rosters().map(({ passkeys }) => passkeys.get(review.person) ?? new Map<string, string>());
    const fault = faultOfProof(proof, { origin, request: id, digest, review, isPolicy, keys });
    if (fault !== null) complain(fault);
  }

  /** One of the rosters that may have been in force has to let the person approve. */
  #checkRoster({ person, groups, passkey }: Review, { rosters, complain }: Surroundings): void {
    const { agent, openedAt } = this.#request();
    const faults = rosters().map((roster) => faultOfApprover(roster, { person, groups, agent, openedAt, passkey }));
    const [first] = faults;
    if (first !== undefined && first !== null && faults.every((fault) => fault !== null)) complain(first);
  }

  #request(): Opened {
    if (this.#opened === null) throw new ShapeError("the request was never opened");
    return this.#opened;
  }

  /** For the next verification. */
  dump(): Json {
    return {
      stream: this.#stream,
      readable: this.#readable,
      opened:
        this.#opened === null ? null : { ...this.#opened, terms: this.#opened.terms.map((term) => ({ ...term })) },
      raised: this.#raised,
      barred: [...this.#barred],
      reviews: [...this.#reviews.values()].map((review) => ({ ...review })),
      approval: this.#approval,
    };
  }

  /** Reads what `dump` wrote. */
  static restore(json: Json): { readonly stream: string; readonly trail: RequestTrail } {
    const stream = textAt(json, "stream");
    const trail = new RequestTrail(stream);
    trail.#readable = booleanAt(json, "readable");
    const { opened, approval } = isJsonObject(json) ? json : {};
    // Written by `dump`, and kept where only the auditor writes: the shapes are those above.
    trail.#opened = isJsonObject(opened) ? (objectAt(json, "opened") as Opened) : null;
    trail.#raised = booleanAt(json, "raised");
    for (const person of textsAt(json, "barred")) trail.#barred.add(person);
    for (const review of listAt(json, "reviews") as readonly Review[]) trail.#reviews.set(review.person, review);
    trail.#approval = isJsonObject(approval)
      ? { by: textsAt(approval, "by"), at: numberAt(approval, "at"), until: numberAt(approval, "until") }
      : null;
    return { stream, trail };
  }
}

/** Entries whose payload the people rules need. */
const DECISIVE = new Set([
  "request.opened",
  "request.attached",
  "review.recorded",
  "review.voided",
  "request.approved",
  "permit.redeemed",
]);
