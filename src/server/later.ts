import type { FastifyReply } from "fastify";

/** Begins a wait, whose end is told once, and answers how to leave it before. */
type Begin = (end: (answer: Promise<unknown>) => void) => () => void;

/** What a handler answers that waits: of the call, nothing is kept meanwhile but where the answer goes. */
export class Later {
  readonly #begin: Begin;

  constructor(begin: Begin) {
    this.#begin = begin;
  }

  /** Sends the answer when it is there; leaves when the client does. */
  sendTo(reply: FastifyReply): void {
    const leave = this.#begin((answer) => {
      answer.then((body) => void reply.send(body)).catch((error: unknown) => void reply.send(error));
    });
    // Of the answer, not of its socket: a kept connection would collect a listener with every poll.
    reply.raw.on("close", leave);
    if (reply.raw.destroyed) leave(); // it went while the request was read
  }

  /** The answer, or null to a client that has gone: a whole frame waits for it. */
  settled(reply: FastifyReply): Promise<unknown> {
    return new Promise((resolve) => {
      const leave = this.#begin(resolve);
      const gone = (): void => {
        leave();
        resolve(null);
      };
      reply.raw.on("close", gone);
      if (reply.raw.destroyed) gone();
    });
  }
}
