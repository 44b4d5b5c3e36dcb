export { classifyKubernetesApi } from "./api.ts";
export type { KubernetesRequest } from "./api.ts";
export { classifyKubectl } from "./kubectl.ts";
export type { KubectlContext } from "./kubectl.ts";
export type { Word } from "./kubectl-words.ts";
export { classifyManifest } from "./manifest.ts";
