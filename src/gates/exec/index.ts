export { ExecError } from "./errors.ts";
export type { ExecErrorCode } from "./errors.ts";
export { EXIT, runExec } from "./run.ts";
export type { ExecOptions } from "./run.ts";
export type { Screen } from "./progress.ts";
