export { classifyHttp } from "./classify.ts";
export type { HttpRequest } from "./classify.ts";
export type { HttpRule } from "./rules.ts";
