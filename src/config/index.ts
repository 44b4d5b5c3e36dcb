export { readSecret } from "./secret.ts";
export type { SecretKind } from "./secret.ts";
export { readYaml } from "./yaml.ts";
export type { Read } from "./yaml.ts";
