import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export const SECRET: Buffer = Buffer.alloc(32, 7);
export const SECRET_TEXT: string = `whsec_${SECRET.toString("base64")}`;

export type Received = { readonly headers: IncomingHttpHeaders; readonly body: string; readonly url: string };
export type Reply = { readonly status: number; readonly headers?: Readonly<Record<string, string>> };

/** A receiver of webhooks on the loopback; `replies` are given one after the other, then 204. */
export class Receiver implements AsyncDisposable {
  readonly got: Received[] = [];
  readonly replies: Reply[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const body = Buffer.concat(chunks).toString("utf8");
        this.got.push({ headers: request.headers, body, url: request.url ?? "" });
        const { status, headers = {} } = this.replies.shift() ?? { status: 204 };
        response.writeHead(status, headers).end();
      });
    });
  }

  static async open(): Promise<Receiver> {
    const receiver = new Receiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, "127.0.0.1", resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** The signature that Standard Webhooks asks for, computed here anew. */
export function expectedSignature({ headers, body }: Received): string {
  const signed = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${body}`;
  return `v1,${createHmac("sha256", SECRET).update(signed).digest("base64")}`;
}
