import { isJsonObject } from "../../core/action/index.ts";
import type { JsonObject } from "../../core/action/index.ts";
import { perform } from "../sdk/index.ts";
import { ELICIT, SAMPLE, upstreamQuestion } from "./action.ts";
import { actorOf } from "./context.ts";
import type { Context, Open } from "./context.ts";
import { failure, paramsOf, result } from "./jsonrpc.ts";
import type { Message } from "./jsonrpc.ts";
import { refusalText } from "./texts.ts";
import type { Answer } from "./upstream.ts";

/** How long a server's own question waits for people, in milliseconds; then it is refused, and may be asked again. */
const ASK_MS = 45_000;
/** MCP, sampling: the code for a request that a person refused. */
const REJECTED = -1;

const KINDS: Readonly<Record<string, typeof SAMPLE | typeof ELICIT>> = {
  "sampling/createMessage": SAMPLE,
  "elicitation/create": ELICIT,
};

/**
 * Judges a request of the upstream to the client: one that policy lets through is given to `tell`, another is answered
 * here. A server that can make the client's model or person work for it acts through them.
 */
export async function judgeAsk(
  context: Context,
  message: Message & { kind: "request" },
  tell: (message: Message) => void,
): Promise<void> {
  const kind = KINDS[message.body.method];
  if (kind === undefined) {
    tell(message);
    return;
  }
  try {
    await clearAsk(context, kind, paramsOf(message.body), () => tell(message));
  } catch (error) {
    const { id } = message.body;
    const declined = kind === ELICIT ? result(id, { action: "decline" }) : failure(id, REJECTED, refusalText(error));
    await context.upstream.send(declined, {}).catch(() => undefined);
  }
}

/** MCP 2026-07-28: what an upstream asks for stands in its `input_required` result. False when policy denies any of it. */
export async function allowsInput(context: Context, open: Open, { message }: Answer): Promise<boolean> {
  const { result: value } = message.body;
  if (!isJsonObject(value) || value["resultType"] !== "input_required") return true;
  const { inputRequests } = value;
  const asks = isJsonObject(inputRequests) ? Object.values(inputRequests) : [];
  try {
    for (const ask of asks) {
      const { method } = isJsonObject(ask) ? ask : {};
      const kind = typeof method === "string" ? KINDS[method] : undefined;
      if (kind === undefined || !isJsonObject(ask)) continue;
      await clearAsk(context, kind, paramsOf(ask), () => undefined, open.stop.signal);
    }
    return true;
  } catch {
    return false;
  }
}

async function clearAsk(
  context: Context,
  kind: typeof SAMPLE | typeof ELICIT,
  params: JsonObject,
  run: () => void,
  signal: AbortSignal = AbortSignal.timeout(2 * ASK_MS),
): Promise<void> {
  const { agent, serving } = context;
  const { question } = upstreamQuestion(await actorOf(context, signal), kind, params);
  await perform<void>({
    client: agent.client,
    question,
    signal,
    patienceMs: ASK_MS,
    leaveRequest: true,
    ledgerKey: agent.ledgerKey,
    onWarning: (warning) => serving.log(warning.message),
    run,
  });
}
