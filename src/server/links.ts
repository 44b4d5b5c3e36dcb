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
  const old = linksOf(before, after);
  const now = linksOf(after, before);
  const added = [...now].filter(([key]) => !old.has(key)).map(([, row]) => row);
  const removed = [...old].filter(([key]) => !now.has(key)).map(([, row]) => row);
  return added.length + removed.length === 0 ? null : { added, removed };
}

/** Links of those people whom another directory does not have as the very same object: most of thousands are unchanged. */
function linksOf(directory: Directory | null, other: Directory | null): ReadonlyMap<string, LinkRow> {
  const changed = [...(directory?.people.values() ?? [])].filter((person) => other?.people.get(person.id) !== person);
  const rows = changed.flatMap(({ id, accounts }) =>
    accounts.map(({ issuer, subject, strength }): LinkRow => ({ person: id, issuer, subject, strength })),
  );
  return new Map(rows.map((row) => [JSON.stringify(row), row]));
}
