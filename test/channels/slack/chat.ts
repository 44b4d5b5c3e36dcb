import assert from "node:assert/strict";
import { slackChannel, type SlackChannel, type SlackConfig } from "../../../src/channels/slack/index.ts";
import type { RequestState } from "../../../src/core/approval/index.ts";
import type { RequestId } from "../../../src/core/brand.ts";
import type { JsonObject } from "../../../src/core/action/index.ts";
import { Inbox, loadRequest, Outbox } from "../../../src/engine/index.ts";
import type { Click, OfferLink, Taken } from "../../../src/ports/channel.ts";
import { Bench } from "../../support/bench.ts";
import { DIRECTORY, edited } from "../../support/rules.ts";
import { ISSUER, type Standing, type Workspace } from "./workspace.ts";

export const PAGE = "https://keyturn.example/requests/";
const never = new AbortController().signal;

/** The usual directory; the people named have proven their account of the workspace. */
export function linkedDirectory(workspace: Workspace, linked: readonly string[], strength = "L3"): string {
  return linked.reduce((text, name) => {
    const account = `{ issuer: "${ISSUER}", subject: ${workspace.id(name)}, strength: ${strength} }`;
    if (name === "ann") return edited(text, "    accounts:\n", `    accounts:\n      - ${account}\n`);
    if (name === "cy")
      return edited(text, 'accounts: [{ issuer: "https://git', `accounts: [${account}, { issuer: "https://git`);
    return edited(text, `{ id: ${name}, `, `{ id: ${name}, accounts: [${account}], `);
  }, DIRECTORY);
}

/** The engine with one workspace, on a clock that stands still but for the pace of calls. */
export class Chat implements Disposable {
  readonly bench: Bench;
  readonly workspace: Workspace;
  slack: SlackChannel;
  outbox: Outbox;
  inbox: Inbox;
  readonly dropped: string[] = [];
  readonly results: string[] = [];
  readonly offered: Parameters<OfferLink>[0][] = [];
  readonly #config: SlackConfig;

  constructor(workspace: Workspace, config: SlackConfig, bench?: Bench) {
    this.workspace = workspace;
    this.#config = config;
    this.bench = bench ?? new Bench({}, { directory: linkedDirectory(workspace, ["ann", "bob", "cy"]) });
    [this.slack, this.outbox, this.inbox] = this.#start();
  }

  /** As a server that is killed and started anew: nothing in memory remains. */
  restart(): void {
    [this.slack, this.outbox, this.inbox] = this.#start();
  }

  #start(): [SlackChannel, Outbox, Inbox] {
    const { ctx, clock } = this.bench;
    const slack = slackChannel(this.#config, {
      clock,
      sleep: async (ms) => clock.pass(ms),
      onDropped: (because) => this.dropped.push(because),
    });
    const page = (id: RequestId): string => `${PAGE}${id}`;
    const outbox = new Outbox({ ctx, channels: [slack], page });
    const inbox = new Inbox({
      ctx,
      channels: [slack],
      page,
      offerLink: async (login) => {
        this.offered.push(login);
        return `https://keyturn.example/accounts#link=${this.offered.length}`;
      },
      onResult: (_, result) => this.results.push(result),
    });
    slack.receiver.open(async (click: Click): Promise<Taken> => inbox.take(click));
    return [slack, outbox, inbox];
  }

  /** Sends a payload as Slack does over HTTP, now; answers the status. */
  async send(payload: JsonObject, timeMs: number = this.bench.clock.now()): Promise<number> {
    return (await this.received(payload, timeMs)).status;
  }

  async received(
    payload: JsonObject,
    timeMs: number = this.bench.clock.now(),
  ): ReturnType<SlackChannel["receiver"]["http"]> {
    const { headers, body } = this.workspace.signed(payload, timeMs);
    return this.slack.receiver.http({
      timestamp: headers["x-slack-request-timestamp"],
      signature: headers["x-slack-signature"],
      body: Buffer.from(body),
    });
  }

  /** Clicks a button of a message that stands, and lets it be decided and shown. */
  async click(name: string, message: Standing, action = "keyturn.approve"): Promise<number> {
    const value = this.workspace.buttons(message).get(action)?.value ?? "";
    const { channel, ts } = message;
    const status = await this.send(
      this.workspace.payload({ user: this.workspace.id(name), action, value, channel, ts }),
    );
    await this.settle();
    return status;
  }

  /** Decides and tells until nothing is due. */
  async settle(): Promise<void> {
    while ((await this.inbox.step(never)) + (await this.outbox.step(never)) > 0);
  }

  async state(id: string): Promise<RequestState> {
    const state = await loadRequest(this.bench.ctx, id as RequestId);
    if (state === null) assert.fail(`no request ${id}`);
    return state;
  }

  [Symbol.dispose](): void {
    this.bench[Symbol.dispose]();
  }
}
