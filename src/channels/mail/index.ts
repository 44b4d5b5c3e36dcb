export { mailChannel } from "./channel.ts";
export type { MailConfig } from "./channel.ts";
