export { teamsChannel } from "./channel.ts";
export type { TeamsChannel, TeamsParts } from "./channel.ts";
export { checkTeams } from "./check.ts";
export type { TeamsFinding } from "./check.ts";
export { CLOUDS, conversationOf, issuerOf } from "./config.ts";
export type { Cloud, Conversation, TeamsConfig } from "./config.ts";
export { APP_NAME_CHARS_MAX, manifestOf, packageOf } from "./manifest.ts";
export type { Manifest } from "./manifest.ts";
