/** A file of the pack and the SHA-256 of its bytes in hex. */
export type Listed = { readonly path: string; readonly sha256: string };

/** The manifest, as `sha256sum --check` reads it: a line a file, in the order of paths. */
export function manifestOf(files: readonly Listed[]): string {
  return files
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ path, sha256 }) => `${sha256}  ${path}\n`)
    .join("");
}
