export type { ProviderConfig } from "./config.ts";
export { OidcError } from "./errors.ts";
export type { OidcErrorCode } from "./errors.ts";
export type { Login } from "./login.ts";
export type { LogoutToken } from "./logout.ts";
export { Provider } from "./provider.ts";
export type { Asked, Finished } from "./provider.ts";
export { openTransaction, sealTransaction, TRANSACTION_TTL_MS } from "./transaction.ts";
export type { Decision, Transaction } from "./transaction.ts";
