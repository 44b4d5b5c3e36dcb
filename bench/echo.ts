/** The anchor of the HTTP path: a bare Fastify that checks the body with zod and sends it back. Prints its port. */
import type { AddressInfo } from "node:net";
import { fastify } from "fastify";
import { z } from "zod";

const Properties = z.record(z.string(), z.json());
const Named = z.object({ type: z.string(), id: z.string(), properties: Properties.optional() });
const Body = z.object({
  subject: Named,
  action: z.object({ name: z.string(), properties: Properties.optional() }),
  resource: Named,
  context: Properties.optional(),
});

const app = fastify({ logger: false });
app.post("/access/v1/evaluation", async (request) => Body.parse(request.body));
await app.listen({ host: "127.0.0.1", port: 0 });
console.log(JSON.stringify({ event: "ready", url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}` }));
