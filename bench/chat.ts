/** `bench chat`: from a click in a chat to a released agent, and a thousand requests in a minute. */
import { Chat, linkedDirectory } from "../test/channels/slack/chat.ts";
import { Workspace } from "../test/channels/slack/workspace.ts";
import { dropTable } from "../test/support/actions.ts";
import { Bench } from "../test/support/bench.ts";
import { hold, review, type Held } from "../test/support/flow.ts";
import { House, type Client } from "../test/support/house.ts";
import { textAt } from "../test/support/json.ts";
import type { Options } from "./main.ts";
import { percentile, row, type Row } from "./row.ts";

export const note = `Slack is \`emulate\` 0.12.2 behind a proxy of the tests, in the same process as the server, so that figures hold the emulator's own
time too. A click is signed and sent by HTTP; released is when the held agent's long poll has its answer. In between stand the signature, a commit for
the click, the acknowledgement, one commit for the review, and core; Slack has vouched for the account a moment before. The anchor is the same
review from the console. A thousand requests are opened at once and shown in one channel, on a clock that stands still but for the pace of
calls: Slack takes one message a second there; eight may be under way when a minute begins.`;

/** Runs both. */
export async function run({ quick, progress }: Options): Promise<readonly Row[]> {
  await using workspace = await Workspace.open();
  progress("clicks");
  const clicks = await clicked(workspace, quick ? 5 : 200);
  progress("a thousand requests");
  const many = await burst(workspace, quick ? 100 : 1000);
  const anchor = { name: "by the console", value: percentile(clicks.console, 0.5) };
  const slow = { name: "by the console", value: percentile(clicks.console, 0.99) };
  return [
    row("slack: click to acknowledged, p50", "ms", percentile(clicks.acked, 0.5)),
    row("slack: click to acknowledged, p99", "ms", percentile(clicks.acked, 0.99)),
    row("slack: click to released agent, p50", "ms", percentile(clicks.chat, 0.5), { anchor }),
    row("slack: click to released agent, p99", "ms", percentile(clicks.chat, 0.99), { anchor: slow }),
    row("slack: requests opened at once", "", many.requests),
    row("slack: of these shown", "", many.shown, { goal: { text: "all", holds: (n) => n === many.requests } }),
    row("slack: most messages in a minute", "", many.perMinute, { goal: { text: "≤ 68", holds: (n) => n <= 68 } }),
    row("slack: until the last is shown, by its clock", "min", many.minutes),
  ];
}

type Clicks = { readonly acked: number[]; readonly chat: number[]; readonly console: number[] };

async function clicked(workspace: Workspace, times: number): Promise<Clicks> {
  const slack = workspace.config({ channels: ["#approvals"] });
  await using house = await House.open({
    directory: linkedDirectory(workspace, ["ann", "bob"]),
    limits: { pendingPerAgent: 10_000, evaluationsPerMinute: 1_000_000 },
    notify: { giveUpAfterMs: 3_600_000, webhooks: [], mail: null, slack },
  });
  const gate = await house.gate();
  const [ann, bob] = [await house.person("ann"), await house.person("bob")];
  const spent: Clicks = { acked: [], chat: [], console: [] };
  for (let time = 0; time < times * 2; time += 1) {
    const byChat = time % 2 === 0;
    const held = await hold(gate, dropTable(`t${time}`));
    await review(ann, held);
    const poll = gate.get(`/access/v1/requests/${held.id}`, { headers: { prefer: "wait=30" } });
    const value = await buttonOf(bob, held);
    const sent = workspace.signed(workspace.payload({ user: workspace.id("bob"), value }), Date.now());
    const since = performance.now();
    const answer = byChat
      ? house.anyone.send("POST", "/v1/channels/slack", sent.body, { headers: sent.headers })
      : review(bob, held);
    void answer.then(() => byChat && spent.acked.push(performance.now() - since));
    const { text } = await poll;
    (byChat ? spent.chat : spent.console).push(performance.now() - since);
    if ((await answer).status !== 200 || !text.includes('"approved"')) throw new Error(text);
  }
  return spent;
}

/** What the button of a request carries, without waiting for its turn to be posted. */
async function buttonOf(person: Client, { id, digest }: Held): Promise<string> {
  const { body } = await person.get(`/v1/requests/${id}`);
  return ["v1", id, digest, textAt(body, "card_digest")].join(" ");
}

type Burst = {
  readonly requests: number;
  readonly shown: number;
  readonly perMinute: number;
  readonly minutes: number;
};

async function burst(workspace: Workspace, requests: number): Promise<Burst> {
  const limits = { pendingPerAgent: 10_000, evaluationsPerMinute: 1_000_000 };
  using bench = new Bench(limits, { directory: linkedDirectory(workspace, []) });
  using chat = new Chat(workspace, workspace.config({ channels: ["#payments"] }), bench);
  const posted: number[] = [];
  workspace.standing.clear();
  workspace.fault = (method) => {
    if (method === "chat.postMessage") posted.push(bench.clock.now());
    return null;
  };
  const start = bench.clock.now();
  for (let n = 0; n < requests; n += 1) await bench.ask(dropTable(`table_${n}`));
  while (workspace.messages.length < requests && bench.clock.now() < start + 55 * 60_000) {
    await chat.settle();
    bench.clock.pass(500);
  }
  const perMinute = Math.max(...posted.map((from) => posted.filter((at) => at >= from && at < from + 60_000).length));
  return { requests, shown: workspace.messages.length, perMinute, minutes: (bench.clock.now() - start) / 60_000 };
}
