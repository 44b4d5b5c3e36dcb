import { openApi } from "../openapi.ts";
import type { House } from "../house.ts";
import { jwkOf } from "../keys.ts";
import { HttpProblem } from "../problem.ts";
import type { Routes } from "../route.ts";
import { callerOf } from "../auth.ts";

/** An instance that lags further behind the others should get no requests. */
const BEHIND_MAX_MS = 10_000;

/** Health, metrics, keys and the description of everything else. */
export function metaRoutes(routes: Routes, house: House): void {
  routes.add({
    method: "GET",
    url: "/healthz",
    access: "anyone",
    summary: "The process answers",
    handler: async () => ({ status: "ok" }),
  });
  routes.add({
    method: "GET",
    url: "/readyz",
    access: "anyone",
    summary: "The store answers and the server is not closing",
    handler: async () => {
      if (house.closing.aborted)
        throw new HttpProblem({ status: 503, code: "closing", message: "the server is closing", retryAfterMs: 1000 });
      if (house.behindMs() > BEHIND_MAX_MS) {
        const message = "other instances have recorded what is not known here yet";
        throw new HttpProblem({ status: 503, code: "behind", message, retryAfterMs: 1000 });
      }
      return { status: "ready", ledger_size: (await house.ctx.store.head()).size };
    },
  });
  routes.add({
    method: "GET",
    url: "/metrics",
    access: "anyone",
    summary: "Prometheus metrics",
    handler: async ({ reply }) => {
      void reply.type("text/plain; version=0.0.4; charset=utf-8");
      return house.metrics.render(await gaugesOf(house));
    },
  });
  routes.add({
    method: "GET",
    url: "/.well-known/jwks.json",
    access: "anyone",
    summary: "The key that signs permits",
    handler: async () => ({ keys: [jwkOf(house.ctx.signer)] }),
  });
  routes.add({
    method: "GET",
    url: "/v1/whoami",
    access: "gate",
    summary: "Which agent and gate this token speaks for",
    handler: async ({ who }) => {
      const { agent, agentType, gate } = callerOf(who, house.ctx.rules());
      return { agent: { type: agentType, id: agent }, gate };
    },
  });
  routes.add({
    method: "GET",
    url: "/openapi.json",
    access: "anyone",
    summary: "This description",
    handler: async () => openApi(routes.documented, house.publicUrl),
  });
}

/** What is not there within a second counts as not there: whoever scrapes does not wait for a store that is away. */
async function soon<T>(work: Promise<T>): Promise<T | null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(resolve, 1000, null);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** What stands at this moment. */
async function gaugesOf(house: House): Promise<Readonly<Record<string, number>>> {
  // Numbers are wanted most while the store is away.
  const size = await soon(
    house.ctx.store.head().then(
      (head) => head.size,
      () => null,
    ),
  );
  const memory = process.memoryUsage();
  const { requests, bytes } = house.pressure.held;
  return {
    ...(size === null ? {} : { ledger_entries: size }),
    store_up: size === null ? 0 : 1,
    appends_waiting: house.pressure.appends,
    requests_under_way: requests,
    body_bytes_held: bytes,
    leads: house.leadership.leads ? 1 : 0,
    behind_seconds: house.behindMs() / 1000,
    listeners: house.ctx.bus.size,
    rules_problems: house.rules.problems.length,
    process_resident_memory_bytes: memory.rss,
    process_heap_bytes: memory.heapUsed,
  };
}
