import type { Message } from "./jsonrpc.ts";
import type { Answer, Mark } from "./upstream.ts";

/** The way back to a client for one of its requests. */
export type Outlet = {
  /** Whether something can be told before the answer. */
  readonly streams: boolean;
  /** A notification or request on the way. */
  tell(message: Message, mark?: Mark): void;
  /** Begins a stream of events now, so that the client knows that its call lives. */
  open(): void;
  /** An event that holds nothing but a place to resume from. */
  prime(mark: Mark): void;
  /** The answer; nothing follows. */
  answer(answer: Answer): void;
  /** Ends without an answer: the client gave up, or goes on with another stream. */
  drop(): void;
};
