import { EFFECTS } from "../../core/risk/index.ts";
import type { FactType } from "../../core/risk/index.ts";

const CEDAR_TYPES: { readonly [T in FactType]: string } = {
  integer: "Long",
  string: "String",
  boolean: "Bool",
  strings: "Set<String>",
};

/**
 * The Cedar schema of every question: one action per effect, an agent as principal, and the facts of the catalogue as
 * optional attributes, so that strict validation makes each policy ask `context.facts has rows` before it reads `rows`.
 */
export function generateSchema(factTypes: ReadonlyMap<string, FactType>): string {
  const facts = [...factTypes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, type]) => `  ${name}?: ${CEDAR_TYPES[type]},`);
  return `entity Agent;
// The uid is Resource::"TYPE/ID".
entity Resource = { type: String, id: String };
type Facts = {
${facts.join("\n")}
};
type Question = {
  action: String, // the gate's own name, such as "customers.export"
  environment?: String,
  facts: Facts,
  traits: Set<String>, // what makes it worse: "unbounded", "program_execution", …
  risk: { score: Long, level: String },
  hour: Long, // 0 to 23, UTC
  weekday: Long, // 1 is Monday, UTC
};
action ${EFFECTS.map((effect) => JSON.stringify(effect)).join(", ")} appliesTo {
  principal: [Agent],
  resource: [Resource],
  context: Question,
};
`;
}
