export { loadCatalogue } from "./catalogue.ts";
export type { Catalogue, CatalogueAction, CatalogueResource, Extraction } from "./catalogue.ts";
export { declaredClassifier, lookUp } from "./classify.ts";
export type { DeclaredClassifier } from "./classify.ts";
export { TEXT_KINDS } from "./texts.ts";
export type { TextKind, TextSource } from "./texts.ts";
