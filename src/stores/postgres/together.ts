import type { Statement } from "./link.ts";

/**
 * A change that stands in a statement with others: `$1`, `$2`, … count its own values, `$0` is the bytes that all of them
 * share. Its name is that of its text, which is made once.
 */
export type Part = { readonly name: string; readonly text: () => string; readonly values: readonly unknown[] };

/** Asks nothing. */
export const DONE: Part = { name: "done", text: () => "select 1", values: [] };

type Made = { readonly name: string; readonly text: string };
const made = new Map<string, Made>();

/**
 * Changes and a question as one statement, which the server parses, plans and answers once where it would do so ten times.
 * Every part sees the ledger as it was before all of them; they happen together or not at all.
 */
export function together(changes: readonly Part[], question: Part, bytes: Uint8Array | null): Statement {
  const parts = [...changes, question];
  const key = parts.map(({ name }) => name).join(" ");
  const known = made.get(key) ?? remember(key, changes, question);
  const values = parts.flatMap((part) => part.values);
  return { ...known, values: bytes === null ? values : [...values, bytes] };
}

// Which parts meet is up to the batch; they are few enough to keep them all.
function remember(key: string, changes: readonly Part[], question: Part): Made {
  const parts = [...changes, question];
  const shared = parts.reduce((sum, { values }) => sum + values.length, 1);
  const texts = numbered(parts, shared);
  const all = changes.map(({ name }, at) => `${name} as (${texts[at]})`);
  const one = { name: `batch_${made.size}`, text: `with ${all.join(", ")} ${texts.at(-1)}` };
  made.set(key, one);
  return one;
}

/** The texts of parts whose values come one after the other; `$0` is the value of that number, or stays. */
export function numbered(parts: readonly Part[], shared: number = 0): readonly string[] {
  let next = 0;
  return parts.map(({ text, values }) => {
    const before = next;
    next += values.length;
    return text().replaceAll(/\$(\d+)/g, (_, place: string) => `$${place === "0" ? shared : before + Number(place)}`);
  });
}
