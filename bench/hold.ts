/** The anchor of held sockets: a bare `node:http` that answers nothing. Prints its port. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

const held = new Set<ServerResponse>();
const server = createServer((_request, response) => {
  held.add(response);
  response.on("close", () => held.delete(response));
});
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  console.log(JSON.stringify({ event: "ready", url: `http://127.0.0.1:${port}` }));
});
