/** One thing that is wrong in a file of the operator. `line` and `column` count from 1; 0 means the file as a whole. */
export type ConfigProblem = {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** What to write instead. */
  readonly hint: string | null;
};

export type ConfigErrorCode = "policies_invalid" | "catalogue_invalid" | "directory_invalid" | "config_invalid";

/** Files of the operator that are refused as a whole. `problems` has all of them, so that one look mends everything. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code: ConfigErrorCode;
  readonly problems: readonly ConfigProblem[];

  constructor(options: { code: ConfigErrorCode; problems: readonly ConfigProblem[]; cause?: unknown }) {
    super(
      options.problems.map(formatProblem).join("\n"),
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = options.code;
    this.problems = options.problems;
  }
}

/** A problem as compilers print it, so that editors can jump to it: `file:line:column: message` and the hint below. */
export function formatProblem({ file, line, column, message, hint }: ConfigProblem): string {
  const place = line === 0 ? file : `${file}:${line}:${column}`;
  return hint === null ? `${place}: ${message}` : `${place}: ${message}\n  ${hint}`;
}
