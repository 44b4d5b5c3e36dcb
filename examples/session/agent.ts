// What this house lets an agent do, and when it stops: `npm run build`, then KEYTURN_TOKEN=kt_… node
// examples/session/agent.ts, with a token of `keyturn token create --agent assistant --gate sdk`.
// Each line is an attempt and what has to come of it; the first that differs ends the program with an error.
import assert from "node:assert/strict";
import { createClient, type EvaluationRequest } from "keyturn/client";

const client = createClient({
  url: process.env["KEYTURN_URL"] ?? "http://127.0.0.1:7117",
  token: process.env["KEYTURN_TOKEN"] ?? "",
});
const { agent } = await client.whoami();

const read = (id: string, limit: number, session: string): EvaluationRequest => ({
  subject: agent,
  action: { name: "table.read", properties: { limit } },
  resource: { type: "table", id },
  context: { environment: "production", session },
});
const mail = (session: string): EvaluationRequest => ({
  subject: agent,
  action: { name: "mail.send", properties: { to: "somebody@example.org" } },
  resource: { type: "mailbox", id: "out" },
  context: { environment: "production", session },
});

const attempts: readonly (readonly [what: string, question: EvaluationRequest, expected: string])[] = [
  ["sends a mail", mail("monday"), "allow"],
  ["reads ten products", read("products", 10, "monday"), "allow"],
  ["sends another mail", mail("monday"), "allow"],
  ["reads a thousand customers, and may have a hundred", read("customers", 1_000, "monday"), "modify"],
  ["sends a mail after that", mail("monday"), "require_approval"],
  ["tries again as another session", mail("tuesday"), "require_approval"],
  ["reads what nobody labelled", read("notes", 100, "tuesday"), "allow"],
  ["reads a hundred customers", read("customers", 100, "wednesday"), "allow"],
  ["and again", read("customers", 100, "thursday"), "allow"],
  ["and again, which makes 510", read("customers", 100, "friday"), "require_approval"],
];

for (const [what, question, expected] of attempts) {
  const { context } = await client.evaluate(question);
  console.log(`${expected === context.outcome ? "ok" : "NOT"}  ${what}: ${context.outcome}`);
  assert.equal(context.outcome, expected, `${what}: ${context.because}`);
}
