import { readSecret } from "../../config/index.ts";

/** The client secret from its file; throws a `ConfigError` that says what to write there. */
export function readTeamsSecret(file: string): string {
  return readSecret(file, {
    message: "the client secret for Teams cannot be read",
    hint: "write the value of the app's client secret into this file, mode 0600; see docs/channels/teams.md",
    fits: /^[\x21-\x7e]{8,500}$/,
  });
}
