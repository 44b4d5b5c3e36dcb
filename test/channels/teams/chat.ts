import assert from "node:assert/strict";
import { teamsChannel, type TeamsChannel, type TeamsConfig } from "../../../src/channels/teams/index.ts";
import type { JsonObject } from "../../../src/core/action/index.ts";
import type { RequestState } from "../../../src/core/approval/index.ts";
import type { RequestId } from "../../../src/core/brand.ts";
import { Inbox, loadRequest, Outbox } from "../../../src/engine/index.ts";
import type { Click, OfferLink, Taken } from "../../../src/ports/channel.ts";
import { Bench } from "../../support/bench.ts";
import { DIRECTORY, edited } from "../../support/rules.ts";
import { at, textAt } from "../../support/json.ts";
import { buttons, type Standing, type Tenant } from "./tenant.ts";

export const PAGE = "https://keyturn.example/requests/";
const never = new AbortController().signal;
type Received = Awaited<ReturnType<TeamsChannel["receiver"]["http"]>>;

/** The usual directory; the people named have signed in with Entra ID, which is the same account as in Teams. */
export function linkedDirectory(tenant: Tenant, linked: readonly string[], strength = "L4"): string {
  return linked.reduce((text, name) => {
    const account = `{ issuer: "${tenant.issuer}", subject: ${tenant.id(name)}, strength: ${strength} }`;
    if (name === "ann") return edited(text, "    accounts:\n", `    accounts:\n      - ${account}\n`);
    if (name === "cy")
      return edited(text, 'accounts: [{ issuer: "https://git', `accounts: [${account}, { issuer: "https://git`);
    return edited(text, `{ id: ${name}, `, `{ id: ${name}, accounts: [${account}], `);
  }, DIRECTORY);
}

/** The engine with one tenant of Teams, on a clock that stands still. */
export class Chat implements Disposable {
  readonly bench: Bench;
  readonly tenant: Tenant;
  teams: TeamsChannel;
  outbox: Outbox;
  inbox: Inbox;
  readonly dropped: string[] = [];
  readonly results: string[] = [];
  readonly offered: Parameters<OfferLink>[0][] = [];
  readonly #config: TeamsConfig;

  constructor(tenant: Tenant, config: TeamsConfig, bench?: Bench) {
    this.tenant = tenant;
    this.#config = config;
    this.bench = bench ?? new Bench({}, { directory: linkedDirectory(tenant, ["ann", "bob", "cy"]) });
    [this.teams, this.outbox, this.inbox] = this.#start();
  }

  /** As a server that is killed and started anew: nothing in memory remains. */
  restart(): void {
    [this.teams, this.outbox, this.inbox] = this.#start();
  }

  #start(): [TeamsChannel, Outbox, Inbox] {
    const { ctx, clock } = this.bench;
    const onDropped = (because: string): number => this.dropped.push(because);
    const teams = teamsChannel(this.#config, {
      clock,
      onDropped,
      waitMs: 300,
      sleep: async (ms) => clock.pass(ms),
    });
    const page = (id: RequestId): string => `${PAGE}${id}`;
    const outbox = new Outbox({ ctx, channels: [teams], page });
    const inbox = new Inbox({
      ctx,
      channels: [teams],
      page,
      offerLink: async (login) => {
        this.offered.push(login);
        return `https://keyturn.example/accounts#link=${this.offered.length}`;
      },
      onResult: (_, result) => this.results.push(result),
    });
    teams.receiver.open(async (click: Click): Promise<Taken> => inbox.take(click));
    return [teams, outbox, inbox];
  }

  /** Sends an activity with a token, as Teams does; nothing is decided yet. */
  async send(activity: JsonObject, token?: string): Promise<Received> {
    const bearer = token ?? (await this.tenant.token(this.bench.clock.now()));
    const body = Buffer.from(JSON.stringify(activity));
    return this.teams.receiver.http({ authorization: `Bearer ${bearer}`, body });
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
