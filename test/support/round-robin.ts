import { once } from "node:events";
import { createServer, request } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Something that takes turns between servers, as a load balancer does. */
export type RoundRobin = AsyncDisposable & {
  readonly url: string;
  /** The addresses that it sends to, in turns; a test may change them. */
  targets: readonly string[];
  /** Requests that each address has answered. */
  readonly answered: ReadonlyMap<string, number>;
};

type Sent = { readonly got: IncomingMessage; readonly target: string };

/**
 * Listens on loopback and passes each request to the next server. It goes on to another one where a server cannot be
 * connected to, or says that it is closing: in both cases nothing was decided.
 */
export async function startRoundRobin(): Promise<RoundRobin> {
  const answered = new Map<string, number>();
  let turn = 0;
  const server = createServer((asked, answer) => {
    pass(asked, answer).catch(() => answer.destroy());
  });
  const pass = async (asked: IncomingMessage, answer: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of asked) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const { targets } = proxy;
    turn += 1;
    for (let tries = 0; tries < targets.length; tries += 1) {
      const target = targets[(turn + tries) % targets.length] ?? "";
      const sent = await send(target, asked, body, answer);
      if (sent === null) continue;
      answered.set(target, (answered.get(target) ?? 0) + 1);
      answer.writeHead(sent.got.statusCode ?? 502, sent.got.headers);
      sent.got.once("error", () => answer.destroy()).pipe(answer);
      return;
    }
    answer.writeHead(503, { "retry-after": "1" }).end();
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy: RoundRobin = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    targets: [],
    answered,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return proxy;
}

/** The answer, or null where another server may be asked. A connection that breaks later breaks the caller's. */
function send(target: string, asked: IncomingMessage, body: Buffer, answer: ServerResponse): Promise<Sent | null> {
  return new Promise((resolve, reject) => {
    const { method, url: path = "/", headers } = asked;
    const { hostname: host, port } = new URL(target);
    const sent = request({ host, port, method, path, headers, agent: false }, (got) => {
      const isClosing = got.statusCode === 503 && got.headers["connection"] === "close" && asked.method === "POST";
      if (!isClosing) return resolve({ got, target });
      got.resume();
      return resolve(null);
    });
    sent.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED") resolve(null);
      else reject(error);
    });
    answer.once("close", () => sent.destroy());
    sent.end(body);
  });
}
