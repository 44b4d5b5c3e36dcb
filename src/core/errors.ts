/** Why an input was not understood. Every code has one test that names it. */
export type InputCode =
  | "json_malformed"
  | "json_too_large"
  | "json_too_deep"
  | "json_duplicate_key"
  | "json_forbidden_key"
  | "json_lone_surrogate"
  | "json_nul"
  | "json_unsafe_number"
  | "json_not_data"
  | "question_invalid"
  | "id_invalid"
  | "entry_invalid"
  | "checkpoint_invalid"
  | "tile_invalid"
  | "receipt_invalid"
  | "permit_malformed"
  | "digest_invalid";

/** An input that is refused before anything is done with it. `pointer` is an RFC 6901 JSON pointer to the member. */
export class InputError extends Error {
  override readonly name = "InputError";
  readonly code: InputCode;
  readonly pointer: string;

  constructor(options: { code: InputCode; message: string; pointer?: string; cause?: unknown }) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.pointer = options.pointer ?? "";
  }
}
