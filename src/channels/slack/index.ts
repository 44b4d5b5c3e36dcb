export { slackChannel } from "./channel.ts";
export type { SlackChannel, SlackParts } from "./channel.ts";
export { checkSlack } from "./check.ts";
export type { SlackFinding } from "./check.ts";
export type { GroupRoute, SlackConfig } from "./config.ts";
export { manifestOf } from "./manifest.ts";
export type { Manifest } from "./manifest.ts";
