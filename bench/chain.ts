/**
 * The anchor of a release across servers: what it takes without Keyturn. `writer URL` answers each request after one statement
 * that inserts a row and tells of it; `listener URL` answers who waits when it hears of one. Prints its port.
 */
import { createServer, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import pg from "pg";

/** About what a decision writes, and what is told of it. */
const ROW_BYTES = 2048;
const TOLD_CHARS = 2000;

const [role, url] = process.argv.slice(2);
const client = new pg.Client({ connectionString: url });
await client.connect();
const server = createServer(role === "writer" ? await writer() : await listener());
server.listen({ host: "127.0.0.1", port: 0 }, () => {
  console.log(JSON.stringify({ event: "ready", url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }));
});

async function writer(): Promise<RequestListener> {
  await client.query("create table if not exists bare_chain (id bigserial primary key, body bytea)");
  const text = "with row as (insert into bare_chain (body) values ($1)) select pg_notify('bare_chain', $2)";
  const body = Buffer.alloc(ROW_BYTES, 7);
  let count = 0;
  return (request, response) => {
    request.resume().on("end", () => {
      count += 1; // PostgreSQL tells the same words only once
      const values = [body, String(count).padStart(TOLD_CHARS, "0")];
      client.query({ name: "chain", text, values }).then(
        () => response.end("{}"),
        () => response.writeHead(500).end("{}"),
      );
    });
  };
}

async function listener(): Promise<RequestListener> {
  let waiting: ServerResponse | null = null;
  client.on("notification", () => {
    waiting?.end("{}");
    waiting = null;
  });
  await client.query("listen bare_chain");
  return (_request, response) => {
    waiting = response;
  };
}
