/** Why a command did not do what it was asked. Each comes with a sentence that says what to do. */
export type FailureCode =
  | "usage" // the command line is wrong
  | "config_invalid" // keyturn.yaml or a file it names cannot be read
  | "file_exists" // nothing is overwritten
  | "file_unreadable"
  | "node_too_old"
  | "address_unusable" // the server cannot listen there
  | "unavailable" // no server, or no sensible answer
  | "unauthorized" // the credential is unknown or expired
  | "no_credential" // nobody is signed in, or there is no operator token here
  | "refused" // the server said no
  | "digest_differs" // what the server shows is not what its digest says
  | "not_confirmed"
  | "not_a_link";

/** Exit codes of every command but `exec`, which has its own and passes on its child's. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** A command ends here, with one sentence for the person at the terminal. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly code: FailureCode;

  constructor(options: { code: FailureCode; message: string; cause?: unknown }) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
  }
}

/** The command line is wrong: exit code 2. */
export function usage(message: string): Failure {
  return new Failure({ code: "usage", message });
}

/** The code and sentence of anything thrown: our faults carry both; a surprise keeps its own words. */
export function describe(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: "unexpected", message: String(error) };
  const code = "code" in error && typeof error.code === "string" ? error.code : "unexpected";
  return { code, message: error.message === "" ? error.name : error.message };
}
