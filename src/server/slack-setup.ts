import { checkSlack, manifestOf, type Manifest, type SlackFinding } from "../channels/slack/index.ts";
import { systemClock } from "./compose.ts";
import { loadConfig } from "./config.ts";
import { SLACK_URL } from "./routes/slack.ts";

/** The manifest of a Slack app; with the public address of a server Slack sends clicks there. */
export function slackManifest(name: string, publicUrl: string | null): Manifest {
  return manifestOf(name, publicUrl === null ? null : publicUrl.replace(/\/+$/, "") + SLACK_URL);
}

/** What Slack says of the settings in a keyturn.yaml; null where they do not speak of Slack. */
export async function checkSlackSettings(path: string): Promise<readonly SlackFinding[] | null> {
  const slack = loadConfig(path).notify?.slack ?? null;
  return slack === null ? null : checkSlack(slack, systemClock);
}
