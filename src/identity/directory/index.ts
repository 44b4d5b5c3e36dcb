export { activeMembers, loadDirectory } from "./directory.ts";
export type { LoadedDirectory } from "./directory.ts";
export { fromDocument, toDocument } from "./document.ts";
