export { readYaml } from "./yaml.ts";
export type { Read } from "./yaml.ts";
