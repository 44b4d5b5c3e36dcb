import { APP_NAME_CHARS_MAX, checkTeams, manifestOf, packageOf } from "../channels/teams/index.ts";
import type { Manifest, TeamsFinding } from "../channels/teams/index.ts";
import { systemClock } from "./compose.ts";
import { loadConfig } from "./config.ts";
import { TEAMS_URL } from "./routes/teams.ts";

/** The Teams app of an installation, as a manifest and as the zip to upload; null where its name is empty or too long. */
export function teamsPackage(
  app: string,
  name: string,
  publicUrl: string,
): { readonly manifest: Manifest; readonly zip: Uint8Array } | null {
  if (name.trim() === "" || name.length > APP_NAME_CHARS_MAX) return null;
  const manifest = manifestOf(app, name, publicUrl);
  return { manifest, zip: packageOf(manifest) };
}

/** Where the bot's messages go: what to write at its registration. */
export function messagingEndpoint(publicUrl: string): string {
  return publicUrl.replace(/\/+$/, "") + TEAMS_URL;
}

/** What Microsoft says of the settings in a keyturn.yaml; null where they do not speak of Teams. */
export async function checkTeamsSettings(path: string): Promise<readonly TeamsFinding[] | null> {
  const teams = loadConfig(path).notify?.teams ?? null;
  return teams === null ? null : checkTeams(teams, systemClock);
}
