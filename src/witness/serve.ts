import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { WITNESS_BODY_BYTES_MAX, type Answer, type Witness } from "./witness.ts";

export type ServeOptions = {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Told of what went wrong in here, and of refusals that point to a fork. */
  readonly log: (message: string) => void;
};

/** A witness that listens. */
export type ServedWitness = AsyncDisposable & { readonly url: string };

const REQUEST_TIMEOUT_MS = 10_000;

/** Serves `POST /add-checkpoint` and `GET /healthz`, and nothing else. */
export async function serveWitness(witness: Witness, { host, port, log }: ServeOptions): Promise<ServedWitness> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    void answerTo(request, witness, log).then((answer) => send(response, answer));
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, host, resolve));
  const address = server.address() as AddressInfo;
  const shown = host.includes(":") ? `[${host}]` : host;
  return {
    url: `http://${shown}:${address.port}`,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answerTo(request: IncomingMessage, witness: Witness, log: ServeOptions["log"]): Promise<Answer> {
  const path = (request.url ?? "").split("?")[0];
  if (path === "/healthz") return plain(200, "ok");
  if (path !== "/add-checkpoint") return plain(404, "there is nothing here but add-checkpoint");
  if (request.method !== "POST") return plain(405, "checkpoints are posted");
  try {
    const body = await textOf(request);
    if (body === null) return plain(413, `at most ${WITNESS_BODY_BYTES_MAX} bytes`);
    const answer = witness.add(body);
    if (answer.status === 422 || answer.status === 403) log(`${answer.status}: ${answer.body.trim()}`);
    return answer;
  } catch (error) {
    // Whatever failed, nothing was signed.
    log(error instanceof Error ? error.message : String(error));
    return plain(500, "nothing was signed; the witness's own log says why");
  }
}

/** The body as UTF-8; null when it is too long. */
async function textOf(request: IncomingMessage): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > WITNESS_BODY_BYTES_MAX) return null;
    chunks.push(chunk);
  }
  // Invalid bytes become U+FFFD, under which no signature is valid.
  return Buffer.concat(chunks).toString("utf8");
}

function plain(status: number, sentence: string): Answer {
  return { status, type: "text/plain; charset=utf-8", body: `${sentence}\n` };
}

function send(response: ServerResponse, { status, type, body }: Answer): void {
  const headers = { "content-type": type, "x-content-type-options": "nosniff", "cache-control": "no-store" };
  response.writeHead(status, status === 413 ? { ...headers, connection: "close" } : headers).end(body);
}
