export { AddressError, isPrivateAddress } from "./address.ts";
export { webhookChannel } from "./channel.ts";
export type { WebhookConfig } from "./channel.ts";
export { postDelivery, readWebhookSecret, signDelivery } from "./delivery.ts";
export type { Answer, Delivery, Endpoint } from "./delivery.ts";
