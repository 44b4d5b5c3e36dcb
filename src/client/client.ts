import type { Json } from "../core/action/index.ts";
import { copyJson } from "../core/action/index.ts";
import { parseId } from "../core/ids.ts";
import { directoryOperations } from "./directory-operations.ts";
import type { DirectoryOperations } from "./directory-operations.ts";
import { Gathered } from "./gathered.ts";
import { operatorOperations } from "./operator-operations.ts";
import type { OperatorOperations } from "./operator-operations.ts";
import { personOperations } from "./person-operations.ts";
import type { PersonOperations } from "./person-operations.ts";
import type { TaskWatcher } from "./tasks.ts";
import { createTaskWatcher } from "./tasks.ts";
import type { Call, CallOptions, Transport, TransportOptions } from "./transport.ts";
import { createTransport } from "./transport.ts";
import type {
  ApprovalRequest,
  Deferral,
  Evaluation,
  EvaluationRequest,
  Evaluations,
  EvaluationsRequest,
  OutcomeOf,
  OutcomeReport,
  Receipt,
  RedeemRequest,
  Redemption,
  TaskAnswer,
  Whoami,
} from "./wire.ts";
import {
  readDeferral,
  readEvaluation,
  readEvaluations,
  readOutcomeAnswers,
  readReceiptAnswer,
  readRedemption,
  readTaskAnswer,
  readWhoami,
} from "./wire.ts";

/** `url` is the server's address; `token` a gate's, a person's or the operator's. */
export type ClientOptions = TransportOptions & {
  /** Milliseconds within which reports of evaluations are gathered and sent together; then `settle` before the end. */
  readonly gatherOutcomesMs?: number;
};
/** What a gate's token may do. Every call that may be repeated is repeated while the server is away. */
export type GateOperations = {
  whoami(options?: CallOptions): Promise<Whoami>;
  /** AuthZEN §6. Never executes and never burns an approval. */
  evaluate(question: EvaluationRequest, options?: CallOptions): Promise<Evaluation>;
  /** AuthZEN §7: many questions at once. */
  evaluations(batch: EvaluationsRequest, options?: CallOptions): Promise<Evaluations>;
  /** ARAP: asks for an approval. The same key may be sent again and answers the same task. */
  request(request: ApprovalRequest, options: CallOptions & { readonly idempotencyKey: string }): Promise<TaskAnswer>;
  /** One look at a task; with `waitSeconds` the server holds its answer until the status changes. */
  task(id: string, options?: CallOptions & { readonly waitSeconds?: number }): Promise<TaskAnswer>;
  /** Withdraws a request; `WireError` 409 `invalid_task_state` when it is decided already. */
  cancel(id: string, options?: CallOptions): Promise<TaskAnswer>;
  /** How a wait for facts stands; with `waitSeconds` the server holds its answer until that ends. */
  deferral(id: string, options?: CallOptions & { readonly waitSeconds?: number }): Promise<Deferral>;
  /** Turns a permit's key, once. The same `attempt` may be sent again and gets the same answer. */
  redeem(request: RedeemRequest, options?: CallOptions): Promise<Redemption>;
  /** Tells what happened. */
  reportOutcome(of: OutcomeOf, report: OutcomeReport, options?: CallOptions): Promise<Receipt>;
  /** The ledger's verifier key as the server tells it: proves receipts of this server, and nothing about the server. */
  ledgerKey(options?: CallOptions): Promise<string>;
  /** Resolves when every gathered report is recorded or given up; what is reported afterwards is sent at once. */
  settle(): Promise<void>;
  readonly tasks: TaskWatcher;
};

/** One server, one token. It holds no connection between calls; `close` ends its waits. */
export type Client = GateOperations &
  PersonOperations &
  OperatorOperations &
  DirectoryOperations & {
    readonly url: string;
    close(): void;
  };

/** The wire from outside, over `fetch` alone. Nothing is sent before the first call. */
export function createClient(options: ClientOptions): Client {
  const transport = createTransport(options);
  const gate = gateOperations(transport, options.gatherOutcomesMs ?? 0);
  return {
    url: String(options.url).replace(/\/+$/, ""),
    ...gate,
    ...personOperations(transport),
    ...operatorOperations(transport),
    ...directoryOperations(transport),
    close: () => gate.tasks.close(),
  };
}

function gateOperations(transport: Transport, gatherMs: number): GateOperations {
  const reportAlone = async (of: OutcomeOf, report: OutcomeReport, options?: CallOptions): Promise<Receipt> =>
    readReceiptAnswer(await transport.json(post(outcomePath(of), report, options)));
  const gathered = new Gathered(
    {
      together: async (outcomes) =>
        readOutcomeAnswers(await transport.json(post("/v1/evaluations/outcomes", { outcomes }))),
      alone: ({ evaluation, ...report }, options) => reportAlone({ evaluation }, report, options),
    },
    gatherMs,
  );
  return {
    whoami: async (options) => readWhoami(await transport.json(get("/v1/whoami", options)), ""),
    evaluate: async (question, options) =>
      readEvaluation(await transport.json(post("/access/v1/evaluation", question, options)), ""),
    evaluations: async (batch, options) =>
      readEvaluations(await transport.json(post("/access/v1/evaluations", batch, options)), ""),
    request: async (request, { idempotencyKey, ...options }) => {
      const call = post("/access/v1/requests", request, options);
      return readTaskAnswer(await transport.json({ ...call, headers: { "idempotency-key": idempotencyKey } }), "");
    },
    task: async (id, options) => readTaskAnswer(await transport.json(taskCall(id, options)), ""),
    cancel: async (id, options) =>
      readTaskAnswer(await transport.json(post(`${taskPath(id)}/cancel`, {}, options)), ""),
    deferral: async (id, { waitSeconds = 0, ...options } = {}) => {
      const path = `/v1/deferrals/${parseId("deferral", id)}`;
      return readDeferral(await transport.json(holding(get(path, options), waitSeconds)));
    },
    redeem: async (request, options) =>
      readRedemption(await transport.json(post("/v1/permits/redeem", request, options)), ""),
    reportOutcome: (of, report, options) =>
      gatherMs > 0 && "evaluation" in of
        ? gathered.report({ ...of, ...report }, options)
        : reportAlone(of, report, options),
    settle: () => gathered.settle(),
    ledgerKey: async (options) => (await transport.text(get("/ledger/vkey", options))).trim(),
    // The watcher has retries of its own, which end with the task instead of after a fixed time.
    tasks: createTaskWatcher(transport, async (id, waitSeconds, signal) =>
      readTaskAnswer(await transport.json({ ...taskCall(id, { waitSeconds, signal }), idempotent: false }), ""),
    ),
  };
}

function taskCall(id: string, options: CallOptions & { readonly waitSeconds?: number } = {}): Call {
  const { waitSeconds = 0 } = options;
  return holding(get(taskPath(id), options), waitSeconds);
}

function holding(call: Call, waitSeconds: number): Call {
  if (waitSeconds === 0) return call;
  // RFC 7240 §4.3
  return { ...call, headers: { prefer: `wait=${Math.ceil(waitSeconds)}` }, holdMs: waitSeconds * 1000 };
}

function taskPath(id: string): string {
  return `/access/v1/requests/${parseId("request", id)}`;
}

function outcomePath(of: OutcomeOf): string {
  return "permit" in of
    ? `/v1/permits/${parseId("permit", of.permit)}/outcome`
    : `/v1/evaluations/${parseId("evaluation", of.evaluation)}/outcome`;
}

function get(path: string, { signal, retryForMs }: CallOptions = {}): Call {
  return { method: "GET", path, idempotent: true, signal, retryForMs };
}

/** Every POST of a gate is safe to repeat: by its key, its attempt, or because it changes nothing twice. */
function post(path: string, body: object, { signal, retryForMs }: CallOptions = {}): Call {
  const json: Json = copyJson(body);
  return { method: "POST", path, body: json, idempotent: true, signal, retryForMs };
}
