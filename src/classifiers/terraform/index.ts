export { classifyTerraformArgv } from "./argv.ts";
export type { Word } from "./argv.ts";
export { classifyPlan } from "./plan.ts";
