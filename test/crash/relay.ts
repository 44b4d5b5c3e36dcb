import { createServer, request } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What stands between gates and server: it can let an answer be lost at the very moment that the server gives it. */
export class Relay implements Disposable {
  /** Called when the server has answered such a path, and has so done what it was asked. True: the answer is lost. */
  loses: (path: string) => boolean = () => false;
  readonly #port: number;
  readonly #server: Server;

  private constructor(port: number) {
    this.#port = port;
    this.#server = createServer((asked, answer) => this.#forward(asked, answer));
  }

  /** To whatever listens on `port` of this machine, now or later. */
  static async open(port: number): Promise<Relay> {
    const relay = new Relay(port);
    await new Promise<void>((resolve) => relay.#server.listen(0, "127.0.0.1", resolve));
    return relay;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  #forward(asked: IncomingMessage, answer: ServerResponse): void {
    const { method, url: path = "/", headers } = asked;
    const lost = (): void => void answer.destroy();
    const sent = request({ host: "127.0.0.1", port: this.#port, method, path, headers, agent: false }, (got) => {
      if (this.loses(path)) return lost();
      answer.writeHead(got.statusCode ?? 502, got.headers);
      got.once("error", lost).pipe(answer);
    });
    sent.once("error", lost);
    answer.once("close", () => sent.destroy());
    asked.once("error", lost).pipe(sent);
  }

  [Symbol.dispose](): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
