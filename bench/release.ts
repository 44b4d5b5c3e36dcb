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

/** Between two releases, in milliseconds: the poll is waiting by then, and nothing is hot any more. */
const PAUSE_MS = 5;

/**
 * From sending a person's last approval until the held agent has its answer: by its stream, and by long poll. Two agents, since
 * one that polled with a stream open would be told twice.
 */
export async function releaseRows(
  installation: Installation,
  times: number,
  { reviewer = installation, name = "release", goalMs = 2, warm = 0, anchor }: ReleaseOptions = {},
): Promise<Row[]> {
  const { port } = installation;
  const streaming = await askerOf(installation, "agent-0");
  const polling = await askerOf(installation, "agent-1");
  const session = await reviewer.session("ann");
  const agent = await Connection.open(port);
  const person = await Connection.open(reviewer.port);
  const poller = await Connection.open(port);
  let heard = (_text: string): void => {};
  const events = openStream(port, requestBytes("GET", "/v1/tasks/stream", streaming.token), (text) => heard(text));

  const streamed: number[] = [];
  const polled: number[] = [];
  for (let time = -warm * 2; time < times * 2; time++) {
    const byStream = time % 2 === 0;
    const { id, digest } = await held(agent, byStream ? streaming : polling, time);
    const review = requestBytes(
      "POST",
      `/v1/requests/${id}/reviews`,
      session,
      JSON.stringify({ verdict: "approve", digest, nonce: crypto.randomUUID() }),
    );
    // When it is there; what it says is looked at afterwards.
    const told = byStream
      ? new Promise<number>((resolve) => {
          heard = (text) => {
            if (text.includes(id) && text.includes('"status":"approved"')) resolve(performance.now());
          };
        })
      : new Promise<number>((resolve, reject) => {
          const poll = requestBytes("GET", `/access/v1/requests/${id}`, polling.token, undefined, ["prefer: wait=30"]);
          poller.send(poll, (_status, body) => {
            const at = performance.now();
            if (member(JSON.parse(body.toString()), "task", "status") === "approved") resolve(at);
            else reject(new Error(body.toString()));
          });
        });
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    const sentAt = performance.now();
    // Agent and person are one process here: reading what the person is told would keep the agent waiting.
    const reviewed = new Promise<void>((resolve, reject) =>
      person.send(review, (status, body) => {
        if (status === 200) resolve();
        else reject(new Error(`the review was refused: ${body.toString()}`));
      }),
    );
    const [at] = await Promise.all([told, reviewed]);
    if (time >= 0) (byStream ? streamed : polled).push(at - sentAt);
  }
  events.close();
  for (const connection of [agent, person, poller]) connection.close();
  return [
    row(`${name} by stream: p50`, "ms", percentile(streamed, 0.5), { anchor, goal: atMost(goalMs) }),
    row(`${name} by stream: p99`, "ms", percentile(streamed, 0.99)),
    row(`${name} by long poll: p50`, "ms", percentile(polled, 0.5), { anchor, goal: atMost(goalMs) }),
    row(`${name} by long poll: p99`, "ms", percentile(polled, 0.99)),
  ];
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
async function held(
  agent: Connection,
  { name, token }: Asker,
  serial: number,
): Promise<{ id: string; digest: string }> {
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
