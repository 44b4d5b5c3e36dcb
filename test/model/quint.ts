// Where Quint is: a package of this clone, or one that tools/model.ts has installed into a folder of its own.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const PROGRAM = "node_modules/@informalsystems/quint/dist/src/cli.js";

/** The folder that tools/model.ts installs it into. */
export const QUINT_FOLDER: string = fileURLToPath(new URL("../../node_modules/.cache/keyturn-quint/", import.meta.url));

/** The path of Quint's program, or null where it is not installed. */
export function installedQuint(): string | null {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  return [`${root}${PROGRAM}`, `${QUINT_FOLDER}${PROGRAM}`].find((path) => existsSync(path)) ?? null;
}
