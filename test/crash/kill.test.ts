import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "../../src/client/index.ts";
import { decodeBase64 } from "../../src/core/encoding.ts";
import { openEntry } from "../../src/core/ledger/index.ts";
import type { OpenedEntry } from "../../src/core/ledger/index.ts";
import { Cancelled, connect, Denied } from "../../src/gates/sdk/index.ts";
import type { Keyturn } from "../../src/gates/sdk/index.ts";
import { exportRows, grantRole } from "../support/actions.ts";
import { apply, codeOf, hold, permitFor, redeem, review } from "../support/flow.ts";
import { Client } from "../support/house.ts";
import type { Answer } from "../support/house.ts";
import { at, textAt } from "../support/json.ts";
import { freePort, Installation, until } from "../support/process.ts";
import type { Served } from "../support/process.ts";
import { Dice } from "./dice.ts";
import { Relay } from "./relay.ts";

// The server is the real binary in a process of its own; SIGKILL leaves it no time for anything.

const DEEDS = 50;
const KILLS = 6;
const AGENTS = ["report-bot", "other-bot", "deploy-bot"];

type Fate = "approve" | "deny" | "abort" | "withdraw";
/** One action of one agent, what people will make of it, and who they are. */
type Deed = {
  readonly n: number;
  readonly agent: string;
  readonly kind: "export" | "grant";
  readonly fate: Fate;
  readonly people: readonly string[];
};
type Held = { readonly id: string; readonly digest: string };
type Decision = {
  readonly deed: Deed;
  readonly person: string;
  readonly verdict: "approve" | "deny";
  readonly nonce: string;
};
/** What was answered with 200. */
type Acknowledged = { readonly request: string; readonly person: string; readonly verdict: string };

/** 20 exports and 14 grants (which take two people) to be approved, 8 actions to be denied, 8 that nobody decides. */
function deeds(dice: Dice): readonly Deed[] {
  const fates: readonly (readonly [Fate, Deed["kind"]])[] = [
    ...Array.from({ length: 20 }, () => ["approve", "export"] as const),
    ...Array.from({ length: 14 }, () => ["approve", "grant"] as const),
    ...Array.from({ length: 4 }, () => ["deny", "export"] as const),
    ...Array.from({ length: 4 }, () => ["deny", "grant"] as const),
    ...Array.from({ length: 4 }, () => ["abort", "export"] as const),
    ...Array.from({ length: 4 }, () => ["withdraw", "grant"] as const),
  ];
  assert.equal(fates.length, DEEDS);
  return dice.shuffled(fates).map(([fate, kind], n): Deed => {
    // None of these stands behind any of the agents.
    const eligible = dice.shuffled(kind === "export" ? ["ann", "bob"] : ["ann", "bob", "fay"]);
    const needed = fate === "approve" && kind === "grant" ? 2 : fate === "approve" || fate === "deny" ? 1 : 0;
    return { n, agent: AGENTS[n % AGENTS.length] ?? "", kind, fate, people: eligible.slice(0, needed) };
  });
}

/** The effect itself: a line in a file for every time that it happens. */
class Effects {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    writeFileSync(path, "");
  }

  add(n: number): void {
    appendFileSync(this.#path, `${n}\n`);
  }

  /** How often each happened. */
  counts(): ReadonlyMap<number, number> {
    const counts = new Map<number, number>();
    for (const line of readFileSync(this.#path, "utf8").split("\n").slice(0, -1))
      counts.set(Number(line), (counts.get(Number(line)) ?? 0) + 1);
    return counts;
  }
}

/** Agents in this process: their guards hold, wait and run by themselves, and nobody helps them. */
class Crew implements Disposable {
  readonly held = new Map<number, Held>();
  readonly stops = new Map<number, AbortController>();
  readonly #connections: ReadonlyMap<string, Keyturn>;
  readonly #effects: Effects;

  constructor(url: string, tokens: ReadonlyMap<string, string>, effects: Effects) {
    const options = { url, environment: "production", onWarning: () => undefined };
    this.#connections = new Map([...tokens].map(([agent, token]) => [agent, connect({ ...options, token })]));
    this.#effects = effects;
  }

  client(agent: string): Keyturn["client"] {
    const keyturn = this.#connections.get(agent);
    assert.ok(keyturn);
    return keyturn.client;
  }

  /** Resolves once the action has run. */
  act({ n, agent, kind }: Pick<Deed, "n" | "agent" | "kind">): Promise<number> {
    const keyturn = this.#connections.get(agent);
    assert.ok(keyturn);
    const stop = new AbortController();
    this.stops.set(n, stop);
    const call = { signal: stop.signal, onHeld: (task: Held) => void this.held.set(n, task) };
    const run = (wanted: { readonly n: number; readonly limit?: number; readonly role?: string }): number => {
      this.#effects.add(wanted.n);
      return wanted.n;
    };
    if (kind === "grant") {
      const resource = { type: "table", id: "users" };
      return keyturn.guard(run, { action: "user.grant_role", resource }).with(call)({ n, role: `role-${n}` });
    }
    const resource = { type: "table", id: "customers" };
    return keyturn.guard(run, { action: "customers.export", resource }).with(call)({ n, limit: 5000 + n });
  }

  [Symbol.dispose](): void {
    for (const keyturn of this.#connections.values()) keyturn.close();
  }
}

/** A person who clicks until an answer comes; the same click twice is one review, even over a crash. */
async function decide(
  person: Client,
  held: Held,
  { verdict, nonce }: Pick<Decision, "verdict" | "nonce">,
): Promise<void> {
  for (;;) {
    const answer = await review(person, held, verdict, { nonce }).catch(() => null);
    if (answer?.status === 200) return;
    if (answer !== null) assert.equal(answer.status, 503, answer.text);
    await sleep(25);
  }
}

async function entriesOf(server: Served): Promise<readonly OpenedEntry[]> {
  const operator = createClient({ url: server.url, token: server.operator.token ?? "" });
  const entries: OpenedEntry[] = [];
  for await (const { header, payload, salt } of operator.entries()) {
    assert.ok(payload !== null && salt !== null);
    entries.push(openEntry(decodeBase64(header), decodeBase64(payload), decodeBase64(salt)));
  }
  return entries;
}

async function tokensFor(server: Served): Promise<ReadonlyMap<string, string>> {
  const tokens = await Promise.all(AGENTS.map(async (agent) => [agent, await server.token(agent)] as const));
  return new Map(tokens);
}

/** With the key that was written down before the first kill. */
async function verified(home: Installation, server: Served, vkey: string): Promise<void> {
  const { code, out, err } = await home.keyturn(["verify", "--json", "--url", server.url, "--vkey", vkey]);
  assert.equal(code, 0, out + err);
  const report = JSON.parse(out);
  assert.deepEqual(
    [report.integrity.verdict, report.completeness.verdict, report.decisions.verdict],
    ["pass", "pass", "pass"],
  );
}

async function vkeyOf(server: Served): Promise<string> {
  return (await server.operator.get("/v1/ledger/vkey")).text.trim();
}

test("default.crash: kill -9 while 50 actions are held loses no decision and runs nothing twice", async (t) => {
  const dice = new Dice();
  t.diagnostic(`KEYTURN_SEED=${dice.seed}`);
  await using home = new Installation();
  const port = await freePort();
  let server = await home.serve({ port });
  const vkey = await vkeyOf(server);
  const people = new Map<string, Client>();
  for (const id of ["ann", "bob", "fay"]) people.set(id, await server.person(id));
  const effects = new Effects(join(home.dir, "effects"));
  using crew = new Crew(server.url, await tokensFor(server), effects);

  const plan = deeds(dice);
  const outcomes = Promise.allSettled(plan.map((deed) => crew.act(deed)));
  const acknowledged: Acknowledged[] = [];

  const decisions = dice.shuffled(
    plan.flatMap((deed) =>
      deed.people.map((person): Decision => {
        return { deed, person, verdict: deed.fate === "deny" ? "deny" : "approve", nonce: randomUUID() };
      }),
    ),
  );
  // People go no further than a few decisions beyond the blow that is next, however late it falls on a slow machine.
  const span = decisions.length / KILLS;
  let begun = 0;
  let allowed = 0;
  const begin = (): boolean => {
    if (begun >= allowed) return false;
    begun += 1;
    return true;
  };
  const clicking = [...people].map(async ([id, client]) => {
    for (const decision of decisions.filter(({ person }) => person === id)) {
      await until(`action ${decision.deed.n} is held`, () => crew.held.has(decision.deed.n), 60_000);
      await until("the next decision may begin", begin, 60_000);
      const held = crew.held.get(decision.deed.n) ?? assert.fail();
      await decide(client, held, decision);
      acknowledged.push({ request: held.id, person: id, verdict: decision.verdict });
      await sleep(dice.between(0, 40));
    }
  });

  // The first blow falls while they are being held, the others while people decide and agents act.
  const aborted = plan.filter(({ fate }) => fate === "abort");
  for (let blow = 0; blow < KILLS; blow++) {
    allowed = Math.floor(blow * span) + people.size;
    if (blow === 0) {
      const enough = dice.between(5, DEEDS - 5);
      await until(`${enough} are held`, () => crew.held.size >= enough);
    } else {
      const enough = dice.between(Math.floor((blow - 1) * span), Math.floor(blow * span));
      await until(`${enough} are decided`, () => acknowledged.length >= enough);
      await until("all are held", () => crew.held.size === DEEDS);
      const { n } = aborted[blow - 1] ?? { n: -1 };
      crew.stops.get(n)?.abort(); // its withdrawal may be lost with the server
    }
    await sleep(dice.between(0, 30));
    assert.ok(acknowledged.length < decisions.length, "a kill after the last decision would prove nothing");
    await server.kill();
    await sleep(dice.between(0, 150));
    server = await home.serve({ port });
  }
  allowed = decisions.length;
  await Promise.all(clicking);
  for (const { n, agent } of plan.filter(({ fate }) => fate === "withdraw"))
    await crew.client(agent).cancel(crew.held.get(n)?.id ?? "");
  const settled = await outcomes;

  const counts = effects.counts();
  for (const { n, fate } of plan) {
    const outcome = settled[n];
    const end = outcome?.status === "fulfilled" ? outcome.value : (outcome?.reason as unknown);
    const said = `action ${n}, ${fate}: ${String(end)}`;
    assert.equal(counts.get(n) ?? 0, fate === "approve" ? 1 : 0, said);
    if (fate === "approve") assert.equal(end, n, said);
    else if (fate === "deny") assert.ok(end instanceof Denied && end.code === "denied_by_person", said);
    else assert.ok(end instanceof Cancelled && end.code === (fate === "abort" ? "aborted" : "request_cancelled"), said);
  }

  assert.equal(acknowledged.length, decisions.length);
  const entries = await entriesOf(server);
  const restarts = entries.filter(({ type }) => type === "server.started").length;
  assert.equal(restarts, KILLS + 1);
  for (const { request, person, verdict } of acknowledged) {
    const recorded = entries.filter(({ stream, type, payload }) => {
      const by = at(payload ?? {}, "review", "person") === person && at(payload ?? {}, "review", "verdict") === verdict;
      return stream === `request/${request}` && type === "review.recorded" && by;
    });
    assert.equal(recorded.length, 1, `${person}'s ${verdict} of ${request} was acknowledged`);
  }
  for (const { n, fate, people: by } of plan) {
    const { id } = crew.held.get(n) ?? assert.fail();
    const types = entries.filter(({ stream }) => stream === `request/${id}`).map(({ type }) => type);
    assert.equal(types.filter((type) => type === "permit.redeemed").length, fate === "approve" ? 1 : 0, types.join());
    assert.equal(types.filter((type) => type === "action.completed").length, fate === "approve" ? 1 : 0, types.join());
    const { body } = await server.operator.get(`/v1/requests/${id}`);
    const expected = {
      approve: ["approved"],
      deny: ["denied"],
      abort: ["cancelled", "pending"],
      withdraw: ["cancelled"],
    };
    assert.ok(expected[fate].includes(textAt(body, "status")), `${fate}: ${textAt(body, "status")}`);
    const reviewers = (body["reviews"] as { person: { id: string } }[]).map(({ person }) => person.id);
    assert.deepEqual(reviewers.toSorted(), [...by].toSorted());
  }
  await verified(home, server, vkey);
  assert.equal((await server.stop()).code, 0);
});

/** Where the server dies having done what it was asked, its answer on the way; null is any moment around redemption. */
const DEATHS = [null, "/v1/permits/redeem", null, "/access/v1/requests", null, "/outcome", "/v1/permits/redeem"];

test("default.crash: kill -9 right around redemption, and each approved action runs exactly once", async (t) => {
  const dice = new Dice();
  t.diagnostic(`KEYTURN_SEED=${dice.seed}`);
  await using home = new Installation();
  const port = await freePort();
  let server = await home.serve({ port });
  const vkey = await vkeyOf(server);
  const ann = await server.person("ann");
  using relay = await Relay.open(port);
  const effects = new Effects(join(home.dir, "effects"));
  using crew = new Crew(relay.url, await tokensFor(server), effects);

  for (const [round, death] of DEATHS.entries()) {
    const doomed = server;
    const dead = Promise.withResolvers<void>();
    const die = (): void => {
      doomed.kill().then(dead.resolve, dead.reject);
    };
    relay.loses = (path) => {
      if (death === null || !path.endsWith(death)) return false;
      relay.loses = () => false;
      die();
      return true;
    };
    const revive = async (): Promise<void> => {
      await dead.promise;
      server = await home.serve({ port });
    };
    const ns = AGENTS.map((_, place) => round * AGENTS.length + place);
    const acting = ns.map((n, place) => crew.act({ n, agent: AGENTS[place] ?? "", kind: "export" }));
    if (death === "/access/v1/requests") await revive();
    await until("all are held", () => ns.every((n) => crew.held.has(n)));
    const approving = ns.map(async (n) => {
      const held = crew.held.get(n) ?? assert.fail();
      await decide(ann, held, { verdict: "approve", nonce: randomUUID() });
    });
    if (death === null) {
      await Promise.all(approving);
      await sleep(dice.between(0, 25)); // evaluation, permit, redemption and outcome take about so long
      die();
    }
    if (death !== "/access/v1/requests") await revive();
    await Promise.all(approving);
    assert.deepEqual(await Promise.all(acting), ns);
  }
  const all = DEATHS.length * AGENTS.length;
  const counts = [...effects.counts()].toSorted(([a], [b]) => a - b);
  assert.deepEqual(
    counts,
    Array.from({ length: all }, (_, n) => [n, 1]),
  );
  const ledger = async (): Promise<Record<string, number>> => {
    const types = (await entriesOf(server)).map(({ type }) => type);
    const wanted = ["request.opened", "permit.redeemed", "action.completed"];
    return Object.fromEntries(wanted.map((type) => [type, types.filter((one) => one === type).length]));
  };
  // A guard returns its result after two seconds at most, whether or not its outcome has found the server again.
  await until("every outcome is told", async () => (await ledger())["action.completed"] === all);
  assert.deepEqual(await ledger(), { "request.opened": all, "permit.redeemed": all, "action.completed": all });
  await verified(home, server, vkey);
});

test("default.crash: of two attempts at one permit around kill -9 exactly one is let through", async (t) => {
  const dice = new Dice();
  t.diagnostic(`KEYTURN_SEED=${dice.seed}`);
  await using home = new Installation();
  const port = await freePort();
  let server = await home.serve({ port });
  const ann = await server.person("ann");
  const bob = await server.person("bob");
  const gate = new Client(server.url, await server.token("report-bot"));
  const tell = { survived: 0, lost: 0 };
  for (let round = 0; round < 6; round++) {
    const question = round % 2 === 0 ? exportRows(6000 + round) : grantRole(`role-${round}`);
    const held = await hold(gate, question);
    for (const person of round % 2 === 0 ? [ann] : [ann, bob]) assert.equal((await review(person, held)).status, 200);
    const permit = await permitFor(gate, question, held);
    const [first, second] = [randomUUID(), randomUUID()];
    const early = redeem(gate, permit, held.digest, first).catch((): Answer | null => null);
    await sleep(dice.between(0, 15));
    await server.kill();
    const acknowledged = await early;
    server = await home.serve({ port });

    // The gate repeats its attempt, while somebody else has stolen the permit.
    const both = dice.shuffled([first, second]).map(async (attempt) => {
      return { attempt, answer: await redeem(gate, permit, held.digest, attempt) };
    });
    const answers = await Promise.all(both);
    const passed = answers.filter(({ answer }) => answer.status === 200);
    const refused = answers.find(({ answer }) => answer.status !== 200);
    assert.equal(passed.length, 1, answers.map(({ answer }) => answer.text).join("\n"));
    assert.equal(codeOf(refused?.answer ?? assert.fail()), "permit_redeemed");
    if (acknowledged?.status === 200) {
      assert.equal(passed[0]?.attempt, first, "an acknowledged redemption is not lost");
      assert.deepEqual(passed[0]?.answer.body, acknowledged.body);
    }
    tell[acknowledged?.status === 200 ? "survived" : "lost"] += 1;
    // Used is used: the approval gives no second permit.
    const again = await apply(gate, question, held);
    assert.equal(again.body["decision"], false, again.text);
  }
  t.diagnostic(`${tell.survived} redemptions were answered before the kill, ${tell.lost} were not`);
  await verified(home, server, await vkeyOf(server));
  assert.equal(existsSync(join(home.data, "keyturn.db.lock")), true);
  assert.equal((await server.stop()).code, 0);
  assert.equal(existsSync(join(home.data, "keyturn.db.lock")), false);
});
