import { isJsonObject, jsonAt, jsonItems, jsonText, jsonTexts } from "../core/action/index.ts";
import type { Json, JsonObject } from "../core/action/index.ts";
import type { ActionShown } from "./record.ts";

/** An action of which nothing is known. */
export const NOTHING_SHOWN: ActionShown = {
  agent: null,
  agentType: null,
  action: null,
  parameters: null,
  resource: null,
  environment: null,
  effects: [],
  opaque: [],
  risk: { score: null, level: null },
  weights: null,
};

/** Reads the action from the payload of an evaluation or from an opened request; what headers show stays when erased. */
export function showAction(payload: Json | undefined, publics: JsonObject): ActionShown {
  const question = jsonAt(payload, "question");
  const parameters = jsonAt(question, "action", "properties");
  const resource = jsonAt(question, "resource");
  const risk = jsonAt(payload, "risk");
  return {
    agent: text(jsonAt(payload, "agent")),
    agentType: text(jsonAt(question, "subject", "type")),
    action: text(jsonAt(question, "action", "name")),
    parameters: isJsonObject(parameters) ? parameters : null,
    resource: isJsonObject(resource) ? { type: jsonText(resource["type"]), id: jsonText(resource["id"]) } : null,
    environment: text(jsonAt(question, "context", "environment")),
    effects: [
      ...new Set(jsonItems(jsonAt(payload, "classification", "effects")).map((one) => jsonText(jsonAt(one, "effect")))),
    ],
    opaque: jsonTexts(jsonAt(payload, "classification", "opaque")),
    risk: { score: number(jsonAt(risk, "score")), level: text(publics["level"]) },
    weights: text(jsonAt(risk, "weights")) ?? text(publics["weights"]),
  };
}

function text(value: Json | undefined): string | null {
  return typeof value === "string" ? value : null;
}

function number(value: Json | undefined): number | null {
  return typeof value === "number" ? value : null;
}
