export { createClient } from "./client.ts";
export type { Client, ClientOptions, GateOperations } from "./client.ts";
export { KeyturnError, Unavailable, WireError } from "./errors.ts";
export { tooLarge } from "./body.ts";
export type { CallOptions, Carry, CarriedAnswer } from "./transport.ts";
export { exchangeToken, githubToken } from "./exchange.ts";
export type { Exchanged, ExchangeOptions } from "./exchange.ts";
export type { UnavailableCode } from "./errors.ts";
export type {
  ChangeAnswer,
  DirectoryOperations,
  GroupRow,
  LinkRow,
  PendingChange,
  PersonDetail,
  PersonRow,
} from "./directory-operations.ts";
export type { OperatorOperations, TokenRequest } from "./operator-operations.ts";
export type { Finding, LedgerEntry, NewScimToken, NewToken, Reloaded, SignInLink, TokenRow } from "./operators.ts";
export type { PersonOperations, RequestChange, ReviewRequest, ViewFilter } from "./person-operations.ts";
export type { Me, Named, SignedIn, View, ViewPage, ViewReview } from "./people.ts";
export type { TaskWatcher, WaitOptions } from "./tasks.ts";
export type {
  ApprovalRequest,
  Deferral,
  DeferralNamed,
  Evaluation,
  EvaluationContext,
  EvaluationRequest,
  Evaluations,
  EvaluationsRequest,
  Modified,
  OutcomeOf,
  OutcomeReport,
  Receipt,
  Redemption,
  RedeemRequest,
  Task,
  TaskAnswer,
  TaskApproval,
  TaskDenial,
  TaskStatus,
  TermProgress,
  Whoami,
  WireOutcome,
} from "./wire.ts";
