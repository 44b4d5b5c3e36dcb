import type { Directory } from "../ports/directory.ts";

/** One login that is, or is no more, known to be a person's, and how strong the evidence is. */
export type LinkRow = {
  readonly person: string;
  readonly issuer: string;
  readonly subject: string;
  readonly strength: string;
};

/** Links that came and went between two directories; null where none did. A link whose strength changed is both. */
export function linkChanges(
  before: Directory | null,
  after: Directory,
): { readonly added: readonly LinkRow[]; readonly removed: readonly LinkRow[] } | null {
  const [old, now] = [linksOf(before), linksOf(after)];
  const added = [...now].filter(([key]) => !old.has(key)).map(([, row]) => row);
  const removed = [...old].filter(([key]) => !now.has(key)).map(([, row]) => row);
  return added.length + removed.length === 0 ? null : { added, removed };
}

function linksOf(directory: Directory | null): ReadonlyMap<string, LinkRow> {
  const rows = [...(directory?.people.values() ?? [])].flatMap(({ id, accounts }) =>
    accounts.map(({ issuer, subject, strength }): LinkRow => ({ person: id, issuer, subject, strength })),
  );
  return new Map(rows.map((row) => [JSON.stringify(row), row]));
}
