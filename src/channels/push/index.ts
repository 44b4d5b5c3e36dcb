export { pushChannel } from "./channel.ts";
export type { PushChannel, PushConfig, PushMessage, PushParts, Subscription } from "./channel.ts";
export { subscriptionFault } from "./endpoint.ts";
export { pushKey } from "./key.ts";
export type { PushKey } from "./key.ts";
