export type LedgerErrorCode =
  | "ledger_rolled_back" // a witness signed more than is here
  | "ledger_forked" // a witness signed something else
  | "ledger_key_changed" // the key is not the one of this origin
  | "permit_key_differs" // other instances sign permits with another one
  | "key_missing" // the ledger has a key, and its file is not here
  | "witnesses_silent"; // too few answered to know

/** The ledger on this disk must not be served. The sentence says what an operator may do. */
export class LedgerError extends Error {
  override readonly name = "LedgerError";
  readonly code: LedgerErrorCode;

  constructor(options: { code: LedgerErrorCode; message: string }) {
    super(options.message);
    this.code = options.code;
  }
}
