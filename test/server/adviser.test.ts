import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { httpAdviser } from "../../src/server/adviser.ts";
import { Metrics } from "../../src/server/metrics.ts";
import { readRows } from "../support/actions.ts";
import { House, type Client } from "../support/house.ts";
import { at } from "../support/json.ts";

type Answering = (request: IncomingMessage, response: ServerResponse) => void;

/** A model's endpoint, as far as it matters here. */
class Endpoint implements AsyncDisposable {
  answer: Answering;
  readonly bodies: string[] = [];
  readonly #server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += String(chunk)));
    request.on("end", () => {
      this.bodies.push(body);
      this.answer(request, response);
    });
  });

  constructor(answer: Answering) {
    this.answer = answer;
  }

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const says =
  (body: string, status = 200): Answering =>
  (_, response) =>
    void response.writeHead(status, { "content-type": "application/json" }).end(body);

async function risk(gate: Client, question = readRows(5)): Promise<{ score: number; level: string; outcome: unknown }> {
  const { body } = await gate.post("/access/v1/evaluation", question);
  const told = at(body, "context", "risk") as { score: number; level: string };
  return { ...told, outcome: at(body, "context", "outcome") };
}

test("an adviser raises, within its bounds; whatever else it does changes nothing but a counter", async () => {
  await using endpoint = new Endpoint(says(`{"raise": 0}`));
  const url = await endpoint.open();
  await using house = await House.open({ adviser: { url, timeoutMs: 300, secrets: false } });
  await using plain = await House.open();
  const gate = await house.gate();
  const without = await risk(await plain.gate());
  await risk(gate); // the first on this table is new, and scores for it
  const usual = { ...without, score: without.score - 3 };
  const table: readonly [what: string, answer: Answering, raised: number, counted: string][] = [
    ["raises", says(`{"raise": 25, "because": "it looks\\u202e odd \`here\`"}`), 25, "raised"],
    ["raises by the most", says(`{"raise": 40}`), 40, "raised"],
    ["has nothing to say", says(`{"raise": 0}`), 0, "nothing"],
    ["lowers", says(`{"raise": -20}`), 0, "nonsense"],
    ["goes beyond its bounds", says(`{"raise": 41}`), 0, "nonsense"],
    ["says half a point", says(`{"raise": 0.5}`), 0, "nonsense"],
    ["says something else", says(`[1]`), 0, "nonsense"],
    ["allows", says(`{"decision": true, "outcome": "allow"}`), 0, "nonsense"],
    ["says no JSON", says(`raise: 40`), 0, "failed"],
    ["says one thing twice", says(`{"raise": 40, "raise": 0}`), 0, "failed"],
    ["says too much", says(JSON.stringify({ raise: 40, because: "x".repeat(20_000) })), 0, "failed"],
    ["breaks", says("", 500), 0, "failed"],
    ["leads elsewhere", (_, response) => void response.writeHead(307, { location: url }).end(), 0, "failed"],
    ["hangs up", (request) => void request.socket.destroy(), 0, "failed"],
    ["is slow", () => undefined, 0, "slow"],
  ];
  for (const [what, answer, raised, counted] of table) {
    endpoint.answer = answer;
    const size = await house.size();
    const found = await risk(gate);
    assert.equal(found.score, Math.max(usual.score + raised, 0), what);
    const [entry] = await house.entries(size);
    const said = at(entry?.payload, "risk", "contributions") as readonly { id: string; evidence: string }[];
    const advice = said.find(({ id }) => id === "adviser");
    assert.equal(advice !== undefined, raised > 0, what);
    if (what === "raises") assert.equal(advice?.evidence, `The adviser says: "it looks  odd  here "`);
    assert.match(
      (await house.operator.get("/metrics")).text,
      new RegExp(`adviser_total\\{result="${counted}"\\}`),
      what,
    );
  }
  const asked = JSON.parse(endpoint.bodies[0] ?? "") as Record<string, unknown>;
  assert.deepEqual(Object.keys(asked).toSorted().slice(0, 4), ["action", "digest", "effects", "environment"]);
});

test("an adviser is not shown what holds a secret, unless the operator says so, and not too many at once", async () => {
  await using endpoint = new Endpoint(says(`{"raise": 10}`));
  const url = await endpoint.open();
  const metrics = new Metrics();
  const question = (properties: object): Parameters<ReturnType<typeof httpAdviser>>[0] => ({
    question: {
      subject: { type: "agent", id: "a" },
      action: { name: "x", properties: { ...properties } },
      resource: { type: "t", id: "r" },
      context: {},
    },
    digest: "sha256:0" as never,
    classification: { effects: [], facts: [], opaque: [] },
  });
  const secret = question({ login: [{ key: { $secret: "sha256:1" } }] });
  const careful = httpAdviser({ url, timeoutMs: 2_000, secrets: false }, metrics);
  assert.equal(await careful(secret), null);
  assert.equal(endpoint.bodies.length, 0);
  assert.equal((await httpAdviser({ url, timeoutMs: 2_000, secrets: true }, metrics)(secret))?.raise, 10);
  const answers = await Promise.all(Array.from({ length: 20 }, () => careful(question({}))));
  assert.equal(answers.filter((answer) => answer === null).length, 4, "four of twenty find it busy");
});
