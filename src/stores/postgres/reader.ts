import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { RequestStatus } from "../../core/approval/index.ts";
import type { RequestFilter, RequestRow } from "../../ports/store.ts";
import { toName } from "./columns.ts";
import type { Row } from "./columns.ts";
import type { Run } from "./edges.ts";
import { describe, failureOf, unavailable } from "./failure.ts";
import { PLAN_ONCE, sessionConfig } from "./link.ts";
import type { Place, Statement } from "./link.ts";
import { toRequest } from "./rows.ts";

/** Sessions that only read. */
const READERS_MAX = 4;
const RETRY_MIN_MS = 20;
const RETRY_MAX_MS = 500;
/** How long servers have to take leave of us. */
const GOODBYE_MS = 1000;
/** Sorts after every instant. */
const BIGINT_MAX = "9223372036854775807";

/** Answers reads from what is committed, over a few sessions; tries again while the database is away. */
export class Reader implements Run {
  readonly #pool: pg.Pool;
  readonly #patienceMs: number;

  constructor(place: Place, patienceMs: number) {
    this.#patienceMs = patienceMs;
    this.#pool = new pg.Pool({
      ...sessionConfig(place, "reader"),
      max: READERS_MAX,
      allowExitOnIdle: true,
      // Before a session is lent for the first time.
      verify: (client, done) => client.query(PLAN_ONCE.text, done),
      query_timeout: place.statementTimeoutMs + place.lockTimeoutMs + 1000,
    });
    this.#pool.on("error", () => {}); // an idle session that ends is replaced by the next read
  }

  /** The rows of each statement. Throws `store_unavailable` when patience is over, or what the database says of them. */
  async run(statements: readonly Statement[]): Promise<readonly { readonly rows: readonly Row[] }[]> {
    if (statements.length === 0) return [];
    const deadline = performance.now() + this.#patienceMs;
    for (let pauseMs = RETRY_MIN_MS; ; pauseMs = Math.min(RETRY_MAX_MS, pauseMs * 2)) {
      try {
        return await Promise.all(statements.map((statement) => this.#pool.query<Row>(statement)));
      } catch (error) {
        if (failureOf(error) === "damaged") throw error;
        if (failureOf(error) === "unfit" || performance.now() + pauseMs > deadline) {
          throw unavailable(`the database does not answer now: ${describe(error)}; try again`, error);
        }
      }
      await sleep(pauseMs);
    }
  }

  /** The rows of one statement. */
  async rows(statement: Statement): Promise<readonly Row[]> {
    const [result] = await this.run([statement]);
    return result?.rows ?? [];
  }

  async close(): Promise<void> {
    // A network that swallows must not hold up the end.
    await Promise.race([this.#pool.end(), sleep(GOODBYE_MS, undefined, { ref: false })]);
  }
}

// A record, so that a status which core adds fails to compile here.
const EVERY_STATUS: { readonly [S in RequestStatus]: S } = {
  pending: "pending",
  approved: "approved",
  denied: "denied",
  expired: "expired",
  cancelled: "cancelled",
  failed: "failed",
};

/** One page of the inbox: a walk along an index for each status, then a merge of the few that each gave. */
export async function readRequests(
  reader: Reader,
  ledger: string,
  filter: RequestFilter,
): Promise<readonly RequestRow[]> {
  const { agent, before, limit } = filter;
  const statuses = [...new Set(filter.status ?? Object.values(EVERY_STATUS))];
  if (statuses.length === 0 || limit === 0) return [];
  const whose = agent === undefined ? "" : "and r.agent = $6";
  const rows = await reader.rows({
    name: agent === undefined ? "requests" : "requests_of",
    text: `select page.* from unnest($2::text[]) as s (status) cross join lateral (
        select r.id, r.status, r.agent, r.digest, r.opened_at, r.expires_at, r.closed_at, r.view
        from keyturn.requests r
        where r.ledger = $1 and r.status = s.status ${whose} and (r.opened_at, r.id) < ($3::bigint, $4::text)
        order by r.opened_at desc, r.id desc limit $5
      ) as page order by page.opened_at desc, page.id desc limit $5`,
    values: [
      ledger,
      statuses,
      before?.openedAt ?? BIGINT_MAX,
      toName(before?.id ?? ""),
      limit,
      ...(agent === undefined ? [] : [toName(agent)]),
    ],
  });
  return rows.map(toRequest);
}
