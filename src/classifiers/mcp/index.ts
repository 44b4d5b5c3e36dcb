export { classifyTool, joinEmbedded } from "./classify.ts";
export type { ToolAnnotations, ToolCall, ToolClassification } from "./classify.ts";
export type { Embedded, EmbeddedKind } from "./embedded.ts";
