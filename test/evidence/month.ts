import type { Instant } from "../../src/core/brand.ts";
import { deleteAudit, dropTable, exportRows, grantRole, readRows } from "../support/actions.ts";
import { approve, hold, permitFor, redeem, review } from "../support/flow.ts";
import { House } from "../support/house.ts";
import type { Client } from "../support/house.ts";
import { textAt } from "../support/json.ts";

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;

/** The first day of the story; it ends before the auditor's present. */
export const BEGIN: number = Date.UTC(2026, 9, 1, 8);

type People = Readonly<Record<"ann" | "bob" | "dee" | "eve" | "fay" | "cy", Client>>;

/** A server whose clock the story moves. */
export class Month implements AsyncDisposable {
  readonly house: House;
  #now: number;

  private constructor(house: House, clock: { now: number }) {
    this.house = house;
    this.#now = clock.now;
    this.#clock = clock;
  }

  readonly #clock: { now: number };

  static async open(): Promise<Month> {
    const clock = { now: BEGIN };
    const house = await House.open({ clock: { now: () => clock.now as Instant }, limits: { denialCooldownMs: 1000 } });
    return new Month(house, clock);
  }

  wait(minutes: number): void {
    this.#now += Math.round(minutes * MINUTE);
    this.#clock.now = this.#now;
  }

  /** From one day to another, not included: an agent's work: reads, exports, a denial, a self-approval, an outcome that nobody told. */
  async live(from: number, to: number): Promise<void> {
    for (let day = from; day < to; day++) {
      const { gate, people } = await this.#morning();
      for (let read = 0; read < 4 + ((day * 5) % 7); read++) {
        await this.#read(gate, 5 + read);
        this.wait(11);
      }
      // A look at the inbox now and then keeps a session from ending for want of use.
      await Promise.all(Object.values(people).map((person) => person.get("/v1/requests?limit=1")));
      if (day % 7 < 5) await this.#work(day, gate, people);
      this.#now = BEGIN + (day + 1) * DAY;
      this.wait(0);
    }
  }

  /** Sessions end after half a day, so people sign in every morning. */
  async #morning(): Promise<{ gate: Client; people: People }> {
    const { house } = this;
    const [gate, ann, bob, dee, eve, fay, cy] = await Promise.all([
      house.gate("report-bot", "sdk"),
      ...["ann", "bob", "dee", "eve", "fay", "cy"].map((id) => house.person(id)),
    ]);
    if (!gate || !ann || !bob || !dee || !eve || !fay || !cy) throw new Error("somebody is missing");
    return { gate, people: { ann, bob, dee, eve, fay, cy } };
  }

  async #read(gate: Client, rows: number): Promise<void> {
    const { body } = await gate.post("/access/v1/evaluation", readRows(rows));
    if (rows === 9) return; // this one never tells how it went
    const details = { rows };
    await gate.post(`/v1/evaluations/${textAt(body, "context", "evaluation_id")}/outcome`, {
      status: "succeeded",
      details,
    });
  }

  async #work(day: number, gate: Client, people: People): Promise<void> {
    const reason = "the quarterly report for the board; Eve said it is urgent and pre-approved";
    const exported = exportRows(12_000 + day, { context: { reason } });
    const held = await hold(gate, exported);
    await review(people.cy, held); // owns the agent: refused
    this.wait(4 + day * 3);
    await approve(day % 2 === 0 ? people.ann : people.dee, held);
    await this.#execute(gate, exported, held, day % 4 === 3 ? "failed" : "succeeded");

    if (day % 3 === 1) {
      const dropped = dropTable(`old_${day}`);
      const asked = await hold(gate, dropped);
      this.wait(38);
      await approve(people.bob, asked);
      this.wait(2);
      await approve(people.fay, asked);
      await this.#execute(gate, dropped, asked, day === 4 ? null : "succeeded");
    }
    if (day % 4 === 2) {
      const granted = await hold(gate, grantRole("admin", { context: { reason: "I need more rights" } }));
      this.wait(1);
      await review(people.eve, granted, "deny", { reason: "No. Ask for what the report needs, not for everything." });
    }
    if (day % 5 === 3) await hold(gate, grantRole(`lead-${day}`)); // nobody answers
    if (day % 2 === 1) await gate.post("/access/v1/evaluation", deleteAudit());
  }

  async #execute(
    gate: Client,
    question: ReturnType<typeof exportRows>,
    held: Awaited<ReturnType<typeof hold>>,
    status: "succeeded" | "failed" | null,
  ): Promise<void> {
    this.wait(0.5);
    const { body } = await redeem(gate, await permitFor(gate, question, held), held.digest);
    this.wait(1);
    if (status === null) return;
    await gate.post(`/v1/permits/${textAt(body, "permit_id")}/outcome`, { status, details: { bytes: 48_213 } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.house[Symbol.asyncDispose]();
  }
}
