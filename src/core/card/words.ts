import { EFFECTS } from "../risk/index.ts";
import type { Effect, FoundEffect } from "../risk/index.ts";

const VERBS: Readonly<Record<Effect, string>> = {
  read: "read",
  write: "change",
  network: "send something over the network from",
  execute: "run something on",
  export: "export data from",
  delete: "delete from",
  ddl: "change the structure of",
  deploy: "deploy to",
  "secret.read": "read secrets of",
  escalate: "change who has rights on",
  opaque: "do something that could not be fully inspected on",
};

/** What an action does in plain words, by the gravest effect that was understood; opaque only where nothing else was. */
export function verbOf(effects: readonly FoundEffect[]): string {
  const found = gravestFirst(effects).map(({ effect }) => effect);
  const known = found.find((effect) => effect !== "opaque") ?? found[0];
  return known === undefined ? "act on" : VERBS[known];
}

/** From the gravest to the mildest, so that what is left out for want of room is the mildest. */
export function gravestFirst(effects: readonly FoundEffect[]): readonly FoundEffect[] {
  return effects.toSorted((a, b) => EFFECTS.indexOf(b.effect) - EFFECTS.indexOf(a.effect));
}
