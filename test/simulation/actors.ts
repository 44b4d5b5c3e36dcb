// Who acts in a history: agents, approvers of all kinds, thieves of permits, sweepers, an operator; and the network between
// them and the instances, which loses, repeats and delays.
import type { RequestId } from "../../src/core/brand.ts";
import type { Caller } from "../../src/engine/index.ts";
import type { History } from "./history.ts";
import type { Answer, Operation, Permit } from "./operations.ts";
import { barredIn, type Known } from "./record.ts";
import { callersOf, PEOPLE, pick, questionsOf, type Asked } from "./world.ts";

type Review = Extract<Operation, { kind: "review" }>;
type Pending = { readonly id: RequestId; readonly asked: Asked };

/** One message in so many is lost, and one in so many comes twice, where that is among the faults. */
const LOST_ONE_IN = 10;
const TWICE_ONE_IN = 5;
/** How often a client asks again when it hears nothing. */
const TRIES = 3;

/** How often an agent looks into the inbox before it does something else. */
const NAPS_MAX = 8;

/** What the actors know of each other's doings, as by an inbox that everybody can read. */
class Stage {
  readonly history: History;
  readonly #pending: Pending[] = [];
  readonly #permits: Permit[] = [];
  readonly #clicks: Review[] = [];
  readonly #waiting: (() => void)[] = [];
  #names = 0;

  constructor(history: History) {
    this.history = history;
  }

  oneIn(times: number): boolean {
    return this.history.schedule.oneIn(times);
  }

  name(what: string): string {
    return `${what}${++this.#names}`;
  }

  start(program: Promise<void>): void {
    program.catch((error: unknown) =>
      this.history.checker.law(
        "default.crash",
        false,
        "no actor fails",
        error instanceof Error ? String(error.stack) : "",
      ),
    );
  }

  know(what: { readonly pending?: Pending; readonly permit?: Permit; readonly click?: Review }): void {
    if (what.pending !== undefined) this.#pending.push(what.pending);
    if (what.permit !== undefined) this.#permits.push(what.permit);
    if (what.click !== undefined) this.#clicks.push(what.click);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Resolves when there is a request to review; never, when there never is one. */
  async somePending(): Promise<Pending> {
    while (this.#pending.length === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return pick(this.history.dice, this.#pending);
  }

  async somePermit(): Promise<Permit> {
    while (this.#permits.length === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return pick(this.history.dice, this.#permits);
  }

  /** A long pause: mostly everything that is under way happens before its end. */
  nap(): Promise<void> {
    return new Promise((resolve) => void this.history.schedule.seldom(resolve));
  }

  /** A review that somebody has sent before, if anybody has. */
  someClick(): Review | undefined {
    return this.#clicks[this.history.dice.between(0, Math.max(1, this.#clicks.length))];
  }

  /** Sends until there is an answer, with the same key, nonce or attempt; null when there is none after all tries. */
  async send(op: Operation): Promise<Exclude<Answer, { said: "lost" }> | null> {
    for (let round = 0; round < TRIES; round++) {
      // Evaluating twice changes nothing, and takes time.
      const twice = this.history.faults.duplicates && op.kind !== "evaluate" && this.oneIn(TWICE_ONE_IN);
      const copies = twice ? 2 : 1;
      const answer = await new Promise<Answer>((resolve) => {
        let open = copies;
        for (let copy = 0; copy < copies; copy++) {
          void this.#message(op).then((heard) => {
            open -= 1;
            if (heard.said !== "lost" || open === 0) resolve(heard);
          });
        }
      });
      if (answer.said !== "lost") return answer;
    }
    return null;
  }

  async #message(op: Operation): Promise<Answer> {
    const { schedule, dice, instances, faults } = this.history;
    const isLost = (): boolean => faults.loss && this.oneIn(LOST_ONE_IN);
    await schedule.pause();
    if (isLost()) return { said: "lost" };
    const answer = await this.history.carryOut(op, pick(dice, instances));
    await schedule.pause();
    return isLost() ? { said: "lost" } : answer;
  }
}

/** Evaluates, asks, waits, evaluates again with the approval, redeems, acts, reports. */
async function agent(stage: Stage, caller: Caller, asked: Asked): Promise<void> {
  const evaluated = await stage.send({ kind: "evaluate", caller, asked });
  if (evaluated?.said !== "ok" || evaluated.evaluation === undefined) return;
  const { id: evaluation, outcome } = evaluated.evaluation;
  if (outcome !== "require_approval") return;
  const actor = stage.oneIn(4) ? pick(stage.history.dice, [...PEOPLE, "stranger"]) : null;
  const opened = await stage.send({ kind: "ask", caller, asked, evaluation, key: stage.name("key"), actor });
  if (opened?.said !== "ok" || opened.request === undefined) return;
  const request = opened.request;
  stage.know({ pending: { id: request, asked } });
  let status = opened.status ?? "pending";
  // By the inbox, or by asking: waiting in a long poll, or looking once.
  const inbox = (): string => stage.history.checker.requests.get(request)?.status ?? status;
  for (let nap = 0; nap < NAPS_MAX && inbox() === "pending" && !stage.oneIn(8); nap++) await stage.nap();
  if (!stage.oneIn(5)) status = inbox();
  else {
    const seen = await stage.send(
      stage.oneIn(2) ? { kind: "wait", caller, request, known: status } : { kind: "read", caller, request },
    );
    if (seen?.said === "ok" && seen.status !== undefined) status = seen.status;
  }
  if (status === "pending" && stage.oneIn(6)) await stage.send({ kind: "giveUp", caller, request });
  if (status !== "approved" && !stage.oneIn(6)) return;
  await use(stage, caller, asked, request);
}

async function use(stage: Stage, caller: Caller, asked: Asked, request: RequestId): Promise<void> {
  const applied = await stage.send({ kind: "apply", caller, asked, request });
  if (applied?.said !== "ok" || applied.permit === undefined) return;
  const { permit } = applied;
  stage.know({ permit });
  // Now and then something comes between the permit and its use.
  while (stage.oneIn(2)) await stage.history.schedule.pause();
  const redeemed = await stage.send({
    kind: "redeem",
    caller,
    permit,
    digest: permit.digest,
    attempt: stage.name("attempt"),
  });
  if (redeemed?.said !== "ok" && !stage.oneIn(8)) return;
  await stage.send({ kind: "complete", caller, request, report: stage.name("report") });
}

/** The whole way, and sometimes once more: after a denial, an end or a use. */
async function persistent(stage: Stage, caller: Caller, asked: Asked): Promise<void> {
  do await agent(stage, caller, asked);
  while (stage.oneIn(10));
}

/** Mostly a member of a group that is asked, who does not stand behind the action and has not reviewed; else anybody. */
function someoneFor(stage: Stage, known: Known | undefined): string {
  const { dice, instances } = stage.history;
  const world = instances[0]?.world;
  if (known === undefined || world === undefined || stage.oneIn(5)) return pick(dice, PEOPLE);
  const barred = barredIn(known, world);
  const members = known.places.flatMap(([group]) => [...(world.members.get(group)?.keys() ?? [])]);
  const eligible = members.filter((person) => !barred.has(person) && !known.reviews.has(person));
  return pick(dice, eligible.length > 0 ? eligible : PEOPLE);
}

/** One review by somebody: mostly who may, sometimes who may not, or the same click again. */
async function approver(stage: Stage): Promise<void> {
  const { dice, checker } = stage.history;
  await stage.somePending();
  if (stage.oneIn(2)) await stage.nap();
  const { id } = await stage.somePending();
  await stage.history.schedule.pause();
  // An inbox shows what waits; some look at an old one.
  if (checker.requests.get(id)?.status !== "pending" && !stage.oneIn(4)) return;
  const again = stage.oneIn(8) ? stage.someClick() : undefined;
  const known = checker.requests.get(id);
  const person = someoneFor(stage, known);
  const click: Review = again ?? {
    kind: "review",
    request: id,
    person,
    account: `${person}-${dice.between(0, 2)}`,
    link: stage.oneIn(24) ? "L2" : "L3",
    assurance: stage.oneIn(3) ? "A2" : "A1",
    verdict: stage.oneIn(9) ? "deny" : "approve",
    digest: stage.oneIn(32) ? `sha256:${"0".repeat(64)}` : (known?.digest ?? ""),
    nonce: stage.name("nonce"),
  };
  stage.know({ click });
  await stage.send(click);
  // A double click of another kind: the same person once more, by another account and under a new nonce.
  if (stage.oneIn(8)) await stage.send({ ...click, account: `${click.person}-2`, nonce: stage.name("nonce") });
}

/** Uses a permit that somebody else has got: elsewhere, for something else, as another agent, or simply again. */
async function thief(stage: Stage, callers: readonly Caller[]): Promise<void> {
  const permit = await stage.somePermit();
  const digest = stage.oneIn(4) ? `sha256:${"1".repeat(64)}` : permit.digest;
  const caller = pick(stage.history.dice, callers);
  await stage.send({ kind: "redeem", caller, permit, digest, attempt: stage.name("theft") });
}

async function sweeper(stage: Stage): Promise<void> {
  await stage.somePending();
  do {
    await stage.nap();
    await stage.send({ kind: "sweep" });
  } while (stage.oneIn(4));
}

async function operator(stage: Stage): Promise<void> {
  await stage.somePending();
  do {
    await stage.history.schedule.pause();
    if (stage.oneIn(3)) await stage.somePermit();
    stage.history.reload();
  } while (stage.oneIn(3));
}

/** Draws who acts in this history, and lets them begin. */
export function cast(history: History): void {
  const { dice, faults } = history;
  const stage = new Stage(history);
  const callers = callersOf(dice);
  const [first, second] = callers;
  const [one, other] = questionsOf(dice);
  if (one === undefined || other === undefined) return;
  stage.start(persistent(stage, first, one));
  if (stage.oneIn(4)) stage.start(persistent(stage, second, one));
  if (stage.oneIn(8)) stage.start(persistent(stage, pick(dice, [first, second]), other));
  for (let act = dice.between(2, 4); act > 0; act--) stage.start(approver(stage));
  if (stage.oneIn(2)) stage.start(thief(stage, callers));
  if (stage.oneIn(6)) stage.start(thief(stage, callers));
  if (stage.oneIn(5)) stage.start(sweeper(stage));
  if (faults.reloads) stage.start(operator(stage));
}
