export { loadShell } from "./load.ts";
export type { ShellClassifier, ShellOptions } from "./load.ts";
export { withEmbedded } from "./embedded.ts";
export type { Embedded, ShellClassification } from "./embedded.ts";
