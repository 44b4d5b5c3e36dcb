import type { Digest } from "../../core/brand.ts";
import type { ConfigProblem } from "../../ports/config.ts";

/** One file as text, and the digest of its bytes. */
export type SourceFile = { readonly name: string; readonly text: string; readonly digest: Digest };

/** One policy as it is written: its text, where that begins in the file, and where its annotations stand in the text. */
export type Statement = {
  readonly file: SourceFile;
  readonly start: number;
  readonly text: string;
  readonly annotations: ReadonlyMap<string, number>;
};

// Comments and strings first, so that a `;` or `@` within one is not taken for Cedar's.
const TOKEN = /\/\/[^\n\r]*|"(?:\\[^]|[^"\\])*"|@\s*(?<annotation>[A-Za-z_][A-Za-z0-9_]*)|;|[^\s]/gu;

/**
 * Splits a file into its policies, so that each can be named by its `@id` and its problems by line and column. The grammar
 * has `;` only at the end of a policy; whatever stands behind the last one is a statement too, which Cedar then refuses.
 */
export function splitStatements(file: SourceFile): readonly Statement[] {
  const statements: Statement[] = [];
  let start: number | null = null;
  let annotations = new Map<string, number>();
  for (const token of file.text.matchAll(TOKEN)) {
    if (token[0].startsWith("//")) continue;
    start ??= token.index;
    const annotation = token.groups?.["annotation"];
    if (annotation !== undefined) annotations.set(annotation, token.index - start);
    if (token[0] === ";") {
      statements.push({ file, start, text: file.text.slice(start, token.index + 1), annotations });
      start = null;
      annotations = new Map();
    }
  }
  if (start !== null) statements.push({ file, start, text: file.text.slice(start).trimEnd(), annotations });
  return statements;
}

/** A problem at a place of a policy's text (in UTF-16 code units). */
export function problemAt(statement: Statement, offset: number, message: string, hint: string | null): ConfigProblem {
  const before = statement.file.text.slice(0, statement.start + offset);
  const lastBreak = before.lastIndexOf("\n");
  const line = before.split("\n").length;
  return { file: statement.file.name, line, column: before.length - lastBreak, message, hint };
}

/** Cedar counts UTF-8 bytes, JavaScript UTF-16 code units. */
export function fromByteOffset(text: string, bytes: number): number {
  return Buffer.from(text, "utf8").subarray(0, bytes).toString("utf8").length;
}

/** A problem of a file as a whole. */
export function fileProblem(file: string, message: string, hint: string | null): ConfigProblem {
  return { file, line: 0, column: 0, message, hint };
}
