// Writers that never rest while servers are killed, and a record of everything that they were promised.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { JsonObject } from "../../src/core/action/index.ts";
import { Dice } from "../crash/dice.ts";
import { exportRows, readRows } from "../support/actions.ts";
import { Client, type Answer } from "../support/house.ts";
import { at as memberAt, textAt } from "../support/json.ts";
import { agentName, type Fleet } from "./fleet.ts";

/** What was answered with success, and so must be in the ledger for ever. */
export type Promised = {
  readonly evaluations: Set<string>;
  readonly requests: Set<string>;
  readonly reviews: Set<string>;
  /** The one attempt that was let through, by request. */
  readonly redeemed: Map<string, string>;
  readonly outcomes: Set<string>;
  /** Redemptions that were refused because their time was over. */
  readonly refusedLate: Set<string>;
};

/** One in so many actions is held for people; the others pass at once. */
const HELD_ONE_IN = 4;
/** One in so many approvals lies about for up to one and a half times its life. */
const DAWDLE_ONE_IN = 4;
const PAUSE_MS_MAX = 60;
const RETRY_MS = 120;
const LATE_CODES: ReadonlySet<string> = new Set(["permit_expired", "approval_expired", "not_approved"]);

export type StormOptions = {
  readonly fleet: Fleet;
  readonly tokens: readonly string[];
  /** The session of somebody who may approve exports. */
  readonly session: string;
  readonly approvedForMs: number;
  readonly dice: Dice;
  /** Milliseconds from one action of a writer to its next; a short while by chance where it is not given. */
  readonly pace?: () => number;
  /** Whether some approvals lie about until they may be over. */
  readonly dawdles?: boolean;
};

/** Starts all writers at once; `end` lets each come to the end of what it does. */
export class Storm {
  readonly promised: Promised = {
    evaluations: new Set(),
    requests: new Set(),
    reviews: new Set(),
    redeemed: new Map(),
    outcomes: new Set(),
    refusedLate: new Set(),
  };
  /** What must never happen, as it was seen from outside. */
  readonly broken: string[] = [];
  readonly #options: StormOptions;
  readonly #writers: readonly Promise<void>[];
  #over = false;

  constructor(options: StormOptions) {
    this.#options = options;
    this.#writers = options.tokens.map((token, writer) => this.#write(writer, token));
  }

  get acknowledged(): number {
    const { evaluations, requests, reviews, redeemed, outcomes } = this.promised;
    return evaluations.size + requests.size + reviews.size + redeemed.size + outcomes.size;
  }

  /** Resolves when every writer has done what it was at. Servers must run. */
  async end(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#writers);
  }

  async #write(writer: number, token: string): Promise<void> {
    const dice = new Dice(this.#options.dice.seed + writer);
    for (let turn = 0; !this.#over; turn += 1) {
      const gate = (shift: number): Client => this.#options.fleet.client(writer + turn + shift, token);
      try {
        if (dice.between(0, HELD_ONE_IN) === 0) await this.#held(gate, writer, turn, dice);
        else await this.#passing(gate, writer, turn);
      } catch (error) {
        this.broken.push(`writer ${writer}, turn ${turn}: ${String(error)}`);
        return;
      }
      await sleep(this.#options.pace?.() ?? dice.between(0, PAUSE_MS_MAX));
    }
  }

  async #passing(gate: (shift: number) => Client, writer: number, turn: number): Promise<void> {
    const question = readRows(turn % 100, { agent: agentName(writer) });
    const { body, text } = await this.#answered(() => gate(0).post("/access/v1/evaluation", question));
    if (body["decision"] !== true) throw new Error(`a small read is let through, not: ${text}`);
    this.promised.evaluations.add(textAt(body, "context", "evaluation_id"));
  }

  /** From the question to the outcome, with a second attempt at the permit beside the first. */
  async #held(gate: (shift: number) => Client, writer: number, turn: number, dice: Dice): Promise<void> {
    const question = exportRows(1000 + turn, { agent: agentName(writer) });
    const evaluated = await this.#answered(() => gate(0).post("/access/v1/evaluation", question));
    const evaluation = textAt(evaluated.body, "context", "evaluation_id");
    this.promised.evaluations.add(evaluation);
    const wanted = { ...question, denial: { evaluation_id: evaluation } };
    const headers = { "idempotency-key": randomUUID() };
    const asked = await this.#answered(() => gate(1).post("/access/v1/requests", wanted, { headers }));
    const id = textAt(asked.body, "task", "id");
    const digest = textAt(asked.body, "task", "digest");
    this.promised.requests.add(id);

    const click = { verdict: "approve", digest, nonce: randomUUID() };
    const { fleet, session, approvedForMs, dawdles = true } = this.#options;
    const reviewed = await this.#answered(() =>
      fleet.client(writer + turn, session).post(`/v1/requests/${id}/reviews`, click),
    );
    if (reviewed.status !== 200) throw new Error(`the review of ${id}: ${reviewed.text}`);
    this.promised.reviews.add(id);
    const dawdle = async (): Promise<unknown> =>
      dawdles && dice.between(0, DAWDLE_ONE_IN) === 0 ? sleep(dice.between(0, approvedForMs * 1.5)) : undefined;
    await dawdle();
    const permit = await this.#permit(gate, question, id);
    if (permit === null) return;
    await dawdle();
    await this.#use(gate, { ...permit, id, digest });
  }

  async #permit(
    gate: (shift: number) => Client,
    question: JsonObject,
    id: string,
  ): Promise<{ readonly jws: string; readonly expiresAt: number } | null> {
    const context = { ...(question["context"] as JsonObject), approval: { id: id.replace("arq_", "apr_") } };
    const applied = await this.#answered(() => gate(0).post("/access/v1/evaluation", { ...question, context }));
    if (applied.body["decision"] !== true) {
      if (memberAt(applied.body, "context", "reason") !== "approval_expired") throw new Error(`${id}: ${applied.text}`);
      this.promised.refusedLate.add(id);
      return null;
    }
    const expiresAt = Date.parse(textAt(applied.body, "context", "permit_expires_at"));
    return { jws: textAt(applied.body, "context", "permit"), expiresAt };
  }

  async #use(
    gate: (shift: number) => Client,
    permit: { readonly jws: string; readonly expiresAt: number; readonly id: string; readonly digest: string },
  ): Promise<void> {
    const { id, digest, expiresAt } = permit;
    const attempts = [randomUUID(), randomUUID()];
    const firstSentAt = Date.now();
    const answers = await Promise.all(
      attempts.map((attempt, shift) =>
        this.#answered(() => gate(shift).post("/v1/permits/redeem", { permit: permit.jws, digest, attempt })),
      ),
    );
    const through = attempts.filter((_, place) => answers[place]?.status === 200);
    const codes = answers.map(({ status, body }) => (status === 200 ? "200" : textAt(body, "code")));
    if (through.length > 1) this.broken.push(`${id} was redeemed by two attempts`);
    const [attempt] = through;
    if (attempt === undefined) {
      if (!codes.every((code) => LATE_CODES.has(code))) this.broken.push(`${id} was refused: ${codes.join()}`);
      this.promised.refusedLate.add(id);
      return;
    }
    if (firstSentAt >= expiresAt) this.broken.push(`${id} was redeemed after its time`);
    this.promised.redeemed.set(id, attempt);
    const path = `/v1/permits/${id.replace("arq_", "prm_")}/outcome`;
    const told = await this.#answered(() => gate(0).post(path, { status: "succeeded", details: { attempt } }));
    if (told.status !== 200) throw new Error(`the outcome of ${id}: ${told.text}`);
    this.promised.outcomes.add(id);
  }

  /** Asks until there is an answer: a server that is away, or does not take anything now, has promised nothing. */
  async #answered(ask: () => Promise<Answer>): Promise<Answer> {
    for (;;) {
      const answer = await ask().catch((): null => null);
      if (answer !== null && answer.status < 500 && answer.status !== 429) return answer;
      await sleep(RETRY_MS);
    }
  }
}
