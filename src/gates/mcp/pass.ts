import type { Context, Open } from "./context.ts";
import type { Message, Request } from "./jsonrpc.ts";
import { judgeAsk } from "./asks.ts";
import type { Outlet } from "./outlet.ts";
import type { Answer, Mark } from "./upstream.ts";

/** Hands a request to the upstream and what belongs to it back to the client, except for its answer. */
export function passOn(context: Context, open: Open, body: Request): Promise<Answer> {
  const { outlet, headers, stop } = open;
  const listener = {
    hear: (message: Message, mark?: Mark) => heard(context, message, outlet, mark),
    streams: () => outlet.open(),
    prime: (mark: Mark) => outlet.prime(mark),
    ended: () => outlet.drop(),
  };
  return context.upstream.request(body, { listener, signal: stop.signal, headers });
}

/** What an upstream sends of its own accord: requests are judged before the client sees them, the rest passes. */
export function heard(context: Context, message: Message, outlet: Pick<Outlet, "tell">, mark?: Mark): void {
  if (message.kind === "notification" && message.body.method === "notifications/tools/list_changed") {
    context.tools.stale();
  }
  if (message.kind !== "request") outlet.tell(message, mark);
  else void judgeAsk(context, message, (judged) => outlet.tell(judged, mark));
}
