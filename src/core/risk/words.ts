import type { Effect } from "./facts.ts";

const WORDS: Readonly<Record<Effect, string>> = {
  read: "read data",
  write: "change data",
  network: "use the network",
  execute: "run a program",
  export: "take data out",
  delete: "delete data",
  ddl: "change a structure",
  deploy: "deploy",
  "secret.read": "read a secret",
  escalate: "change rights",
  opaque: "do something that is not understood",
};

/** Effects as the end of a sentence, each once and in the order given: `run a program, read data or use the network`. */
export function effectWords(effects: readonly Effect[], joint: "and" | "or"): string {
  const words = [...new Set(effects)].map((effect) => WORDS[effect]);
  const last = words.at(-1) ?? "act";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} ${joint} ${last}`;
}
