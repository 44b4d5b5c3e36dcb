import { KeyturnError } from "../../client/index.ts";

export type ExecErrorCode =
  | "command_not_found"
  | "program_not_runnable"
  | "file_unreadable"
  | "environment_missing"
  | "input_too_large"
  | "spawn_failed"
  | "shown.file-changed"; // what would run is not what was shown any more

/** The exec gate could not, or would not, run the command. */
export class ExecError extends KeyturnError {
  override readonly name = "ExecError";
  declare readonly code: ExecErrorCode;

  constructor(options: { code: ExecErrorCode; message: string; cause?: unknown }) {
    super(options);
  }
}
