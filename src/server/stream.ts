import type { FastifyReply, FastifyRequest } from "fastify";
import type { JsonObject } from "../core/action/index.ts";
import type { RequestState } from "../core/approval/index.ts";
import { authenticate, type Access } from "./auth.ts";
import type { House } from "./house.ts";

const PING_MS = 15_000;
/** How soon whoever listened to a server that ends comes back; another instance may answer. */
const RETRY_MS = 500;
/** Unsent bytes after which a slow reader is cut off; it reconnects and reads again. */
const BUFFERED_MAX = 1 << 20;

/** Server-sent events: every change that `select` has something to say about, until either side ends. */
export function stream(
  house: House,
  request: FastifyRequest,
  reply: FastifyReply,
  access: Access,
  event: string,
  select: (state: RequestState) => JsonObject | null,
): void {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" });
  if (request.method === "HEAD") {
    raw.end(); // a head without a stream behind it: nothing would ever be sent
    return;
  }
  const send = (name: string, data: JsonObject): void => {
    if (raw.writableLength > BUFFERED_MAX) raw.destroy();
    else raw.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  send("ping", {});
  const end = (): void => {
    clearInterval(ping);
    unsubscribe();
    raw.end(house.closing.aborted ? `retry: ${RETRY_MS}\n\n` : undefined);
  };
  const unsubscribe = house.ctx.bus.subscribe((state) => {
    const data = select(state);
    if (data !== null) send(event, data);
  }, end);
  const beat = (): void => {
    // A credential that was revoked meanwhile ends the stream too.
    authenticate(house, request, access).then(() => send("ping", {}), end);
  };
  const ping = setInterval(beat, PING_MS);
  raw.on("close", end);
  if (raw.destroyed) end(); // it went while the credential was looked at
}
