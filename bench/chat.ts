/** `bench chat`: from a click in a chat to a released agent, and a thousand requests in a minute. */
import { Chat, linkedDirectory } from "../test/channels/slack/chat.ts";
import { Workspace } from "../test/channels/slack/workspace.ts";
import { Chat as TeamsChat, linkedDirectory as teamsDirectory } from "../test/channels/teams/chat.ts";
import { CHAT, Tenant } from "../test/channels/teams/tenant.ts";
import { dropTable } from "../test/support/actions.ts";
import { Bench } from "../test/support/bench.ts";
import { hold, review, type Held } from "../test/support/flow.ts";
import { House, type Client } from "../test/support/house.ts";
import { textAt } from "../test/support/json.ts";
import type { Options } from "./options.ts";
import { percentile, row, type Row } from "./row.ts";

export const note = `Slack is \`emulate\` 0.12.2 behind a proxy of the tests, in the same process as the server, so that figures hold the emulator's own
time too. A click is signed and sent by HTTP; released is when the held agent's long poll has its answer. In between stand the signature, a commit for
the click, the acknowledgement, one commit for the review, and core; Slack has vouched for the account a moment before. The anchor is the same
review from the console. A thousand requests are opened at once and shown in one channel, on a clock that stands still but for the pace of
calls: Slack takes one message a second there; eight may be under way when a minute begins. Teams is a connector of the tests with keys of its own, and is
asked the same: a click is answered below the card with what became of it, so acknowledged and decided are one there; the thousand
go into one group chat, which takes sixty in thirty seconds and 1800 in an hour.`;

/** Runs both services. */
export async function run({ quick, progress }: Options): Promise<readonly Row[]> {
  return [...(await slack(quick, progress)), ...(await teams(quick, progress))];
}

type Progress = Options["progress"];

async function slack(quick: boolean, progress: Progress): Promise<readonly Row[]> {
  await using workspace = await Workspace.open();
  progress("clicks in Slack");
  const clicks = await clicked(workspace, quick ? 5 : 200);
  progress("a thousand requests in Slack");
  return rowsOf("slack", clicks, await burst(workspace, quick ? 100 : 1000), 68);
}

async function teams(quick: boolean, progress: Progress): Promise<readonly Row[]> {
  await using tenant = await Tenant.open();
  progress("clicks in Teams");
  const clicks = await clickedInTeams(tenant, quick ? 5 : 200);
  progress("a thousand requests in Teams");
  return rowsOf("teams", clicks, await burstInTeams(tenant, quick ? 100 : 1000), 120);
}

function rowsOf(
  chat: string,
  clicks: Clicks,
  many: Awaited<ReturnType<typeof burst>>,
  perMinuteMax: number,
): readonly Row[] {
  const anchor = { name: "by the console", value: percentile(clicks.console, 0.5) };
  const slow = { name: "by the console", value: percentile(clicks.console, 0.99) };
  const paced = { text: `≤ ${perMinuteMax}`, holds: (n: number): boolean => n <= perMinuteMax };
  return [
    row(`${chat}: click to acknowledged, p50`, "ms", percentile(clicks.acked, 0.5)),
    row(`${chat}: click to acknowledged, p99`, "ms", percentile(clicks.acked, 0.99)),
    row(`${chat}: click to released agent, p50`, "ms", percentile(clicks.chat, 0.5), { anchor }),
    row(`${chat}: click to released agent, p99`, "ms", percentile(clicks.chat, 0.99), { anchor: slow }),
    row(`${chat}: requests opened at once`, "", many.requests),
    row(`${chat}: of these shown`, "", many.shown, { goal: { text: "all", holds: (n) => n === many.requests } }),
    row(`${chat}: most messages in a minute`, "", many.perMinute, { goal: paced }),
    row(`${chat}: until the last is shown, by its clock`, "min", many.minutes),
  ];
}

async function clickedInTeams(tenant: Tenant, times: number): Promise<Clicks> {
  await using house = await House.open({
    directory: teamsDirectory(tenant, ["ann", "bob"]),
    limits: { pendingPerAgent: 10_000, evaluationsPerMinute: 1_000_000 },
    notify: {
      giveUpAfterMs: 3_600_000,
      webhooks: [],
      mail: null,
      teams: tenant.config({ channels: ["payments"], direct: "never" }),
    },
  });
  const token = await tenant.token(Date.now());
  return await measured(house, times, async ({ id, digest }, card) => {
    const data = { request: id, digest, card };
    const body = JSON.stringify(tenant.activity({ name: "bob", data, atMs: Date.now() }));
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    return house.anyone.send("POST", "/v1/channels/teams", body, { headers });
  });
}

type Clicks = { readonly acked: number[]; readonly chat: number[]; readonly console: number[] };

async function clicked(workspace: Workspace, times: number): Promise<Clicks> {
  const slack = workspace.config({ channels: ["#approvals"] });
  await using house = await House.open({
    directory: linkedDirectory(workspace, ["ann", "bob"]),
    limits: { pendingPerAgent: 10_000, evaluationsPerMinute: 1_000_000 },
    notify: { giveUpAfterMs: 3_600_000, webhooks: [], mail: null, slack },
  });
  return await measured(house, times, async ({ id, digest }, card) => {
    const value = ["v1", id, digest, card].join(" ");
    const sent = workspace.signed(workspace.payload({ user: workspace.id("bob"), value }), Date.now());
    return house.anyone.send("POST", "/v1/channels/slack", sent.body, { headers: sent.headers });
  });
}

type Press = (held: Held, card: string) => ReturnType<Client["send"]>;

/** Reviews by turns from a chat and from the console, each the last that a held agent waits for. */
async function measured(house: House, times: number, press: Press): Promise<Clicks> {
  const gate = await house.gate();
  const [ann, bob] = [await house.person("ann"), await house.person("bob")];
  const spent: Clicks = { acked: [], chat: [], console: [] };
  for (let time = 0; time < times * 2; time += 1) {
    const byChat = time % 2 === 0;
    const held = await hold(gate, dropTable(`t${time}`));
    await review(ann, held);
    const poll = gate.get(`/access/v1/requests/${held.id}`, { headers: { prefer: "wait=30" } });
    const card = await cardOf(bob, held);
    const since = performance.now();
    const answer = byChat ? press(held, card) : review(bob, held);
    void answer.then(() => byChat && spent.acked.push(performance.now() - since));
    const { text } = await poll;
    (byChat ? spent.chat : spent.console).push(performance.now() - since);
    if ((await answer).status !== 200 || !text.includes('"approved"')) throw new Error(text);
  }
  return spent;
}

/** The digest on the card of a request, without waiting for its turn to be posted. */
async function cardOf(person: Client, { id }: Held): Promise<string> {
  const { body } = await person.get(`/v1/requests/${id}`);
  return textAt(body, "card_digest");
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
  return await burstOf({ chat, bench, posted, requests, shown: () => workspace.messages.length });
}

async function burstInTeams(tenant: Tenant, requests: number): Promise<Burst> {
  const limits = { pendingPerAgent: 10_000, evaluationsPerMinute: 1_000_000 };
  using bench = new Bench(limits, { directory: teamsDirectory(tenant, []) });
  using chat = new TeamsChat(tenant, tenant.config({ channels: ["oncall"], direct: "never" }), bench);
  const posted: number[] = [];
  tenant.standing.clear();
  tenant.fault = ({ method, path }) => {
    if (method === "POST" && path.includes(CHAT)) posted.push(bench.clock.now());
    return null;
  };
  return await burstOf({ chat, bench, posted, requests, shown: () => tenant.messages.length });
}

type Settled = { readonly settle: () => Promise<void> };
type Bursting = {
  readonly chat: Settled;
  readonly bench: Bench;
  readonly posted: readonly number[];
  readonly requests: number;
  readonly shown: () => number;
};

async function burstOf({ chat, bench, posted, requests, shown }: Bursting): Promise<Burst> {
  const start = bench.clock.now();
  for (let n = 0; n < requests; n += 1) await bench.ask(dropTable(`table_${n}`));
  while (shown() < requests && bench.clock.now() < start + 55 * 60_000) {
    await chat.settle();
    bench.clock.pass(500);
  }
  const perMinute = Math.max(...posted.map((from) => posted.filter((at) => at >= from && at < from + 60_000).length));
  return { requests, shown: shown(), perMinute, minutes: (bench.clock.now() - start) / 60_000 };
}
