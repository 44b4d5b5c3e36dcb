import { jsonText } from "../../src/core/action/index.ts";
import { ChannelError } from "../../src/ports/channel.ts";
import type { Channel, Notice, Reference } from "../../src/ports/channel.ts";

type Call = "present" | "update" | "close" | "remind";
type Posted = { readonly place: string; readonly request: string; status: string; version: number; closed: boolean };

/** A chat service in memory: messages that stand somewhere, a call log, and outages on cue. */
export class Board implements Channel {
  readonly name: string;
  readonly tells: "latest" | "every";
  readonly calls: { readonly call: Call; readonly place: string; readonly notice: Notice }[] = [];
  readonly posted = new Map<string, Posted>();
  /** Asked before each call: an error to fail with, or null; `after` fails when the service has already taken it. */
  fail: (call: Call, place: string) => ChannelError | { readonly after: ChannelError } | null = () => null;
  route: (notice: Notice) => readonly string[] = ({ audience }) => audience.approvers.map(({ id }) => id);
  #next = 0;

  constructor(name = "board", tells: "latest" | "every" = "latest") {
    this.name = name;
    this.tells = tells;
  }

  places(notice: Notice): readonly string[] {
    return this.route(notice);
  }

  async present(place: string, notice: Notice): Promise<Reference> {
    return this.#do("present", place, notice, () => {
      const id = `m${(this.#next += 1)}`;
      const { request } = notice.card.body;
      this.posted.set(id, { place, request, status: "", version: 0, closed: false });
      return this.#write(id, notice);
    });
  }

  async update(place: string, reference: Reference, notice: Notice): Promise<Reference> {
    return this.#do("update", place, notice, () => this.#write(jsonText(reference["id"]), notice));
  }

  async close(place: string, reference: Reference, notice: Notice): Promise<void> {
    await this.#do("close", place, notice, () => {
      const id = jsonText(reference["id"]);
      this.#write(id, notice);
      const message = this.posted.get(id);
      if (message !== undefined) message.closed = true;
      return {};
    });
  }

  async remind(place: string, _reference: Reference, notice: Notice): Promise<void> {
    await this.#do("remind", place, notice, () => ({}));
  }

  count(call: Call): number {
    return this.calls.filter((one) => one.call === call).length;
  }

  /** Status of what stands at each place, newest message last. */
  standing(request: string): readonly string[] {
    return [...this.posted.values()]
      .filter((message) => message.request === request)
      .map(({ place, status }) => `${place} ${status}`);
  }

  #write(id: string, { card }: Notice): Reference {
    const message = this.posted.get(id);
    if (message === undefined) throw new ChannelError({ code: "message_gone", message: "no such message" });
    message.status = card.progress.status;
    message.version = card.progress.version;
    return { id };
  }

  async #do(call: Call, place: string, notice: Notice, work: () => Reference): Promise<Reference> {
    const failure = this.fail(call, place);
    if (failure instanceof ChannelError) throw failure;
    const answer = work();
    this.calls.push({ call, place, notice });
    if (failure !== null) throw failure.after;
    return answer;
  }
}

export const DOWN: ChannelError = new ChannelError({ code: "channel_unavailable", message: "the service is away" });
