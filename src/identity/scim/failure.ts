/** RFC 7644 §3.12: the words by which a client knows what is wrong with a request. */
export type ScimType =
  | "invalidFilter"
  | "tooMany"
  | "uniqueness"
  | "mutability"
  | "invalidSyntax"
  | "invalidPath"
  | "noTarget"
  | "invalidValue";

/** The HTTP statuses of SCIM's refusals. */
export type ScimStatus = 400 | 404 | 409 | 412 | 413 | 501 | 503;

/** Why a provisioning client does not get what it asked for. */
export class ScimError extends Error {
  override readonly name = "ScimError";
  readonly status: ScimStatus;
  readonly scimType: ScimType | null;

  constructor(status: ScimStatus, scimType: ScimType | null, message: string) {
    super(message);
    this.status = status;
    this.scimType = scimType;
  }
}

/** A request that cannot be carried out as it is written. */
export function invalid(scimType: ScimType, message: string): ScimError {
  return new ScimError(400, scimType, message);
}
