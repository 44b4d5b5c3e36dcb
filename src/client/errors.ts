/** Every error that Keyturn's client and gates throw on purpose: `code` names the case, the message says what to do. */
export class KeyturnError extends Error {
  override readonly name: string = "KeyturnError";
  readonly code: string;

  constructor(options: { code: string; message: string; cause?: unknown }) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
  }
}

/** The server understood and said no: RFC 9457 problem details. `code` is the server's own, or `http_<status>`. */
export class WireError extends KeyturnError {
  override readonly name = "WireError";
  readonly status: number;
  readonly detail: string;
  /** RFC 6901 pointer to the member that was refused; empty when the problem is not one member's. */
  readonly pointer: string;
  /** What `Retry-After` asked for, in milliseconds; null when it was not sent. */
  readonly retryAfterMs: number | null;

  constructor(options: {
    status: number;
    code: string;
    detail: string;
    pointer?: string;
    retryAfterMs?: number | null;
    cause?: unknown;
  }) {
    const { status, code, detail, cause } = options;
    super({ code, message: `the server refused (${status} ${code}): ${detail}`, cause });
    this.status = status;
    this.detail = detail;
    this.pointer = options.pointer ?? "";
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

export type UnavailableCode =
  | "unreachable" // no connection, or it broke
  | "timed_out" // no whole answer in time
  | "answer_malformed" // an answer that is not what the wire promises
  | "answer_too_large"
  | "overloaded" // 429 or 5xx for longer than we retry
  | "unauthorized" // the token is unknown or expired
  | "digest_differs" // the server understood another action than the gate sent
  | "receipt_invalid" // the redemption is not proven to be in the ledger
  | "permit_missing" // approved, but without a permit to redeem
  | "client_closed";

/** No answer that may be trusted was had, so nothing was executed. */
export class Unavailable extends KeyturnError {
  override readonly name = "Unavailable";
  declare readonly code: UnavailableCode;

  constructor(options: { code: UnavailableCode; message: string; cause?: unknown }) {
    super(options);
  }
}
