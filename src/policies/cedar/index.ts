export { loadPolicies } from "./load.ts";
export type { LoadedPolicies, LoadOptions, PolicySummary } from "./load.ts";
export { generateSchema } from "./schema.ts";
