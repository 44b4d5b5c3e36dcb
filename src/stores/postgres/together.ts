import type { Statement } from "./link.ts";

/** A change that stands in a statement with others: `$1`, `$2`, … count its own values, and its name is that of its text. */
export type Part = Required<Statement>;

type Made = { readonly name: string; readonly text: string };
const made = new Map<string, Made>();

/**
 * Changes and a question as one statement, which the server parses, plans and answers once where it would do so ten times.
 * Every part sees the ledger as it was before all of them; they happen together or not at all.
 */
export function together(changes: readonly Part[], question: Part): Statement {
  const parts = [...changes, question];
  const key = parts.map(({ name }) => name).join(" ");
  const known = made.get(key) ?? remember(key, changes, question);
  return { ...known, values: parts.flatMap(({ values }) => values) };
}

// Which parts meet is up to the batch; they are few enough to keep them all.
function remember(key: string, changes: readonly Part[], question: Part): Made {
  let before = 0;
  const numbered = ({ text, values }: Part): string => {
    const first = before;
    before += values.length;
    return text.replaceAll(/\$(\d+)/g, (_, place: string) => `$${first + Number(place)}`);
  };
  const all = changes.map((part) => `${part.name} as (${numbered(part)})`);
  const one = { name: `batch_${made.size}`, text: `with ${all.join(", ")} ${numbered(question)}` };
  made.set(key, one);
  return one;
}
