export { loadSql } from "./classify.ts";
export type { SqlClassifier } from "./classify.ts";
export { isReader } from "./functions.ts";
export { EXPORT_ROWS_MAX } from "./reads.ts";
export { SQL_BYTES_MAX } from "./text.ts";
export type { SqlOptions, SqlSession } from "./visit.ts";
