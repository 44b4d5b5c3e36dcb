import { chain } from "./server.ts";
import { atMost, percentile, row, type Anchor, type Row } from "./row.ts";
import { member, type Installation } from "./setup.ts";
import { Connection, openStream, requestBytes } from "./wire.ts";

/**
 * Where the person decides, what the rows are called, what the median should be, in milliseconds, and how many of each kind
 * come before the first that is counted.
 */
export type ReleaseOptions = {
  readonly reviewer?: Installation;
  readonly name?: string;
  readonly goalMs?: number;
  readonly warm?: number;
  /** What the same way takes without Keyturn. */
  readonly anchor?: Anchor;
};

type Asker = { readonly name: string; readonly token: string };
type Held = { readonly id: string; readonly digest: string };

/** Between two releases, in milliseconds: the poll is waiting by then, and nothing is hot any more. */
const PAUSE_MS = 5;

/** A way of hearing, with an agent of its own: one that polled with a stream open would be told twice. */
type Way = {
  readonly asker: Asker;
  /** Listens from now on, until this request is approved: at which moment that was there. What it says is read afterwards. */
  readonly told: (id: string) => Promise<number>;
  readonly samples: number[];
  readonly close: () => void;
};

/** From sending a person's last approval until the held agent has its answer: by its stream, and by long poll, by turns. */
export async function releaseRows(
  installation: Installation,
  times: number,
  { reviewer = installation, name = "release", goalMs = 2, warm = 0, anchor }: ReleaseOptions = {},
): Promise<Row[]> {
  const stream = await openStreaming(installation);
  const poll = await openPolling(installation);
  const session = await reviewer.session("ann");
  const agent = await Connection.open(installation.port);
  const person = await Connection.open(reviewer.port);
  let serial = 0;
  for (let time = -warm; time < times; time++) {
    for (const { asker, told, samples } of [stream, poll]) {
      const request = await held(agent, asker, serial++);
      const approval = approvalBytes(session, request);
      const heard = told(request.id);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      const sentAt = performance.now();
      const [at] = await Promise.all([heard, review(person, approval)]);
      if (time >= 0) samples.push(at - sentAt);
    }
  }
  for (const one of [stream, poll, agent, person]) one.close();
  return [
    row(`${name} by stream: p50`, "ms", percentile(stream.samples, 0.5), { anchor, goal: atMost(goalMs) }),
    row(`${name} by stream: p99`, "ms", percentile(stream.samples, 0.99)),
    row(`${name} by long poll: p50`, "ms", percentile(poll.samples, 0.5), { anchor, goal: atMost(goalMs) }),
    row(`${name} by long poll: p99`, "ms", percentile(poll.samples, 0.99)),
  ];
}

async function openStreaming(installation: Installation): Promise<Way> {
  const asker = await askerOf(installation, "agent-0");
  let heard = (_text: string): void => {};
  const request = requestBytes("GET", "/v1/tasks/stream", asker.token);
  const events = openStream(installation.port, request, (text) => heard(text));
  const told = (id: string): Promise<number> =>
    new Promise((resolve) => {
      heard = (text) => {
        if (text.includes(id) && text.includes('"status":"approved"')) resolve(performance.now());
      };
    });
  return { asker, told, samples: [], close: () => events.close() };
}

async function openPolling(installation: Installation): Promise<Way> {
  const asker = await askerOf(installation, "agent-1");
  const connection = await Connection.open(installation.port);
  const told = (id: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const poll = requestBytes("GET", `/access/v1/requests/${id}`, asker.token, undefined, ["prefer: wait=30"]);
      connection.send(poll, (_status, body) => {
        const at = performance.now();
        if (member(JSON.parse(body.toString()), "task", "status") === "approved") resolve(at);
        else reject(new Error(body.toString()));
      });
    });
  return { asker, told, samples: [], close: () => connection.close() };
}

function approvalBytes(session: string, { id, digest }: Held): Buffer {
  const review = { verdict: "approve", digest, nonce: crypto.randomUUID() };
  return requestBytes("POST", `/v1/requests/${id}/reviews`, session, JSON.stringify(review));
}

/** Agent and person are one process here: reading what the person is told would keep the agent waiting. */
function review(person: Connection, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) =>
    person.send(bytes, (status, body) => {
      if (status === 200) resolve();
      else reject(new Error(`the review was refused: ${body.toString()}`));
    }),
  );
}

/** The same way by two bare processes on a database: from asking the one until who waits at the other has the answer, in milliseconds each. */
export async function bareReleases(url: string, times: number): Promise<readonly number[]> {
  await using writer = await chain("writer", url);
  await using listener = await chain("listener", url);
  const [asker, waiter] = [await Connection.open(writer.port), await Connection.open(listener.port)];
  const samples: number[] = [];
  for (let time = -times; time < times; time++) {
    const told = waiter.ask(requestBytes("GET", "/", null));
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    const sentAt = performance.now();
    const written = asker.ask(requestBytes("POST", "/", null, "{}"));
    await told;
    if (time >= 0) samples.push(performance.now() - sentAt);
    await written;
  }
  for (const connection of [asker, waiter]) connection.close();
  return samples;
}

async function askerOf(installation: Installation, name: string): Promise<Asker> {
  return { name, token: await installation.token(name, "release") };
}

/** An action of its own that policy holds, and the request for it. */
async function held(agent: Connection, { name, token }: Asker, serial: number): Promise<Held> {
  const question = {
    subject: { type: "agent", id: name },
    action: { name: "customers.export", properties: { limit: 12_000, format: "csv", serial } },
    resource: { type: "table", id: "customers_eu" },
    context: { environment: "production", reason: "The quarterly copy for the auditors." },
  };
  const denied = await agent.ask(requestBytes("POST", "/access/v1/evaluation", token, JSON.stringify(question)));
  const evaluation = member(denied.body, "context", "evaluation_id");
  const wanted = JSON.stringify({ ...question, denial: { evaluation_id: evaluation } });
  const key = `idempotency-key: bench-${serial}`;
  const opened = await agent.ask(requestBytes("POST", "/access/v1/requests", token, wanted, [key]));
  return { id: member(opened.body, "task", "id"), digest: member(opened.body, "task", "digest") };
}
