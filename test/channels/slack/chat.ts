import { slackChannel, type SlackChannel, type SlackConfig } from "../../../src/channels/slack/index.ts";
import type { JsonObject } from "../../../src/core/action/index.ts";
import { Bench } from "../../support/bench.ts";
import { ChatBench, directoryWith } from "../chat.ts";
import { ISSUER, type Standing, type Workspace } from "./workspace.ts";

/** The usual directory; the people named have proven their account of the workspace. */
export function linkedDirectory(workspace: Workspace, linked: readonly string[], strength = "L3"): string {
  return directoryWith(linked, (name) => ({ issuer: ISSUER, subject: workspace.id(name) }), strength);
}

/** The engine with one workspace. */
export class Chat extends ChatBench<SlackChannel> {
  readonly workspace: Workspace;

  constructor(workspace: Workspace, config: SlackConfig, bench?: Bench) {
    const own = bench ?? new Bench({}, { directory: linkedDirectory(workspace, ["ann", "bob", "cy"]) });
    const { clock } = own;
    const dropped: string[] = [];
    const onDropped = (because: string): number => dropped.push(because);
    super(own, dropped, () => slackChannel(config, { clock, sleep: async (ms) => clock.pass(ms), onDropped }));
    this.workspace = workspace;
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
    return this.channel.receiver.http({
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
}
