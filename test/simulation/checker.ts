// What must hold after every step, each law under the id of the threat that it answers (SECURITY.md).
import type { JsonObject } from "../../src/core/action/index.ts";
import type { Append, AppendResult, NewEntry } from "../../src/ports/store.ts";
import type { Answer, Operation } from "./operations.ts";
import { attemptOf, barredIn, groupsIn, isOpen, raised, seated, standing, type Known } from "./record.ts";
import type { World } from "./world.ts";

/** What broke a law: the threat, the law in words, and where. */
export type Violation = { readonly threat: string; readonly law: string; readonly where: string };

/** An append as the store was asked for it: by whom, under which rules, and when by that instance's clock. */
export type Call = {
  readonly run: number;
  readonly op: Operation;
  /** The rules in force at the instance when it asked. */
  readonly world: World;
  /** All rules that this operation has looked at so far. */
  readonly seen: readonly World[];
  readonly clock: number;
  /** The later of that clock and the true time, at the commit: what the store goes by. */
  readonly commit: number;
  /** Commits before the operation began. */
  readonly since: number;
};

type Event = { readonly type: string; readonly at: number; readonly body: JsonObject };
type Appended = Extract<AppendResult, { status: "appended" }>;

const ASSURANCES = ["A0", "A1", "A2", "A3", "A4"];
const decoder = new TextDecoder();

function textIn(body: JsonObject, member: string): string {
  const value = body[member];
  return typeof value === "string" ? value : "";
}

/** Follows every commit and every answer of one history; keeps the first violation. */
export class Checker {
  readonly requests: Map<string, Known> = new Map();
  readonly headers: Uint8Array[] = [];
  violation: Violation | null = null;
  commits = 0;
  readonly cooldownMs: number;
  readonly pendingMax: number;
  readonly #versions = new Map<string, number>();
  readonly #evaluations = new Map<string, string>();
  readonly #keys = new Map<string, { commits: number; request: string | null }>();
  /** The denial that holds an action's cooldown: when it was, and after how many commits. */
  readonly #denied = new Map<string, { readonly id: string; readonly at: number; readonly commit: number }>();

  constructor(limits: { readonly cooldownMs: number; readonly pendingMax: number }) {
    this.cooldownMs = limits.cooldownMs;
    this.pendingMax = limits.pendingMax;
  }

  law(threat: string, holds: boolean, law: string, where: string): void {
    if (!holds) this.violation ??= { threat, law, where };
  }

  /** One atomic change that the store has committed. */
  committed(call: Call, change: Append, result: Appended): void {
    this.commits += 1;
    const where = `op ${call.run}`;
    this.law(
      "ledger.reorder",
      result.index === this.headers.length,
      "indexes are gapless in the order of commits",
      where,
    );
    const events = change.entries.map((entry) => this.#entry(entry, where));
    this.law("ledger.truncate", result.size === this.headers.length, "the size is that of all entries", where);
    for (const [place, entry] of change.entries.entries()) {
      const event = events[place];
      if (event === undefined) continue;
      if (entry.stream.startsWith("evaluation/"))
        this.#evaluations.set(entry.stream.slice(11), textIn(event.body, "digest"));
      if (entry.stream.startsWith("request/")) this.#event(entry.stream.slice(8), event, events.slice(place + 1), call);
    }
    for (const slot of change.slots ?? []) {
      if ("free" in slot && slot.free.startsWith("denied:")) this.#denied.delete(slot.free.slice(7));
    }
    for (const { type, at } of events) if (type === "request.denied") this.#cool(change, at);
    this.#rows(change, where);
    this.#idempotency(call, change, events);
  }

  /** The bytes of one entry say what the store was told, and its stream grows by one. */
  #entry(entry: NewEntry, where: string): Event {
    const header = JSON.parse(decoder.decode(entry.header)) as { [member: string]: unknown };
    const { stream, type } = entry;
    const version = this.#versions.get(stream) ?? 0;
    const fits = header["stream"] === stream && header["type"] === type && header["version"] === entry.version;
    this.law("ledger.edit", fits, "a header says its stream, type and version", where);
    this.law(
      "quorum.race",
      entry.version === version,
      `versions of a stream are gapless (${type} of ${stream})`,
      where,
    );
    this.#versions.set(stream, version + 1);
    this.headers.push(entry.header);
    // Of an evaluation its header says enough.
    const read = stream.startsWith("request/") ? JSON.parse(decoder.decode(entry.payload)) : header["public"];
    const body = read as JsonObject;
    return { type, at: Date.parse(String(header["time"])), body };
  }

  /** The inbox shows what the stream says, in the same commit. */
  #rows(change: Append, where: string): void {
    for (const stream of new Set(change.entries.map((entry) => entry.stream))) {
      if (!stream.startsWith("request/")) continue;
      const known = this.requests.get(stream.slice(8));
      const row = change.requests?.find((one) => one.id === known?.id);
      this.law("ledger.skip", row?.status === known?.status, "the inbox equals the fold of the stream", where);
    }
  }

  #idempotency({ op, run }: Call, change: Append, events: readonly Event[]): void {
    if (op.kind !== "ask" || events.length === 0) return;
    const last = events.at(-1)?.type;
    if (last === "request.failed" || last === "permit.expired" || last === "request.expired") return;
    const kept = this.#keys.get(op.key) ?? { commits: 0, request: null };
    this.#keys.set(op.key, { ...kept, commits: kept.commits + 1 });
    const once = kept.commits === 0;
    this.law("flood.requests", once, `one key is one ask (${change.entries[0]?.stream ?? ""})`, `op ${run}`);
  }

  #cool(change: Append, at: number): void {
    for (const slot of change.slots ?? []) {
      if (!("take" in slot) || !slot.take.startsWith("denied:")) continue;
      this.#denied.set(slot.take.slice(7), { id: slot.holder.slice(8), at, commit: this.commits });
    }
  }

  #event(id: string, event: Event, after: readonly Event[], call: Call): void {
    const where = `op ${call.run}, ${event.type} of ${id}`;
    const { type } = event;
    if (type === "request.opened") return this.#opened(id, event, call, where);
    const known = this.requests.get(id);
    if (known === undefined) return this.law("ledger.skip", false, "a request begins with `request.opened`", where);
    const over = !isOpen(known) && type !== "review.refused" && type !== "action.completed";
    this.law("quorum.race", !over, "a terminal state is final", where);
    switch (type) {
      case "request.attached":
        return this.#attached(known, event, call, where);
      case "review.recorded":
        return this.#reviewed(known, event, after, call, where);
      case "review.voided":
        known.reviews.delete(textIn(event.body, "person"));
        if (known.status === "approved") known.status = "pending";
        return;
      case "request.approved":
        return this.#approved(known, event, call, where);
      case "permit.issued":
        return this.#issued(known, event, call, where);
      case "permit.redeemed":
        return this.#redeemed(known, event, call, where);
      case "action.completed":
        this.law("ledger.skip", known.redeemed !== null, "an outcome follows a redemption", where);
        this.law("ledger.edit", known.outcome === null, "an outcome is recorded once", where);
        known.outcome = call.op.kind === "complete" ? call.op.report : "";
        return;
      case "review.refused":
        return;
      default:
        return this.#ended(known, type, call, where);
    }
  }

  #opened(id: string, { body, at }: Event, call: Call, where: string): void {
    const { op, world } = call;
    const opened = body["request"] as JsonObject;
    if (op.kind !== "ask") return this.law("ledger.skip", false, "only an ask opens a request", where);
    const digest = textIn(opened, "digest");
    const action = `${op.caller.agent}:${digest}`;
    const open = [...this.requests.values()].filter((other) => isOpen(other) && other.agent === op.caller.agent);
    const none = open.every((other) => other.digest !== digest);
    this.law("flood.requests", none, "the same action attaches to the request that is open", where);
    this.law("flood.requests", open.length < this.pendingMax, "no agent has more requests open than allowed", where);
    const denied = this.#denied.get(action);
    const cooling = denied !== undefined && denied.commit <= call.since && at < denied.at + this.cooldownMs;
    this.law("flood.requests", !cooling, "what people denied is not asked again before the cooldown is over", where);
    const evaluated = this.#evaluations.get(op.evaluation) === digest;
    this.law("ledger.skip", evaluated, "an ask follows an evaluation of the same digest", where);
    const { barred, needsTwo } = attemptOf(world, [op.asked.onBehalfOf, op.caller.holder, op.actor]);
    const told = opened["terms"] as readonly { readonly group: string; readonly quorum: number }[];
    const terms = told.map(({ group, quorum }): [string, number] => [group, quorum]);
    const lawful = call.seen.filter(({ law }) => law.outcome === "hold").map(({ law }) => law);
    const asks = lawful.some(
      (law) => law.outcome === "hold" && String(needsTwo ? raised(law.terms) : law.terms) === String(terms),
    );
    const unknown = needsTwo ? "self.unknown-initiator" : "quorum.declared-not-enforced";
    this.law(unknown, asks, "a request asks what policy says, and two people where nobody is known", where);
    const { effects } = opened["classification"] as { readonly effects: readonly JsonObject[] };
    this.requests.set(id, {
      id,
      agent: op.caller.agent,
      digest,
      openedAt: at,
      expiresAt: Number(opened["expiresAt"]),
      assurance: textIn(opened, "assurance"),
      approvedForMs: Number(opened["approvedForMs"]),
      grave: effects.length > 1,
      places: terms,
      named: new Set(barred),
      reviews: new Map(),
      status: "pending",
      approvedUntil: 0,
      issued: new Map(),
      redeemed: null,
      permitOver: false,
      outcome: null,
    });
  }

  #attached(known: Known, _event: Event, { op, world }: Call, where: string): void {
    if (op.kind !== "ask") return this.law("ledger.skip", false, "only an ask joins a request", where);
    const joined = attemptOf(world, [op.asked.onBehalfOf, op.caller.holder, op.actor]);
    for (const person of joined.barred) known.named.add(person);
    if (joined.needsTwo) known.places = raised(known.places);
  }

  #reviewed(known: Known, { body }: Event, after: readonly Event[], call: Call, where: string): void {
    const { op, world, commit } = call;
    const { person, verdict } = body["review"] as { readonly person: string; readonly verdict: string };
    if (op.kind !== "review") return this.law("approver.claimed", false, "only a person reviews", where);
    const own = op.person === person && op.verdict === verdict && op.request === known.id;
    this.law("approver.claimed", own, "a review is by the person of the session", where);
    this.law("shown.differs", op.digest === known.digest, "a review is of the digest that was shown", where);
    this.law("quorum.race", known.status === "pending", "only a pending request is reviewed", where);
    this.law("default.timeout", commit < known.expiresAt, "nobody reviews what has expired", where);
    this.law("approver.removed", !world.inactive.has(person), "nobody reviews who was deactivated", where);
    this.law("self.linked-account", op.link !== "L2", "no account reviews that is linked too weakly", where);
    const groups = groupsIn(world, known.places, person, known.openedAt);
    this.law("approver.late-member", groups.size > 0, "a reviewer was in the group before the request", where);
    const earlier = known.reviews.get(person);
    this.law("quorum.double-click", earlier?.verdict !== verdict, "one person reviews once", where);
    known.reviews.set(person, { person, verdict, groups, assurance: op.assurance });
    if (verdict === "deny") {
      const ends = after[0]?.type === "request.denied";
      return this.law("quorum.race", ends, "one eligible denial ends a request", where);
    }
    const barred = barredIn(known, world);
    this.law("self.same-account", !barred.has(person), "nobody approves who stands behind the action", where);
    const strong = ASSURANCES.indexOf(op.assurance) >= ASSURANCES.indexOf(known.assurance);
    this.law("quorum.declared-not-enforced", strong, "an approval has the assurance that was asked", where);
  }

  #approved(known: Known, { body }: Event, { op, clock, commit }: Call, where: string): void {
    const approvals = [...known.reviews.values()].filter((r) => r.verdict === "approve" && !known.named.has(r.person));
    this.law("default.timeout", op.kind === "review", "only a person's review approves", where);
    this.law("default.timeout", commit < known.expiresAt, "nothing is approved after its time", where);
    const by = body["by"] as readonly string[];
    this.law(
      "self.delegate",
      by.every((person) => !known.named.has(person)),
      "no barred person approves",
      where,
    );
    const filled = seated(known.places, approvals) && new Set(by).size === by.length;
    this.law("quorum.one-person-many-groups", filled, "distinct people fill all places", where);
    known.status = "approved";
    known.approvedUntil = Number(body["approvedUntil"]);
    const bounded = known.approvedUntil <= clock + known.approvedForMs;
    this.law("permit.expired", bounded, "an approval waits no longer than allowed", where);
  }

  /** By today's world: the approval stands on people who still have a say. */
  #stands(known: Known, { world, commit }: Call, where: string): void {
    this.law("quorum.race", known.status === "approved", "only what is approved is released", where);
    this.law("permit.expired", commit < known.approvedUntil, "an approval is used in its time", where);
    const people = standing(known, world);
    this.law("approver.removed", seated(known.places, people), "those who approved still fill all places", where);
  }

  #issued(known: Known, { body }: Event, call: Call, where: string): void {
    const { op } = call;
    if (op.kind !== "apply") return this.law("ledger.skip", false, "only an applied approval becomes a permit", where);
    this.law("permit.swapped", op.request === known.id, "a permit is for its own approval", where);
    this.#stands(known, call, where);
    const expiresAt = Number(body["expiresAt"]);
    const short = expiresAt <= known.approvedUntil && expiresAt <= call.clock + 60_000;
    this.law("permit.expired", short, "a permit is short-lived and ends with its approval", where);
    known.issued.set(op.caller.gate, Math.max(expiresAt, known.issued.get(op.caller.gate) ?? 0));
  }

  #redeemed(known: Known, _event: Event, call: Call, where: string): void {
    const { op, world, commit } = call;
    if (op.kind !== "redeem") return this.law("ledger.skip", false, "only a redemption uses a permit", where);
    const until = Math.floor(op.permit.expiresAt / 1000) * 1000;
    this.law("permit.expired", commit < until, "nothing is redeemed after the permit's time", where);
    this.law("permit.replayed", known.redeemed === null, "one redemption per approval", where);
    this.law("permit.other-gate", op.permit.gate === op.caller.gate, "a permit is used at its own gate", where);
    this.law("permit.other-gate", known.issued.has(op.caller.gate), "a permit was issued to this gate", where);
    this.law("permit.other-gate", op.caller.agent === known.agent, "a permit is used by its own agent", where);
    const own = op.permit.request === known.id && op.digest === known.digest;
    this.law("permit.swapped", own, "what is redeemed is what was approved", where);
    this.#stands(known, call, where);
    const { law } = world;
    this.law("quorum.declared-not-enforced", law.outcome !== "deny", "policy is asked again at redemption", where);
    if (law.outcome === "hold") {
      const approvals = [...known.reviews.values()].filter(({ verdict }) => verdict === "approve");
      const met = seated(law.terms, approvals);
      this.law("quorum.declared-not-enforced", met, "today's terms are met at redemption", where);
      const wanted = ASSURANCES.indexOf(law.assurance);
      const strong = approvals.every(({ assurance }) => ASSURANCES.indexOf(assurance) >= wanted);
      this.law("quorum.declared-not-enforced", strong, "today's assurance is met at redemption", where);
      this.law("shown.differs", known.grave || !world.grave, "no risk rose since people looked", where);
    }
    known.redeemed = op.attempt;
  }

  #ended(known: Known, type: string, call: Call, where: string): void {
    const { op, clock } = call;
    const pending = known.status === "pending";
    switch (type) {
      case "request.denied":
        this.law("quorum.race", op.kind === "review" && op.verdict === "deny", "only a person denies", where);
        known.status = "denied";
        break;
      case "request.cancelled":
        this.law("permit.late-execution", op.kind === "giveUp" && pending, "only the requester gives up", where);
        known.status = "cancelled";
        break;
      case "request.failed":
        this.law("quorum.race", op.kind === "ask" && pending, "only a further ask finds a request outgrown", where);
        known.status = "failed";
        break;
      case "request.expired":
        this.law("default.timeout", pending && clock >= known.expiresAt, "nothing expires before its time", where);
        known.status = "expired";
        break;
      case "permit.expired": {
        const due = clock >= known.approvedUntil || op.kind === "ask";
        this.law("permit.expired", known.status === "approved" && due, "no approval ends before its time", where);
        known.permitOver = true;
        break;
      }
      default:
        this.law("ledger.edit", false, `no event is called ${type}`, where);
    }
  }

  /** What an instance answered is in the ledger already. */
  answered(run: number, op: Operation, answer: Answer): void {
    if (answer.said !== "ok") return;
    const where = `answer of op ${run}`;
    const known = this.requests.get(answer.request ?? ("request" in op ? op.request : ""));
    switch (op.kind) {
      case "evaluate":
        return this.law(
          "ledger.skip",
          this.#evaluations.has(answer.evaluation?.id ?? ""),
          "an answer is an entry",
          where,
        );
      case "ask": {
        const kept = this.#keys.get(op.key) ?? { commits: 0, request: null };
        this.law("ledger.skip", known !== undefined && kept.commits > 0, "an ask is answered after its entry", where);
        const same = kept.request === null || kept.request === answer.request;
        this.law("flood.requests", same, "one key always has the same answer", where);
        this.#keys.set(op.key, { ...kept, request: answer.request ?? null });
        return;
      }
      case "apply":
        return this.law("ledger.skip", known?.issued.has(op.caller.gate) ?? false, "a permit is an entry", where);
      case "redeem": {
        const used = this.requests.get(op.permit.request)?.redeemed;
        this.law("ledger.skip", typeof used === "string", "a redemption is an entry before it is answered", where);
        return this.law("permit.replayed", used === op.attempt, "one attempt alone is told to execute", where);
      }
      case "complete":
        return this.law("ledger.skip", known?.outcome === op.report, "an outcome is the one that was reported", where);
      default:
    }
  }

  /** Instants at which something ends: where a history's clocks like to stand. */
  boundaries(): readonly number[] {
    return [...this.requests.values()].flatMap((known) => {
      if (!isOpen(known)) return known.status === "denied" ? [known.openedAt + this.cooldownMs] : [];
      if (known.status === "pending") return [known.expiresAt];
      return [known.approvedUntil, ...[...known.issued.values()].map((time) => Math.floor(time / 1000) * 1000)];
    });
  }
}
