/** What agents ask in the benchmark: the everyday mix of one house, the same on every run. */

export const AGENTS = 8;

/** The body of one question, and which agent asks it. */
export type Asked = { readonly agent: string; readonly body: string };

type Part = { readonly action: string; readonly properties: object; readonly resource: { type: string; id: string } };

/** A small generator with a fixed seed (mulberry32), so that every run asks the same. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const REGIONS = ["eu", "us", "apac", "latam"];
const COLUMNS = ["id", "name", "email", "city", "plan", "created_at", "last_order_at", "balance"];
const REASONS = [
  "Ticket 48213: the customer asks why the invoice of March shows two positions for the same seat.",
  "Weekly report for sales: active customers by region and plan, as agreed with the data owners in January.",
  "Cleaning up after the migration; the rows were copied to the new table and compared there.",
  "The on-call engineer asked for a rollout of the fix that passed staging an hour ago.",
];

/** Questions of all kinds, each different from every other. About six in ten pass at once. */
export function questions(count: number): readonly Asked[] {
  const chance = generator(7117);
  const below = (limit: number): number => Math.floor(chance() * limit);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  return Array.from({ length: count }, (_, index) => {
    const { action, properties, resource } = part(chance(), below, pick);
    const agent = `agent-${index % AGENTS}`;
    const body = JSON.stringify({
      subject: {
        type: "agent",
        id: agent,
        properties: { on_behalf_of: pick(["ann", "bob", "cy"]), model: "assistant-5" },
      },
      action: { name: action, properties },
      context: {
        environment: pick(["production", "production", "staging", "development"]),
        reason: pick(REASONS),
        session: `run-${below(64)}`,
      },
      // The digits at the very end of the body: the load generator counts them up where every question is to be new.
      resource: { type: resource.type, id: `${resource.id}_${String(index).padStart(8, "0")}` },
    });
    return { agent, body };
  });
}

/** Where those digits begin, counted from the end of the body: `00000017"}}`. */
export const FRESH_DIGITS = 11;

function part(roll: number, below: (limit: number) => number, pick: <T>(list: readonly T[]) => T): Part {
  const customers = { type: "table", id: `customers_${pick(REGIONS)}` };
  const columns = COLUMNS.slice(0, 2 + below(COLUMNS.length - 2));
  const where = {
    region: pick(REGIONS),
    plan: pick(["free", "team", "enterprise"]),
    since: `2026-0${1 + below(9)}-01`,
  };
  const read = { columns, where, order_by: "created_at" };
  if (roll < 0.4)
    return { action: "customers.read", properties: { limit: 1 + below(100), ...read }, resource: customers };
  if (roll < 0.5)
    return { action: "customers.read", properties: { limit: 101 + below(5000), ...read }, resource: customers };
  if (roll < 0.6) {
    const properties = { limit: 1 + below(20_000), format: pick(["csv", "parquet"]), ...read };
    return { action: "customers.export", properties, resource: customers };
  }
  if (roll < 0.7) {
    const properties = { status: pick(["open", "waiting", "solved"]), note: `Called back, see ${pick(REASONS)}` };
    return { action: "ticket.update", properties, resource: { type: "ticket", id: "tickets" } };
  }
  if (roll < 0.8) {
    const properties = {
      version: `1.${below(40)}.${below(10)}`,
      image: `registry.example/shop@sha256:${"ab".repeat(32)}`,
    };
    return {
      action: "service.deploy",
      properties,
      resource: { type: "service", id: pick(["shop", "billing", "mail"]) },
    };
  }
  if (roll < 0.85) {
    const properties = { recipients: 1 + below(3), template: "renewal", variables: where };
    return { action: "mail.send", properties, resource: { type: "mailbox", id: "support" } };
  }
  if (roll < 0.88) return { action: "secret.read", properties: { version: 3 }, resource: { type: "secret", id: "db" } };
  if (roll < 0.91)
    return { action: "user.grant_role", properties: { role: "admin" }, resource: { type: "user", id: "user" } };
  if (roll < 0.94)
    return { action: "table.drop", properties: { cascade: false }, resource: { type: "table", id: "tmp" } };
  if (roll < 0.97) return { action: "audit.delete", properties: { where }, resource: { type: "table", id: "audit" } };
  return { action: "billing.reconcile", properties: { where }, resource: { type: "ledger", id: "billing" } };
}
