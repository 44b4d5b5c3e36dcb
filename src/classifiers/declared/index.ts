export { loadCatalogue } from "./catalogue.ts";
export type { Catalogue, CatalogueAction, CatalogueResource, Extraction } from "./catalogue.ts";
export { declaredClassifier } from "./classify.ts";
