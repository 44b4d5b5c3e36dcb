export { classifyHttp } from "./classify.ts";
export type { HttpRequest } from "./classify.ts";
