import type { Readable, Writable } from "node:stream";
import type { Agent, Serving } from "./context.ts";
import { McpError } from "./errors.ts";
import { CODES, failure, readClientMessage, refusedId } from "./jsonrpc.ts";
import type { Message } from "./jsonrpc.ts";
import { CLIENT_MESSAGE_BYTES_MAX } from "./limits.ts";
import { Lines } from "./lines.ts";
import type { Outlet } from "./outlet.ts";
import { Relay } from "./relay.ts";
import { StdioUpstream } from "./stdio-upstream.ts";
import type { Program } from "./stdio-upstream.ts";

export type StdioGateway = {
  readonly serving: Serving;
  readonly agent: Agent;
  readonly program: Program;
  readonly input: Readable;
  readonly output: Writable;
};

/**
 * Stands between one client and one program that both speak MCP over standard input and output. Resolves when either of
 * them is gone: 0 when the client ended it, 1 when the program did.
 */
export async function runStdioGateway({ serving, agent, program, input, output }: StdioGateway): Promise<number> {
  const write = (message: Message): void => {
    output.write(`${message.text}\n`);
  };
  const outlet: Outlet = {
    streams: true,
    tell: write,
    open: () => undefined,
    prime: () => undefined,
    answer: (answer) => write(answer.message),
    drop: () => undefined, // JSON-RPC over stdio: a request that was cancelled gets no answer.
  };
  let end: (code: number) => void = () => undefined;
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });
  const relay = new Relay({
    serving,
    agent,
    stdio: true,
    connect: (owner) => new StdioUpstream(program, owner),
    tell: write,
    lost: (why) => {
      serving.log(`${serving.server}: ${why}`);
      end(1);
    },
  });
  const take = (line: Buffer): void => {
    try {
      const message = readClientMessage(line);
      if (message.kind === "request") relay.request(message.body, outlet, {});
      else void relay.message(message, {}).catch(() => undefined);
    } catch (error) {
      const why = error instanceof McpError ? error.message : "the message cannot be read";
      write(failure(refusedId(line), CODES.parseError, why));
    }
  };
  const lines = new Lines(CLIENT_MESSAGE_BYTES_MAX, take);
  input.on("data", (chunk: Buffer) => {
    try {
      lines.push(chunk);
    } catch (error) {
      // Where the next message begins is not known any more.
      write(failure(null, CODES.invalidRequest, error instanceof Error ? error.message : "the message is too large"));
      end(1);
    }
  });
  input.once("end", () => end(0));
  input.once("close", () => end(0));
  output.once("error", () => end(0));
  const code = await ended;
  await relay.close();
  return code;
}
