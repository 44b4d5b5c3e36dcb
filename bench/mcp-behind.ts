/** What stands behind the gateway: an MCP server with two tools that do nothing, or with an address, a plain proxy to it. */
import { Agent, createServer, request as httpRequest } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

type Body = { readonly id: number | string; readonly method: string };

const [to] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true });
const tools = ["echo", "drop"].map((name) => ({
  name,
  description: `Does nothing: ${name}`,
  inputSchema: { type: "object" },
}));

function answer(bytes: Buffer, response: ServerResponse): void {
  const { id, method } = JSON.parse(bytes.toString()) as Body;
  const content = [{ type: "text", text: "done" }];
  const result = { resultType: "complete", ...(method === "tools/list" ? { tools } : { content }) };
  const text = JSON.stringify({ jsonrpc: "2.0", id, result });
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}

/** Reads the whole body and writes it anew, as every proxy that looks at messages has to. */
function pass(url: string, bytes: Buffer, { headers, method }: IncomingMessage, response: ServerResponse): void {
  const text = JSON.stringify(JSON.parse(bytes.toString()));
  const sent = httpRequest(
    url,
    { agent, method, headers: { ...headers, "content-length": Buffer.byteLength(text) } },
    (found) => {
      response.writeHead(found.statusCode ?? 502, found.headers);
      found.pipe(response);
    },
  );
  sent.end(text);
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const bytes = Buffer.concat(chunks);
    if (to === undefined) answer(bytes, response);
    else pass(to, bytes, request, response);
  });
});
server.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }));
});
