import assert from "node:assert/strict";
import { teamsChannel, type TeamsChannel, type TeamsConfig } from "../../../src/channels/teams/index.ts";
import type { JsonObject } from "../../../src/core/action/index.ts";
import { Bench } from "../../support/bench.ts";
import { at, textAt } from "../../support/json.ts";
import { ChatBench, directoryWith } from "../chat.ts";
import { buttons, type Standing, type Tenant } from "./tenant.ts";

type Received = Awaited<ReturnType<TeamsChannel["receiver"]["http"]>>;

/** The usual directory; the people named have signed in with Entra ID, which is the same account as in Teams. */
export function linkedDirectory(tenant: Tenant, linked: readonly string[], strength = "L4"): string {
  return directoryWith(linked, (name) => ({ issuer: tenant.issuer, subject: tenant.id(name) }), strength);
}

/** The engine with one tenant of Teams. */
export class Chat extends ChatBench<TeamsChannel> {
  readonly tenant: Tenant;

  constructor(tenant: Tenant, config: TeamsConfig, bench?: Bench) {
    const own = bench ?? new Bench({}, { directory: linkedDirectory(tenant, ["ann", "bob", "cy"]) });
    const { clock } = own;
    const dropped: string[] = [];
    const onDropped = (because: string): number => dropped.push(because);
    super(own, dropped, () =>
      teamsChannel(config, { clock, onDropped, waitMs: 300, sleep: async (ms) => clock.pass(ms) }),
    );
    this.tenant = tenant;
  }

  /** Sends an activity with a token, as Teams does; nothing is decided yet. */
  async send(activity: JsonObject, token?: string): Promise<Received> {
    const bearer = token ?? (await this.tenant.token(this.bench.clock.now()));
    const body = Buffer.from(JSON.stringify(activity));
    return this.channel.receiver.http({ authorization: `Bearer ${bearer}`, body });
  }

  /** Presses a button of a card that stands and answers what Teams would show below it. */
  async click(name: string, { card, conversation }: Standing, title = "Approve", reason?: string): Promise<string> {
    const button = buttons(card).get(title);
    const action = (at(button, "card", "actions", 0) ?? button) as JsonObject | undefined;
    if (action === undefined) assert.fail(`no button ${title}`);
    const data = { ...(action["data"] as JsonObject), ...(reason === undefined ? {} : { keyturn_reason: reason }) };
    const verb = textAt(action, "verb");
    return this.press(this.tenant.activity({ name, verb, data, conversation, atMs: this.bench.clock.now() }));
  }

  /** Sends, decides and tells until nothing is due; answers the text for who clicked. */
  async press(activity: JsonObject): Promise<string> {
    const sent = this.send(activity);
    let isOver = false;
    void sent.finally(() => (isOver = true)).catch(() => {});
    while (!isOver) {
      await this.settle();
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await this.settle();
    const { status, body } = await sent;
    return status === 200 ? textAt(body ?? undefined, "value") : `${status}`;
  }
}
