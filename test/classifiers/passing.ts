import type { Classification } from "../../src/core/risk/index.ts";

/** Whether a classification passes by itself: nothing but reading, nothing opaque, no trait but `multiple`. */
export function passes({ effects, opaque, traits = [] }: Classification): boolean {
  return (
    opaque.length === 0 &&
    effects.length > 0 &&
    effects.every(({ effect }) => effect === "read") &&
    traits.every(({ id }) => id === "multiple")
  );
}

/** Effects and traits as one line: `read write | unbounded`. */
export function summary({ effects, traits = [] }: Classification): string {
  const ids = traits.map(({ id }) => id).toSorted();
  const line = effects.map(({ effect }) => effect).join(" ");
  return ids.length === 0 ? line : `${line} | ${ids.join(" ")}`;
}

/** Whether whatever one classification found is in the other as well. */
export function covers(wide: Classification, narrow: Classification): boolean {
  const effects = new Set(wide.effects.map(({ effect }) => effect));
  const traits = new Set((wide.traits ?? []).map(({ id }) => id));
  return (
    narrow.effects.every(({ effect }) => effects.has(effect)) &&
    (narrow.traits ?? []).every(({ id }) => traits.has(id)) &&
    (narrow.opaque.length === 0 || wide.opaque.length > 0)
  );
}

/** Words of a command line for tests: single spaces part them, `_` stands for a space inside one, `?` for an unknown word. */
export function words(line: string): (string | null)[] {
  return line === "" ? [] : line.split(" ").map((word) => (word === "?" ? null : word.replaceAll("_", " ")));
}

/** Milliseconds that a call takes. */
export function millisecondsOf(call: () => unknown): number {
  const start = performance.now();
  call();
  return performance.now() - start;
}
