// Carries out a trace of the model on the engine, two instances over one memory store, and compares after every step.
import { randomBytes } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { parseQuestion } from "../../src/core/action/index.ts";
import type { Refusal, RequestState } from "../../src/core/approval/index.ts";
import type { Instant, PersonId, RequestId } from "../../src/core/brand.ts";
import { approvalOf } from "../../src/core/ids.ts";
import { applyApproval, ask, Bus, evaluate, giveUp, loadRequest, newSurroundings } from "../../src/engine/index.ts";
import { RateWindows, redeem, submitReview, sweep, Turns } from "../../src/engine/index.ts";
import type { Caller, EngineContext, Evaluation, Issued, Redeemed } from "../../src/engine/index.ts";
import type { Append, AppendResult, Store } from "../../src/ports/store.ts";
import { openMemoryStore } from "../../src/stores/memory/index.ts";
import { FailingStore } from "../support/failing-store.ts";
import { SIGNER } from "../simulation/machine.ts";
import { AGENT, callerAt, SECOND, START, worldOf } from "../simulation/world.ts";
import type { Op, Seen, Step, Trace } from "./trace.ts";

/** What one unit of the model's time is here; its limits are those of the simulation's world. */
const UNIT_MS = 30 * SECOND;
const MEMBERS = ["ann", "bob", "cy", "dee", "eve"];
const OWNER = "eve";
const HOLDER = "cy";
const QUESTION = parseQuestion({
  subject: { type: "agent", id: AGENT },
  action: { name: "rows.export" },
  resource: { type: "t", id: "r" },
});
const LIMITS = {
  pendingPerAgent: 9,
  deferredPerAgent: 9,
  evaluationsPerMinute: 1000,
  denialCooldownMs: 3600 * SECOND,
  evaluationTtlMs: 3600 * SECOND,
  approvedForMs: 6 * UNIT_MS,
  waitMaxMs: 0,
  waitersMax: 0,
};

/** One instance of the model: what it is about to commit waits until the trace lets it. */
class Instance {
  readonly ctx: EngineContext;
  answer: string | null = null;
  /** True while commits go through at once. */
  isFree = true;
  release: (() => void) | null = null;

  constructor(house: House) {
    this.ctx = contextOf(house, (change) => this.#append(house, change));
  }

  async #append(house: House, change: Append): Promise<AppendResult> {
    if (!this.isFree) await new Promise<void>((resolve) => (this.release = resolve));
    const { inTime } = change;
    return house.memory.append(inTime === undefined ? change : { ...change, inTime: { ...inTime, now: house.now } });
  }

  /** Until it has an answer, or stands before a commit. */
  async rest(): Promise<string> {
    while (this.answer === null && this.release === null) await turn();
    return this.answer ?? "waits";
  }
}

/** The store as one instance has it: only its appends are its own. */
class HeldStore extends FailingStore {
  override append: Store["append"];

  constructor(real: Store, append: Store["append"]) {
    super(real);
    this.append = append;
  }
}

type Gates = ReadonlyMap<string, { readonly caller: Caller; readonly evaluation: Evaluation }>;
type House = { readonly memory: Store; now: Instant; inactive: Set<string> };

function contextOf(house: House, append: Store["append"]): EngineContext {
  const store = new HeldStore(house.memory, append);
  const rules = (): ReturnType<EngineContext["rules"]> => {
    const long = START - 1000 * SECOND;
    const members = new Map([["owners", new Map(MEMBERS.map((person) => [person, long]))]]);
    const law = { outcome: "hold", terms: [["owners", 2]], assurance: "A1" } as const;
    const plain = { version: 0, inactive: house.inactive, members, owners: [OWNER], law, grave: false };
    return worldOf({ ...plain, deployers: [], delegations: [], edits: [] }).rules;
  };
  return {
    store,
    around: newSurroundings(house.memory),
    clock: { now: () => house.now },
    chance: { bytes: (length) => randomBytes(length) },
    signer: SIGNER,
    issuer: "https://keyturn.example.com",
    limits: LIMITS,
    windows: new RateWindows(),
    turns: new Turns(),
    bus: new Bus(),
    rules,
  };
}

/** Carries a trace out; answers the first place where the engine differs from the model, or null. */
export async function replay(trace: Trace): Promise<string | null> {
  const replayed = await Replayed.open();
  for (const [at, step] of trace.steps.entries()) {
    const told = await replayed.take(step);
    const seen = await replayed.seen();
    const wanted = step.act === "init" ? [seen] : [step.result, step.seen];
    const got = step.act === "init" ? [step.seen] : [told, seen];
    if (JSON.stringify(wanted) !== JSON.stringify(got)) {
      const words = `${step.act} ${step.inst} ${JSON.stringify(step.op)}`;
      return `step ${at}, ${words}: the model says ${JSON.stringify(wanted)}, the engine ${JSON.stringify(got)}`;
    }
  }
  return null;
}

class Replayed {
  readonly #house: House;
  readonly #clerk: Instance;
  readonly #instances: ReadonlyMap<string, Instance>;
  readonly #gates: Gates;
  readonly #id: RequestId;
  readonly #digest: string;
  readonly #permits = new Map<string, string>();
  #clicks = 0;

  private constructor(house: House, clerk: Instance, gates: Gates, opened: RequestState) {
    this.#house = house;
    this.#clerk = clerk;
    this.#instances = new Map(["i1", "i2"].map((name) => [name, new Instance(house)]));
    this.#gates = gates;
    this.#id = opened.opened.id;
    this.#digest = opened.opened.digest;
  }

  /** A request of gate-a that nobody has looked at. */
  static async open(): Promise<Replayed> {
    const house: House = { memory: openMemoryStore(), now: START as Instant, inactive: new Set() };
    const clerk = new Instance(house);
    const gates = new Map<string, { caller: Caller; evaluation: Evaluation }>();
    for (const [at, gate] of ["gate-a", "gate-b"].entries()) {
      const caller = callerAt(AGENT, gate, String(at + 1), gate === "gate-b" ? HOLDER : null);
      gates.set(gate, { caller, evaluation: await evaluate(clerk.ctx, caller, QUESTION) });
    }
    return new Replayed(house, clerk, gates, await join(clerk.ctx, gates, "gate-a"));
  }

  async take({ act, inst, op }: Step): Promise<string> {
    const instance = this.#instances.get(inst) ?? this.#clerk;
    switch (act) {
      case "init":
        return "";
      case "tick":
        this.#house.now = (this.#house.now + UNIT_MS) as Instant;
        return "ok";
      case "deactivate":
        this.#house.inactive = new Set([...this.#house.inactive, op.who]);
        return "ok";
      case "join":
        await join(this.#clerk.ctx, this.#gates, "gate-b");
        return "ok";
      case "sweep":
        await sweep(this.#clerk.ctx);
        return "ok";
      case "begin":
        instance.isFree = false;
        instance.answer = null;
        // In the model, whoever begins sees what is there. What an instance remembers may be behind it: that costs it a round.
        instance.ctx.around.latest.forget(this.#id);
        void this.#perform(instance.ctx, op).then(
          (told) => (instance.answer = told),
          (error: unknown) => (instance.answer = `fault: ${String(error)}`),
        );
        return instance.rest();
      case "finish": {
        const { release } = instance;
        instance.isFree = true;
        instance.release = null;
        release?.();
        return instance.rest();
      }
      default:
        throw new RangeError(`the model has a step \`${act}\` that nothing here carries out`);
    }
  }

  async #perform(ctx: EngineContext, op: Op): Promise<string> {
    switch (op.kind) {
      case "approve":
      case "deny": {
        const reviewer = { person: op.who as PersonId, link: "L3", assurance: "A1" } as const;
        const account = { issuer: "https://idp.example.com", subject: op.who };
        const nonce = String((this.#clicks += 1));
        const intent = {
          reviewer,
          account,
          channel: "model",
          verdict: op.kind,
          digest: this.#digest,
          reason: null,
          nonce,
        };
        return said(await submitReview(ctx, this.#id, intent));
      }
      case "giveUp":
        return said(await giveUp(ctx, this.#gate("gate-a").caller, this.#id));
      case "apply": {
        const { caller, evaluation } = this.#gate(op.gate);
        const issued = await applyApproval(ctx, caller, evaluation, approvalOf(this.#id));
        if ("permit" in issued) this.#permits.set(permitName(op.gate, this.#units(issued.expiresAt)), issued.permit);
        return said(issued);
      }
      case "redeem": {
        const permit = this.#permits.get(permitName(op.permit.gate, op.permit.exp));
        if (permit === undefined) return "no such permit was issued";
        return said(await redeem(ctx, this.#gate(op.gate).caller, permit, this.#digest, op.attempt));
      }
      default:
        throw new RangeError(`the model has an operation \`${op.kind}\` that nothing here carries out`);
    }
  }

  #gate(name: string): { readonly caller: Caller; readonly evaluation: Evaluation } {
    const gate = this.#gates.get(name);
    if (gate === undefined) throw new RangeError(`there is no gate \`${name}\``);
    return gate;
  }

  #units(at: number): number {
    return (at - START) / UNIT_MS;
  }

  /** The request as the store has it, in the model's words. */
  async seen(): Promise<Seen> {
    const state = await loadRequest(this.#clerk.ctx, this.#id);
    if (state === null) throw new Error("the request is gone");
    const { progress, reviews, barred, version } = state;
    const approvals = reviews.filter(({ verdict }) => verdict === "approve").map(({ person }) => person);
    const people = {
      approvals: approvals.toSorted(),
      barred: [...new Set(barred.map(({ person }) => person))].toSorted(),
    };
    const permit = progress.status === "approved" ? progress.permit : null;
    return {
      status: progress.status,
      version,
      ...people,
      until: progress.status === "approved" ? this.#units(progress.approvedUntil) : 0,
      permit: permit?.status ?? "none",
      exp: permit?.status === "issued" ? this.#units(permit.expiresAt) : 0,
      attempt: permit?.status === "redeemed" ? permit.attempt : "",
    };
  }
}

function permitName(gate: string, exp: number): string {
  return `${gate} ${exp}`;
}

let keys = 0;
async function join(ctx: EngineContext, gates: Gates, gate: string): Promise<RequestState> {
  const { caller, evaluation } = gates.get(gate) ?? {};
  if (caller === undefined || evaluation === undefined) throw new RangeError(`there is no gate \`${gate}\``);
  const value = String((keys += 1));
  return ask(ctx, caller, {
    question: QUESTION,
    evaluation: evaluation.id,
    client: null,
    key: { value, fingerprint: value },
  });
}

function said(result: RequestState | Issued | Redeemed | Refusal): string {
  return "refused" in result ? result.refused : "ok";
}
