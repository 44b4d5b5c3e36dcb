import { createHash } from "node:crypto";
import type { View } from "../client/index.ts";
import { parseJson } from "../core/action/index.ts";
import type { Json, JsonObject } from "../core/action/index.ts";
import { Failure } from "./failure.ts";
import { literal, literalLines, visible } from "../core/card/index.ts";
import { needs, paintedRisk } from "./requests.ts";
import { timeLeft } from "./table.ts";
import type { Paint } from "./terminal.ts";

const LABEL_WIDTH = 13;

/**
 * The action under the digest. The hash is computed here, over the text that is shown, so that an approval given here
 * is one for these bytes and not for whatever else the server may have sent beside them.
 */
export function canonicalAction(view: View): JsonObject {
  const computed = `sha256:${createHash("sha256").update(view.canonical, "utf8").digest("hex")}`;
  const action = computed === view.digest ? parseJson(view.canonical) : null;
  if (typeof action === "object" && action !== null && !isList(action)) return action;
  throw new Failure({
    code: "digest_differs",
    message: `The action that the server shows for ${view.id} is not the one under its digest ${view.digest}. Do not approve it; tell an operator.`,
  });
}

/** The page of one request as lines: everything that the digest covers, literally, and what is known of it beside. */
export function page(view: View, paint: Paint): string {
  const action = canonicalAction(view);
  const sections: readonly (readonly [label: string, lines: readonly string[]])[] = [
    ["request", [`${visible(view.id)}  ${status(view)}`]],
    ["what", [paint("bold", headline(action)), ...(view.title === null ? [] : [visible(view.title)])]],
    ["who", who(view, action)],
    ["parameters", members(action, "action")],
    ["subject", members(action, "subject")],
    ["resource", members(action, "resource")],
    [
      "effects",
      view.effects.map(
        ({ effect, because, provenance }) => `${visible(effect)}: ${visible(because)} (${visible(provenance)})`,
      ),
    ],
    ["worse by", view.traits.map(({ id, because }) => `${visible(id)}: ${visible(because)}`)],
    ["facts", view.facts.map(factLine)],
    ["not known", view.opaque.map(visible)],
    ["risk", [paintedRisk(view, paint), ...riskLines(view)]],
    ["held by", view.holds.map(({ policy, because }) => `${visible(policy)}: ${visible(because)}`)],
    ["needs", [needs(view)]],
    ["reviews", view.reviews.map(reviewLine)],
    [
      "barred",
      view.barred.map(
        ({ person, relation, evidence }) => `${visible(person.name)} (${visible(relation)}): ${visible(evidence)}`,
      ),
    ],
    ["outcome", view.outcome === null ? [] : [`${visible(view.outcome.status)} ${literal(view.outcome.details)}`]],
    ["digest", [view.digest]],
    ["claim", claim(view, paint)],
  ];
  return sections
    .filter(([, lines]) => lines.length > 0)
    .map(([label, lines]) =>
      lines.map((line, at) => `${paint("dim", (at === 0 ? label : "").padEnd(LABEL_WIDTH))}${line}\n`).join(""),
    )
    .join("");
}

function status(view: View): string {
  return view.status === "pending" ? `pending, ${timeLeft(view.expires_at, Date.now())} left` : view.status;
}

/** Read from the text under the digest, like the parameters: `customers.export on table/customers in production`. */
function headline(action: JsonObject): string {
  const where = action["environment"] ?? null;
  return `${member(action, "action", "name")} on ${named(action, "resource")}${where === null ? "" : ` in ${literalName(where)}`}`;
}

function who(view: View, action: JsonObject): string[] {
  const owners = view.agent.owners.map(({ name, id }) => `${visible(name)} (${visible(id)})`).join(", ");
  return [
    `${named(action, "subject")} through the gate ${visible(view.gate)}, owned by ${owners === "" ? "nobody" : owners}`,
    ...view.on_behalf_of.map((person) => `on behalf of ${visible(person)}`),
  ];
}

function named(action: JsonObject, part: string): string {
  return `${member(action, part, "type")}/${member(action, part, "id")}`;
}

function member(action: JsonObject, part: string, name: string): string {
  return literalName(valueAt(action, part, name));
}

/** The members of one part's properties, every one of them. */
function members(action: JsonObject, part: string): string[] {
  const lines = literalLines(valueAt(action, part, "properties") ?? {});
  return lines.length === 0 && part === "action" ? ["(none)"] : lines;
}

function valueAt(action: JsonObject, part: string, name: string): Json {
  const whole = action[part];
  return typeof whole === "object" && whole !== null && !isList(whole) ? (whole[name] ?? null) : null;
}

function factLine(fact: JsonObject): string {
  const { name = "", value = null, provenance = "" } = fact;
  return `${literalName(name)} = ${literal(value)} (${literalName(provenance)})`;
}

function literalName(value: Json): string {
  return typeof value === "string" ? visible(value) : literal(value);
}

function riskLines(view: View): string[] {
  return [
    ...view.risk.contributions.map(
      ({ points, id, evidence }) => `${`+${points}`.padStart(4)}  ${visible(evidence)} (${visible(id)})`,
    ),
    ...view.risk.floors.map(({ level, id, evidence }) => `  ≥   ${level}: ${visible(evidence)} (${visible(id)})`),
  ];
}

function reviewLine({
  person,
  verdict,
  at,
  reason,
  channel,
  voided,
  voided_because: fallen,
}: View["reviews"][number]): string {
  const why = reason === null ? "" : `: ${visible(reason)}`;
  return `${visible(person.name)} ${verdict === "approve" ? "approved" : "denied"} at ${at} by ${visible(channel)}${voided ? ` (void${fallen === undefined ? "" : `: ${visible(fallen)}`})` : ""}${why}`;
}

/** Set apart and marked: the agent's own words are no fact. */
function claim(view: View, paint: Paint): string[] {
  if (view.claim.reason === null || view.claim.reason === "") return [];
  return [`${visible(view.agent.id)} says, unverified:`, paint("dim", `  │ ${visible(view.claim.reason)}`)];
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
