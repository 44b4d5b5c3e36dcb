import { createInterface } from "node:readline/promises";

/** Where a command runs: everything it may know of the process. Tests bring their own. */
export type Terminal = {
  /** Results, on standard output. */
  readonly out: (text: string) => void;
  /** Everything else: progress, questions, errors. */
  readonly err: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Somebody sits there who can be asked. */
  readonly interactive: boolean;
  /** Standard output, or standard error, is a screen. */
  readonly screen: { readonly out: boolean; readonly err: boolean };
  /** Whether colour may be used there: a screen, no `NO_COLOR`, not `TERM=dumb`. */
  readonly colour: { readonly out: boolean; readonly err: boolean };
  readonly columns: number;
  /** Asks on standard error; the end of input answers "". */
  readonly ask: (question: string) => Promise<string>;
};

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const screen = { out: process.stdout.isTTY, err: process.stderr.isTTY };
  const mayColour = (process.env["NO_COLOR"] ?? "") === "" && process.env["TERM"] !== "dumb";
  endQuietlyWithoutReader();
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    env: process.env,
    cwd: process.cwd(),
    interactive: process.stdin.isTTY && screen.err,
    screen,
    colour: { out: screen.out && mayColour, err: screen.err && mayColour },
    columns: process.stdout.columns ?? 80,
    ask,
  };
}

async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const closed = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
    return await Promise.race([lines.question(question), closed]);
  } finally {
    lines.close();
  }
}

/** `keyturn requests | head` ends when `head` has seen enough. */
function endQuietlyWithoutReader(): void {
  process.stdout.on("error", (error) => {
    if ("code" in error && error.code === "EPIPE") process.exit();
    throw error;
  });
}

const CODES = { bold: "1", dim: "2", red: "31", green: "32", yellow: "33", magenta: "35", cyan: "36" } as const;
export type Style = keyof typeof CODES;

export type Paint = (style: Style, text: string) => string;

/** Paints for one of the two streams, or leaves the text alone. */
export function painter(terminal: Terminal, stream: "out" | "err"): Paint {
  return (style, text) => (terminal.colour[stream] ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text);
}
