import type { Terminal } from "../../src/cli/terminal.ts";

/** A terminal that remembers what was written. With `answers` somebody sits there and types them, one after another. */
export type Screen = Terminal & { taken(): { readonly out: string; readonly err: string } };

export type ScreenOptions = {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly answers?: readonly string[];
};

export function screen({ cwd, env = {}, answers }: ScreenOptions): Screen {
  const left = [...(answers ?? [])];
  let out = "";
  let err = "";
  return {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    env: { HOME: cwd, ...env },
    cwd,
    interactive: answers !== undefined,
    screen: { out: false, err: false },
    colour: { out: false, err: false },
    columns: 80,
    ask: (question) => {
      err += question;
      return Promise.resolve(left.shift() ?? "");
    },
    taken: () => {
      const written = { out, err };
      out = "";
      err = "";
      return written;
    },
  };
}
