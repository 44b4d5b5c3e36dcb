import type { DetailedError, PolicyJson, ValidationError } from "@cedar-policy/cedar-wasm/nodejs";
import type { ConfigProblem } from "../../ports/config.ts";
import { fileProblem, fromByteOffset, problemAt, splitStatements } from "./source.ts";
import type { SourceFile, Statement } from "./source.ts";
import { policySetTextToParts, policyToJson, templateToJson, validate } from "./wasm.ts";

/** A policy that Cedar can read. */
export type ParsedPolicy = { readonly statement: Statement; readonly json: PolicyJson };
type Parsed = { readonly policies: readonly ParsedPolicy[]; readonly problems: readonly ConfigProblem[] };

/** Reads one file's policies. Templates are refused: nothing here fills their slots, so that they would silently do nothing. */
export function parseFile(file: SourceFile): Parsed {
  const problems: ConfigProblem[] = [];
  const policies: ParsedPolicy[] = [];
  const statements = splitStatements(file);
  for (const statement of statements) {
    const answer = policyToJson(statement.text);
    if (answer.type === "success") policies.push({ statement, json: answer.json });
    else if (templateToJson(statement.text).type === "success") {
      problems.push(
        problemAt(
          statement,
          slotOffset(statement.text),
          "this is a template, and nothing fills its slots",
          "name the principal or the resource, or leave it open",
        ),
      );
    } else problems.push(...answer.errors.map((error) => locate(statement, error)));
  }
  // INVARIANT: our splitting is Cedar's. A policy that only one of the two sees must not be lost.
  if (problems.length === 0) {
    const whole = policySetTextToParts(file.text);
    if (whole.type === "failure" || whole.policies.length !== policies.length) {
      problems.push(
        fileProblem(file.name, "cannot be split into policies", "write one policy after another, each ended by `;`"),
      );
    }
  }
  return { policies, problems };
}

/** Validates strictly against the schema. Warnings refuse too: a policy that can never apply is a mistake in a guard. */
export function validatePolicies(schema: string, policies: readonly ParsedPolicy[]): readonly ConfigProblem[] {
  const staticPolicies = Object.fromEntries(policies.map(({ statement }, index) => [String(index), statement.text]));
  const answer = validate({ schema, policies: { staticPolicies }, validationSettings: { mode: "strict" } });
  if (answer.type === "failure") throw new Error(answer.errors.map(({ message }) => message).join("; "));
  const wrong = new Set(answer.validationErrors.map(({ policyId }) => policyId));
  // A wrong policy is often also said to be impossible: that is a consequence, not a second mistake.
  const warnings = answer.validationWarnings.filter(({ policyId }) => !wrong.has(policyId));
  const problems = [...answer.validationErrors, ...warnings].flatMap((found) => {
    const policy = policies[Number(found.policyId)];
    return policy === undefined ? [] : [validationProblem(policy.statement, found)];
  });
  return once(problems);
}

function validationProblem(statement: Statement, { policyId, error }: ValidationError): ConfigProblem {
  const message = error.message.replace(`for policy \`${policyId}\`, `, "");
  return locate(statement, { ...error, message });
}

/** Cedar's own words, at their place in the operator's file. */
function locate(statement: Statement, error: DetailedError): ConfigProblem {
  const [place] = error.sourceLocations ?? [];
  const offset = place === undefined ? 0 : fromByteOffset(statement.text, place.start);
  const message = error.message.replace("failed to parse policy from string: ", "");
  return problemAt(statement, offset, message, error.help ?? place?.label ?? null);
}

/** Cedar repeats a finding for every action that it concerns; the place and its hint are one finding. */
function once(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  const seen = new Set<string>();
  return problems.filter(({ file, line, column, message, hint }) => {
    const key = JSON.stringify([file, line, column, message.replace(/ for Action::".*"$/, ""), hint]);
    const again = seen.has(key);
    seen.add(key);
    return !again;
  });
}

function slotOffset(text: string): number {
  return Math.max(0, text.search(/\?(principal|resource)/));
}
