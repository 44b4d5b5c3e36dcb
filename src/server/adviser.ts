import { isJsonObject, parseJson, type Json, type JsonObject } from "../core/action/index.ts";
import type { Advice } from "../core/risk/index.ts";
import { WEIGHTS } from "../core/risk/index.ts";
import type { Adviser, Shown } from "../engine/index.ts";
import type { Metrics } from "./metrics.ts";
import type { AdviserConfig } from "./situation.ts";

/** Questions that wait for the adviser at a time; further ones are judged without it. */
const AT_ONCE_MAX = 16;
/** Bytes of an answer, and characters of its sentence that are kept. */
const ANSWER_BYTES_MAX = 16_384;
const BECAUSE_CHARS_MAX = 300;

type Result = "raised" | "nothing" | "failed" | "slow" | "nonsense" | "busy" | "withheld";

/**
 * Asks an HTTP endpoint, which gets what people would see and answers `{raise: 0..40, because}`. Whatever goes wrong, the
 * answer is null and the score is what it is without: only a counter tells.
 */
export function httpAdviser({ url, timeoutMs, secrets }: AdviserConfig, metrics: Metrics): Adviser {
  let asking = 0;
  const told = (result: Result, advice: Advice | null = null): Advice | null => {
    metrics.count("adviser_total", { result });
    return advice;
  };
  return async (shown) => {
    if (!secrets && holdsSecret(shown.question.action.properties ?? null)) return told("withheld");
    if (asking >= AT_ONCE_MAX) return told("busy");
    asking += 1;
    const stop = AbortSignal.timeout(timeoutMs);
    try {
      const advice = adviceIn(await post(url, shown, stop));
      if (advice === null) return told("nonsense");
      return advice.raise === 0 ? told("nothing") : told("raised", advice);
    } catch {
      return told(stop.aborted ? "slow" : "failed");
    } finally {
      asking -= 1;
    }
  };
}

async function post(url: string, { question, digest, classification }: Shown, signal: AbortSignal): Promise<Json> {
  const { subject, action, resource, context } = question;
  const body = {
    digest,
    subject,
    action,
    resource,
    environment: context.environment ?? null,
    reason: context.reason ?? null,
    prompt: context.prompt ?? null,
    ...classification,
  };
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body), signal, redirect: "error" });
  if (!response.ok || response.body === null) throw new Error(`the adviser answered ${response.status}`);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body) {
    length += chunk.length;
    if (length > ANSWER_BYTES_MAX) throw new Error("the adviser's answer is too long");
    chunks.push(chunk);
  }
  return parseJson(Buffer.concat(chunks), { bytesMax: ANSWER_BYTES_MAX });
}

/** What may be taken of an answer: a whole number of points within the bounds, and a sentence that cannot pose as ours. */
function adviceIn(answer: Json): Advice | null {
  if (!isJsonObject(answer)) return null;
  const { raise, because } = answer;
  if (typeof raise !== "number" || !Number.isInteger(raise) || raise < 0 || raise > WEIGHTS.adviserMax) return null;
  if (because !== undefined && typeof because !== "string") return null;
  const words = (because ?? "")
    .slice(0, BECAUSE_CHARS_MAX)
    .toWellFormed()
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}`]/gu, " ");
  return { raise, because: `The adviser says: "${words}"` };
}

function holdsSecret(value: Json): boolean {
  if (Array.isArray(value)) return value.some((item: Json) => holdsSecret(item));
  if (!isJsonObject(value)) return false;
  const members: JsonObject = value;
  return Object.hasOwn(members, "$secret") || Object.values(members).some(holdsSecret);
}
