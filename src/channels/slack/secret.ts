import { readSecret } from "../../config/index.ts";

/** A token or secret of the app from its file; throws a `ConfigError` that says what to write there. */
export function readSlackSecret(file: string): string {
  return readSecret(file, {
    message: "this secret of Slack cannot be read",
    hint: "write what Slack shows for the app into this file, mode 0600; see docs/channels/slack.md",
    fits: /^[\x21-\x7e]{8,500}$/,
  });
}
