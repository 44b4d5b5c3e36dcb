import { isJsonList, type Json, type JsonObject } from "../../core/action/index.ts";
import type { Digest, Instant } from "../../core/brand.ts";
import { InputError } from "../../core/errors.ts";
import { parseId } from "../../core/ids.ts";
import { RISK_FACTS, type FactType, type FactValue } from "../../core/risk/index.ts";
import {
  deferralAt,
  deferralStream,
  stateFacts,
  STATED_FACTS_MAX,
  STATED_FOR_MAX_MS,
  waitForFacts,
} from "../../engine/index.ts";
import type { Deferral } from "../../engine/index.ts";
import type { House } from "../house.ts";
import { HttpProblem } from "../problem.ts";
import { proveNewest, wantsReceipt } from "../receipts.ts";
import type { Routes } from "../route.ts";
import { FactsBody } from "../schemas.ts";
import { timeOf } from "../views.ts";

const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
/** Characters of one text, and texts of one list. */
const TEXT_CHARS_MAX = 1_024;
const LIST_MAX = 64;

/** Facts that sources tell, and the actions that wait for them. */
export function factRoutes(routes: Routes, house: House): void {
  routes.add({
    method: "POST",
    url: "/v1/facts",
    access: "operator",
    summary: "State facts of a resource or of one action, for a time; ends the waits that they answer",
    body: FactsBody,
    handler: async ({ body }) => {
      const until = (house.ctx.clock.now() + lasting(body.valid_for)) as Instant;
      const facts = Object.entries(body.facts).map(([name, value]) => ({ name, value: factValue(name, value) }));
      if (facts.length === 0 || facts.length > STATED_FACTS_MAX)
        throw invalid(`1 to ${STATED_FACTS_MAX} facts`, "/facts");
      if ((body.digest === undefined) === (body.resource === undefined)) {
        throw invalid("name either a `resource` or the `digest` of an action", "/resource");
      }
      const about = body.resource === undefined ? { digest: body.digest as Digest } : { resource: body.resource };
      const resolved = await stateFacts(house.ctx, { about, facts, source: body.source, until });
      return { valid_until: timeOf(until), resolved };
    },
  });
  routes.add({
    method: "GET",
    url: "/v1/deferrals/:id",
    access: "gate",
    summary: "How a wait for facts stands; `Prefer: wait=55` answers early when it ends, `?receipt=1` proves it",
    handler: async ({ who, params, query, request, reply }) => {
      const id = parseId("deferral", params["id"]);
      const known = await house.ctx.around.deferrals.find(house.ctx.store, id);
      if (known === null || known.agent !== who.agent) {
        throw new HttpProblem({
          status: 404,
          code: "deferral_unknown",
          message: "there is no such wait of this agent",
        });
      }
      const waitMs = waitOf(request.headers["prefer"]);
      const gone = new AbortController();
      reply.raw.once("close", () => gone.abort());
      const signal = AbortSignal.any([gone.signal, house.closing]);
      const now = waitMs === 0 ? known : ((await waitForFacts(house.ctx, id, waitMs, signal)) ?? known);
      if (waitMs > 0) void reply.header("preference-applied", `wait=${Math.round(waitMs / 1000)}`);
      const told = deferralAnswer(house, now);
      if (!wantsReceipt({ query, request })) return told;
      const receipt = await proveNewest(house, deferralStream(id), ENTRIES[now.state]);
      return { ...told, ...(receipt === null ? {} : { receipt }) };
    },
  });
}

const ENTRIES: Readonly<Record<Deferral["state"], string>> = {
  waiting: "deferral.opened",
  resolved: "deferral.resolved",
  expired: "deferral.expired",
};

function deferralAnswer(house: House, deferral: Deferral): JsonObject {
  return {
    deferral: {
      id: deferral.id,
      status: deferralAt(deferral, house.ctx.clock.now()),
      digest: deferral.digest,
      facts: [...deferral.facts],
      opened_at: timeOf(deferral.openedAt),
      expires_at: timeOf(deferral.expiresAt),
    },
  };
}

/** RFC 7240 §4.3, as in `requests.ts`. */
function waitOf(prefer: string | string[] | undefined): number {
  const seconds = /(?:^|[,;]\s*)wait=(\d{1,4})\b/.exec(typeof prefer === "string" ? prefer : "")?.[1];
  return seconds === undefined ? 0 : Number(seconds) * 1000;
}

function lasting(text: string): number {
  const [, digits = "0", unit = "m"] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  const ms = Number(digits) * UNIT_MS[unit as keyof typeof UNIT_MS];
  if (ms <= 0 || ms > STATED_FOR_MAX_MS) throw invalid("from one minute to thirty days, such as `15m`", "/valid_for");
  return ms;
}

/** A fact as a catalogue has them; one that the score reads has its one type. */
function factValue(name: string, written: Json): FactValue {
  const pointer = `/facts/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
  if (!/^[a-z][a-zA-Z0-9_]{0,63}$/.test(name)) throw invalid("a fact has a name such as `rows`", pointer);
  const value = scalar(written) ?? texts(written);
  if (value === null)
    throw invalid("a fact is true or false, a whole number from 0 on, a text, or a list of texts", pointer);
  const wanted = RISK_FACTS.get(name);
  if (wanted !== undefined && wanted !== typeOf(value)) throw invalid(`\`${name}\` is ${wanted}`, pointer);
  return value;
}

function scalar(written: Json): FactValue | null {
  if (typeof written === "boolean") return written;
  if (typeof written === "string") return written.length <= TEXT_CHARS_MAX ? written : null;
  return typeof written === "number" && Number.isSafeInteger(written) && written >= 0 ? written : null;
}

function texts(written: Json): FactValue | null {
  if (!isJsonList(written) || written.length > LIST_MAX) return null;
  const items = written.filter((item) => typeof item === "string" && item.length <= TEXT_CHARS_MAX).map(String);
  return items.length === written.length ? [...new Set(items)].sort() : null;
}

function typeOf(value: FactValue): FactType {
  if (typeof value === "number") return "integer";
  if (typeof value === "boolean") return "boolean";
  return typeof value === "string" ? "string" : "strings";
}

function invalid(message: string, pointer: string): InputError {
  return new InputError({ code: "question_invalid", message: `\`${pointer}\`: ${message}`, pointer });
}
