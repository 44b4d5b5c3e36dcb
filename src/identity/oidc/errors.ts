/** Why a sign-in at an identity provider did not succeed. Every code has one test that names it. */
export type OidcErrorCode =
  /** The provider does not answer, or not in time. */
  | "provider_unavailable"
  /** The provider answers, and what it says of itself cannot be trusted or used. */
  | "provider_invalid"
  /** The provider itself says no, such as `access_denied`. */
  | "provider_refused"
  /** What came back is not an answer to what was asked: another browser, another sign-in, another provider, too late. */
  | "answer_invalid"
  /** The login is genuine and not one that this provider is set up to let in. */
  | "login_refused"
  | "logout_token_invalid";

/** A sign-in that failed, with a sentence for the person who tried. Nothing of a secret is in it. */
export class OidcError extends Error {
  override readonly name = "OidcError";
  readonly code: OidcErrorCode;

  constructor(options: { code: OidcErrorCode; message: string; cause?: unknown }) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
  }
}
