export { openContents } from "./contents.ts";
export type { Answer, Contents } from "./contents.ts";
export { openSqliteStore } from "./store.ts";
export type { SqliteStoreOptions } from "./store.ts";
