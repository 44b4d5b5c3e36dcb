import { Agent, request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { Agent as TlsAgent, request as httpsRequest } from "node:https";
import { tooLarge } from "../client/index.ts";
import type { CarriedAnswer, Carry } from "../client/index.ts";

const KEPT = { keepAlive: true, noDelay: true, maxSockets: Infinity };

/**
 * Carries a client's calls over connections that stay open, head and body in one write: a third of what `fetch` takes.
 * Undefined, which leaves `fetch` its work, where Node was told to take proxies from the environment.
 */
export function warmCarry(): Carry | undefined {
  if (process.env["NODE_USE_ENV_PROXY"] !== undefined || process.execArgv.includes("--use-env-proxy")) return undefined;
  const plain = new Agent(KEPT);
  const secure = new TlsAgent(KEPT);
  return (url, { method, headers, body, signal, bytesMax }) =>
    new Promise((resolve, reject) => {
      const length = body === null ? {} : { "content-length": String(Buffer.byteLength(body)) };
      const options = { method, headers: { ...headers, ...length }, signal };
      const sent = url.startsWith("https:")
        ? httpsRequest(url, { ...options, agent: secure })
        : httpRequest(url, { ...options, agent: plain });
      sent.once("response", (answer) => collect(answer, bytesMax, resolve, reject));
      sent.on("error", reject);
      sent.end(body ?? undefined);
    });
}

function collect(
  answer: IncomingMessage,
  bytesMax: number,
  resolve: (whole: CarriedAnswer) => void,
  reject: (error: Error) => void,
): void {
  const chunks: Buffer[] = [];
  let length = 0;
  answer.on("data", (chunk: Buffer) => {
    length += chunk.length;
    chunks.push(chunk);
    if (length > bytesMax) answer.destroy(tooLarge(bytesMax));
  });
  answer.once("error", reject); // also where the connection breaks in the middle
  answer.once("end", () => {
    const get = (name: string): string | null => answer.headersDistinct[name]?.[0] ?? null;
    resolve({ status: answer.statusCode ?? 0, headers: { get }, bytes: Buffer.concat(chunks, length) });
  });
}
