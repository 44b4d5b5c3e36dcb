export type WitnessErrorCode =
  | "witness_folder_held" // another witness works on it
  | "witness_state_damaged"
  | "witness_name_differs";

/** The witness cannot work on what it was given; the sentence says what to do. */
export class WitnessError extends Error {
  override readonly name = "WitnessError";
  readonly code: WitnessErrorCode;

  constructor(options: { code: WitnessErrorCode; message: string; cause?: unknown }) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
  }
}
