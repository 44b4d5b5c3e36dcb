import type { FastifyRequest } from "fastify";
import type { Clock } from "../ports/clock.ts";
import { admit, Keys, Proofs, WorkloadError, type Admitted, type WorkloadRule } from "../identity/workload/index.ts";
import type { GatePrincipal } from "./principals.ts";
import { HttpProblem } from "./problem.ts";

/** The workloads of the settings, the keys of their issuers, and the proofs that were used. */
export class Workloads {
  readonly rules: readonly WorkloadRule[];
  readonly #clock: Clock;
  readonly #keys = new Keys();
  readonly #proofs = new Proofs();

  constructor(rules: readonly WorkloadRule[], clock: Clock) {
    this.rules = rules;
    this.#clock = clock;
  }

  /** Whom a platform's token lets in; throws `WorkloadError`. */
  admit(token: string): Promise<Admitted> {
    return admit(token, this.rules, this.#keys, this.#clock.now());
  }

  /** The thumbprint of the key by which a call is proven; null where it brings no proof. */
  async proofOf(request: FastifyRequest, publicUrl: string, accessToken: string | null): Promise<string | null> {
    const proof = request.headers["dpop"];
    if (proof === undefined) return null;
    if (typeof proof !== "string") throw new WorkloadError("proof_invalid", "bring one proof of possession");
    const url = publicUrl + (request.url.split("?", 1)[0] ?? "");
    return this.#proofs.check(proof, { method: request.method, url, accessToken }, this.#clock.now());
  }
}

/** A bound token is worth nothing without the key that it is bound to (RFC 9449 §7). */
export async function checkBound(
  { workloads, publicUrl }: { readonly workloads: Workloads; readonly publicUrl: string },
  request: FastifyRequest,
  { workload }: GatePrincipal,
  secret: string,
): Promise<void> {
  const isDpop = /^DPoP /i.test(request.headers.authorization ?? "");
  const wanted = workload?.jkt ?? null;
  if (wanted === null && !isDpop) return;
  const refuse = (code: string, message: string): HttpProblem => new HttpProblem({ status: 401, code, message });
  if (wanted === null) throw refuse("proof_invalid", "this token is bound to no key: send it as a Bearer token");
  if (!isDpop) throw refuse("proof_missing", "this token is bound to a key: send it as `DPoP`, with a proof");
  try {
    const jkt = await workloads.proofOf(request, publicUrl, secret);
    if (jkt === null) throw refuse("proof_missing", "this token is bound to a key: bring a proof in the header `DPoP`");
    if (jkt !== wanted) throw refuse("proof_invalid", "the proof is of another key than the token");
  } catch (error) {
    if (error instanceof WorkloadError) throw refuse(error.code, error.message);
    throw error;
  }
}
