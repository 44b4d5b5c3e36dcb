import { setFlagsFromString } from "node:v8";

/**
 * Work of one WebAssembly function, in V8's rough bytes, before V8 compiles it a second time with its optimising compiler.
 * Loading a handful of policies takes hundreds of functions just past V8's default, for code that a quiet server never runs
 * again: 100 to 170 ms and 25 to 40 MB at every start. A busy server gets there all the same, some thousand questions later.
 */
const BUDGET = 1_000_000_000;
const BUDGET_DEFAULT = 13_000_000;

// V8 reads it when a module is compiled: set before Cedar is loaded, and back after it, it holds for Cedar alone. A V8 that
// does not know the flag says so on stderr and goes on; nothing but time and memory depends on it.
setBudget(BUDGET);

/** Leaves the modules that are loaded from now on to V8's own judgement. */
export function restoreBudget(): void {
  setBudget(BUDGET_DEFAULT);
}

function setBudget(bytes: number): void {
  setFlagsFromString(`--wasm-tiering-budget=${bytes}`);
}
