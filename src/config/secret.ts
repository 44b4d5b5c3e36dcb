import { readFileSync } from "node:fs";
import { ConfigError } from "../ports/config.ts";

/** What to say where a file holds no secret of this kind, and what such a secret looks like. */
export type SecretKind = { readonly message: string; readonly hint: string; readonly fits: RegExp };

/**
 * Reads a secret from a file of the operator, without the white space around it. Throws a `ConfigError` where it cannot be
 * read or does not fit; its content stands in no message.
 */
export function readSecret(file: string, { message, hint, fits }: SecretKind): string {
  let secret = "";
  let cause: unknown;
  try {
    secret = readFileSync(file, "utf8").trim();
  } catch (error) {
    cause = error;
  }
  if (fits.test(secret)) return secret;
  const problems = [{ file, line: 0, column: 0, message, hint }];
  throw new ConfigError({ code: "config_invalid", problems, ...(cause === undefined ? {} : { cause }) });
}
