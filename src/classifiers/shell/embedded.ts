import type { Classification, FoundEffect, Span, Trait } from "../../core/risk/index.ts";

/**
 * A part of a command line that another classifier understands: SQL given to `psql -c` (in PostgreSQL's dialect), a plain
 * request of `curl` without data, credentials or output, or the
 * literal argv of a cloud tool, its head first. `because` is the reason that stands in `opaque` until that has spoken.
 */
export type Embedded =
  | { readonly kind: "sql"; readonly text: string; readonly because: string; readonly span: Span }
  | {
      readonly kind: "http";
      readonly method: string;
      readonly url: string;
      readonly because: string;
      readonly span: Span;
    }
  | {
      readonly kind: "aws" | "gcloud" | "az" | "kubectl" | "terraform";
      readonly argv: readonly string[];
      readonly because: string;
      readonly span: Span;
    };

/** A classification, with the parts that it leaves to others. Whoever ignores `embedded` holds the command as opaque. */
export type ShellClassification = Classification & { readonly embedded: readonly Embedded[] };

/**
 * Joins what the other classifiers made of `embedded`, in its order; null or nothing for a part that nobody classified,
 * which stays opaque. Effects, facts, traits and reasons only add up.
 */
export function withEmbedded(shell: ShellClassification, answers: readonly (Classification | null)[]): Classification {
  const answered = shell.embedded.flatMap((part, index) => {
    const answer = answers[index] ?? null;
    return answer === null ? [] : [{ part, answer }];
  });
  const open = shell.embedded.filter((_, index) => (answers[index] ?? null) === null);
  const settled = new Set(answered.map(({ part }) => part.because));
  for (const { because } of open) settled.delete(because);
  const opaque = [
    ...shell.opaque.filter((reason) => !settled.has(reason)),
    ...answered.flatMap(({ answer }) => answer.opaque),
  ];
  const effects: FoundEffect[] = shell.effects.filter(
    ({ effect, because }) => effect !== "opaque" || !settled.has(because),
  );
  const traits: Trait[] = [...(shell.traits ?? [])];
  for (const { part, answer } of answered) {
    const speaks = answer.effects.length > 0 || answer.opaque.length > 0;
    if (!speaks) opaque.push(part.because);
    effects.push(...answer.effects.map((found) => ({ ...found, span: part.span })));
    traits.push(...(answer.traits ?? []).map((trait) => ({ ...trait, span: part.span })));
  }
  const [reason] = opaque;
  if (reason !== undefined && !effects.some(({ effect }) => effect === "opaque")) {
    effects.push({ effect: "opaque", because: reason, provenance: "parsed" });
  }
  const secret = effects.find(({ effect }) => effect === "secret.read");
  const network =
    effects.find(({ effect }) => effect === "network") ?? shell.embedded.find(({ kind }) => kind === "http");
  if (secret !== undefined && network !== undefined && !traits.some(({ id }) => id === "exfiltration")) {
    traits.push({ id: "exfiltration", because: `What it reads may leave: ${secret.because} ${network.because}` });
  }
  return { effects, facts: [...shell.facts, ...answered.flatMap(({ answer }) => answer.facts)], opaque, traits };
}
