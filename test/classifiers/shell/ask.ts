import type { Classification } from "../../../src/core/risk/index.ts";

export function effectsOf({ effects }: Classification): ReadonlySet<string> {
  return new Set(effects.map(({ effect }) => effect));
}

export function traitsOf({ traits = [] }: Classification): ReadonlySet<string> {
  return new Set(traits.map(({ id }) => id));
}

/** Whether autopilot could let it pass: only reading, all understood, no trait but that there are several commands. */
export function passes(found: Classification): boolean {
  const reads = [...effectsOf(found)].join() === "read";
  return reads && found.opaque.length === 0 && [...traitsOf(found)].every((trait) => trait === "multiple");
}
