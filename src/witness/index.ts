export { Witness } from "./witness.ts";
export type { Answer, WitnessOptions } from "./witness.ts";
export { serveWitness } from "./serve.ts";
export type { ServeOptions, ServedWitness } from "./serve.ts";
export { openWitnessFolder } from "./folder.ts";
export type { WitnessFolder } from "./folder.ts";
export { WitnessError } from "./errors.ts";
export type { WitnessErrorCode } from "./errors.ts";
