import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { constants } from "node:os";
import { ExecError } from "./errors.ts";
import type { Shown, Wanted } from "./shown.ts";

/** How a command ended: by its own exit code, or by a signal. */
export type Ended = { readonly exitCode: number | null; readonly signal: NodeJS.Signals | null };

/** What the caller's system may send to us and the child has to hear. */
const FORWARDED: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGWINCH"];
/** A terminal sends these to the whole foreground group itself: forwarding them too would make two of one key. */
const FROM_KEYBOARD: ReadonlySet<NodeJS.Signals> = new Set(["SIGINT", "SIGQUIT", "SIGWINCH"]);

/** Runs exactly what was shown, with exactly the environment that was shown. Nothing is awaited before it starts. */
export function runChild(wanted: Wanted, shown: Shown): Promise<Ended> {
  const { input, argv, env } = wanted;
  const child = spawn(shown.program.binary.path, argv.slice(1), {
    argv0: argv[0],
    cwd: shown.cwd,
    env: { ...env },
    stdio: [input.from === "bytes" ? "pipe" : input.from === "terminal" ? "inherit" : "ignore", "inherit", "inherit"],
    shell: false,
  });
  const stopForwarding = forwardSignals(child);
  if (input.from === "bytes") {
    child.stdin?.on("error", () => undefined); // a command that does not read to the end is no fault
    child.stdin?.end(input.bytes);
  }
  return new Promise((resolve, reject) => {
    child.once("error", (cause) => {
      stopForwarding();
      const message = `\`${shown.program.binary.path}\` could not be started: ${cause.message}`;
      reject(new ExecError({ code: "spawn_failed", message, cause }));
    });
    child.once("close", (exitCode, signal) => {
      stopForwarding();
      resolve({ exitCode, signal });
    });
  });
}

function forwardSignals(child: ChildProcess): () => void {
  const onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  const forward = (signal: NodeJS.Signals): void => {
    if (!(onTerminal && FROM_KEYBOARD.has(signal))) child.kill(signal);
  };
  for (const signal of FORWARDED) process.on(signal, forward);
  return () => {
    for (const signal of FORWARDED) process.off(signal, forward);
  };
}

/** As a shell tells it: the exit code, or 128 and the number of the signal. */
export function codeOf({ exitCode, signal }: Ended): number {
  return signal === null ? (exitCode ?? 125) : codeOfSignal(signal);
}

/** 128 and the number of a signal. */
export function codeOfSignal(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}
