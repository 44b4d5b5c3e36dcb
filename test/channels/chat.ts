import assert from "node:assert/strict";
import type { Json, JsonObject } from "../../src/core/action/index.ts";
import type { RequestState } from "../../src/core/approval/index.ts";
import type { RequestId } from "../../src/core/brand.ts";
import { Inbox, loadRequest, Outbox } from "../../src/engine/index.ts";
import type { Clickable, OfferLink, Take } from "../../src/ports/channel.ts";
import type { Bench } from "../support/bench.ts";
import { DIRECTORY, edited } from "../support/rules.ts";

export const PAGE = "https://keyturn.example/requests/";
const never = new AbortController().signal;

/** The usual directory, and of the people named an account of the chat. */
export function directoryWith(
  linked: readonly string[],
  accountOf: (name: string) => { readonly issuer: string; readonly subject: string },
  strength: string,
): string {
  return linked.reduce((text, name) => {
    const { issuer, subject } = accountOf(name);
    const account = `{ issuer: "${issuer}", subject: ${subject}, strength: ${strength} }`;
    if (name === "ann") return edited(text, "    accounts:\n", `    accounts:\n      - ${account}\n`);
    if (name === "cy")
      return edited(text, 'accounts: [{ issuer: "https://git', `accounts: [${account}, { issuer: "https://git`);
    return edited(text, `{ id: ${name}, `, `{ id: ${name}, accounts: [${account}], `);
  }, DIRECTORY);
}

/** A chat channel whose clicks are handed to its receiver. */
type Received = Clickable & { readonly receiver: { open(take: Take): void } };

/** The engine with one chat, on a clock that stands still but for the pace of calls. */
export class ChatBench<C extends Received> implements Disposable {
  readonly bench: Bench;
  channel: C;
  outbox: Outbox;
  inbox: Inbox;
  readonly dropped: string[];
  readonly results: string[] = [];
  readonly offered: Parameters<OfferLink>[0][] = [];
  readonly #open: () => C;

  /** `open` makes the channel, anew at each start; it adds to `dropped` what nobody wants to hear. */
  constructor(bench: Bench, dropped: string[], open: () => C) {
    this.bench = bench;
    this.dropped = dropped;
    this.#open = open;
    [this.channel, this.outbox, this.inbox] = this.#start();
  }

  /** As a server that is killed and started anew: nothing in memory remains. */
  restart(): void {
    [this.channel, this.outbox, this.inbox] = this.#start();
  }

  #start(): [C, Outbox, Inbox] {
    const { ctx } = this.bench;
    const channel = this.#open();
    const page = (id: RequestId): string => `${PAGE}${id}`;
    const outbox = new Outbox({ ctx, channels: [channel], page });
    const inbox = new Inbox({
      ctx,
      channels: [channel],
      page,
      offerLink: async (login) => {
        this.offered.push(login);
        return `https://keyturn.example/accounts#link=${this.offered.length}`;
      },
      onResult: (_, result) => this.results.push(result),
    });
    channel.receiver.open(async (click) => inbox.take(click));
    return [channel, outbox, inbox];
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

  /** How many entries of a type the ledger has. */
  async entries(type: string): Promise<number> {
    return (await this.bench.types()).filter((one) => one === type).length;
  }

  [Symbol.dispose](): void {
    this.bench[Symbol.dispose]();
  }
}

/** Every text of a message, one after the other. */
export function allText(value: Json): string {
  if (Array.isArray(value)) return value.map((one: Json) => allText(one)).join("");
  if (typeof value !== "object" || value === null) return "";
  return Object.entries(value as JsonObject)
    .map(([name, member]) => (["text", "url"].includes(name) && typeof member === "string" ? member : allText(member)))
    .join("");
}
