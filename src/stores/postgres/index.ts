export { migratePostgres } from "./migrate.ts";
export type { Migrated, MigrateOptions } from "./migrate.ts";
export { openPostgres } from "./store.ts";
export type { PostgresStoreOptions } from "./store.ts";
