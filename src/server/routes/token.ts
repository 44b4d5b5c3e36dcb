import type { FastifyInstance, FastifyReply } from "fastify";
import { z } from "zod";
import { WorkloadError, type WorkloadFault } from "../../identity/workload/index.ts";
import type { Log } from "../log.ts";
import type { House } from "../house.ts";
import { problemOf } from "../problem.ts";
import { Routes, type Call, type Documented } from "../route.ts";

/** RFC 8693 §2.1 and §3. */
const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const SUBJECT_TYPES: readonly string[] = [
  "urn:ietf:params:oauth:token-type:jwt",
  "urn:ietf:params:oauth:token-type:id_token",
  ACCESS_TOKEN,
];

/** Known fields; others are ignored, as OAuth asks (RFC 6749 §3.2). */
const TokenForm = z.looseObject({
  grant_type: z.string(),
  subject_token: z.string(),
  subject_token_type: z.string(),
  requested_token_type: z.string().optional(),
  actor_token: z.string().optional(),
});
type Form = z.infer<typeof TokenForm>;

/** OAuth's own words (RFC 6749 §5.2, RFC 8693 §2.2.2, RFC 9449 §5) for ours, which stand beside them. */
const ERRORS: Readonly<Partial<Record<WorkloadFault, readonly [status: number, error: string]>>> = {
  token_malformed: [400, "invalid_request"],
  agent_unknown: [400, "invalid_target"],
  keys_unavailable: [503, "temporarily_unavailable"],
  proof_missing: [400, "invalid_dpop_proof"],
  proof_invalid: [400, "invalid_dpop_proof"],
  proof_reused: [400, "invalid_dpop_proof"],
};

/** The exchange of a platform's token for a gate's (RFC 8693), with errors as OAuth writes them. */
export function tokenRoutes(app: FastifyInstance, house: House, documented: Documented[], log: Log): void {
  void app.register((scope, _, done) => {
    scope.setErrorHandler((error, _request, reply) => answerError(error, reply, house, log));
    new Routes(scope, house, documented).add({
      method: "POST",
      url: "/v1/token",
      access: "anyone",
      form: true,
      summary: "Exchange the token of a pipeline or workload for a short token of a gate (RFC 8693)",
      body: TokenForm,
      handler: (call) => exchange(house, call),
    });
    done();
  });
}

async function exchange(house: House, { body, request }: Call<"anyone", Form>): Promise<object> {
  checkForm(body);
  const { rule, vouched, run, once } = await house.workloads.admit(body.subject_token);
  if (house.rules.current.directory.agents.get(rule.agent)?.active !== true)
    throw new WorkloadError(
      "agent_unknown",
      `the rule names \`${rule.agent}\`, which is no active agent of the directory`,
    );
  // Last, because it is used up: a proof is made anew for each try, and a token is not.
  const jkt = await house.workloads.proofOf(request, house.publicUrl, null);
  if (jkt === null && rule.requireDpop)
    throw new WorkloadError(
      "proof_missing",
      "this rule wants the token bound to a key: bring a proof in the header `DPoP`",
    );
  const workload = { name: rule.name, run, vouched, jkt };
  const { agent, gate } = rule;
  const issued = await house.credentials.issueWorkloadToken({ agent, gate, workload }, rule.tokenMs, once);
  if (issued === null) throw new WorkloadError("token_reused", "this token was exchanged before; get a new one");
  house.metrics.count("workload_exchanges_total", { result: "issued" });
  return {
    access_token: issued.secret,
    issued_token_type: ACCESS_TOKEN,
    token_type: jkt === null ? "Bearer" : "DPoP",
    expires_in: Math.floor(rule.tokenMs / 1000),
    agent,
    gate,
  };
}

function checkForm({
  grant_type: grant,
  subject_token_type: type,
  requested_token_type: wanted,
  actor_token: actor,
}: Form): void {
  if (grant !== EXCHANGE) throw new FormError("unsupported_grant_type", `\`grant_type\` is \`${EXCHANGE}\``);
  if (!SUBJECT_TYPES.includes(type)) throw new FormError("invalid_request", "`subject_token_type` is that of a JWT");
  if (wanted !== undefined && wanted !== ACCESS_TOKEN)
    throw new FormError("invalid_request", `\`requested_token_type\` is \`${ACCESS_TOKEN}\``);
  if (actor !== undefined)
    throw new FormError(
      "invalid_request",
      "actors stand in `act` of the subject token, where its issuer vouches for them",
    );
}

class FormError extends Error {
  override readonly name = "FormError";
  readonly error: string;

  constructor(error: string, message: string) {
    super(message);
    this.error = error;
  }
}

function answerError(error: unknown, reply: FastifyReply, house: House, log: Log): void {
  const { status, word, code, message } = told(error);
  if (status >= 500) log("error", "an exchange failed", { code, error: String(error), cause: causeOf(error) });
  house.metrics.count("workload_exchanges_total", { result: code });
  void reply.code(status).send({ error: word, error_description: message, code });
}

function told(error: unknown): { status: number; word: string; code: string; message: string } {
  if (error instanceof FormError) return { status: 400, word: error.error, code: error.error, message: error.message };
  if (error instanceof WorkloadError) {
    const [status, word] = ERRORS[error.code] ?? [400, "invalid_grant"];
    return { status, word, code: error.code, message: error.message };
  }
  const { status, code, detail } = problemOf(error).problem;
  return { status, word: status < 500 ? "invalid_request" : "server_error", code, message: detail };
}

function causeOf(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error ? error.cause.message : "";
}
