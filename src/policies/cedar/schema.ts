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
// Actions that were let through. Rows add up; unknown_rows counts actions of which no one but the gate told them.
type Counts = { actions: Long, rows: Long, unknown_rows: Long };
type Stretch = {
  actions: Long, rows: Long, unknown_rows: Long,
  effects: Set<String>,
  sensitivities: Set<String>,
};
type Question = {
  action: String, // the gate's own name, such as "customers.export"
  environment?: String,
  facts: Facts,
  traits: Set<String>, // what makes it worse: "unbounded", "program_execution", …
  risk: { score: Long, level: String },
  hour: Long, // 0 to 23, UTC
  weekday: Long, // 1 is Monday, UTC
  local_hour: Long, // the same where the people are
  local_weekday: Long,
  working_hours: Bool, // true where none are set
  novel: Bool, // the first time that this agent has this effect on this resource
  session: { // before this attempt, in the session that the gate names
    actions: Long, denied: Long, held: Long, minutes: Long,
    effects: Set<String>, sensitivities: Set<String>,
    untrusted: Bool, // the agent has read what strangers wrote
  },
  // By this agent, in whatever session. Counts include this attempt, sets are of before.
  recent: { minutes5: Stretch, hour: Stretch, day: Stretch },
  // The same effect on the same type of resource.
  alike: { minutes5: Counts, hour: Counts, day: Counts },
  approvals: { pending: Long, busiest: Long }, // waiting now; most by one person within the hour
};
action ${EFFECTS.map((effect) => JSON.stringify(effect)).join(", ")} appliesTo {
  principal: [Agent],
  resource: [Resource],
  context: Question,
};
`;
}
