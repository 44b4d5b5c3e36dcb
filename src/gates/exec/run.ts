import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { Client, OutcomeReport } from "../../client/index.ts";
import { SECRET_KEY_BYTES_MIN, commitSecrets } from "../../core/action/index.ts";
import type { JsonObject } from "../../core/action/index.ts";
import { Cancelled, Denied, Expired, agentOf, perform } from "../sdk/index.ts";
import type { Ended } from "./child.ts";
import { codeOf, codeOfSignal, runChild } from "./child.ts";
import { ExecError } from "./errors.ts";
import type { Input } from "./input.ts";
import { readInput } from "./input.ts";
import type { Screen } from "./progress.ts";
import { Progress } from "./progress.ts";
import type { Wanted } from "./shown.ts";
import { environmentOf, look, lookAgain, propertiesOf, unboundHint } from "./shown.ts";

/** Exit codes of our own; every other is the command's. */
export const EXIT = { expired: 124, failed: 125, denied: 126, notFound: 127 } as const;

export type ExecOptions = {
  /** The command and its arguments, exactly as the child gets them; no shell is involved. */
  readonly argv: readonly string[];
  readonly client: Client;
  /** Why, in the caller's words: shown to reviewers as a claim. */
  readonly reason?: string | undefined;
  readonly environment?: string | undefined;
  /** Variables that the child gets beside the usual ones; shown with their values. */
  readonly envNames?: readonly string[] | undefined;
  /** Variables that the child gets and nobody is shown: only a commitment leaves this process. */
  readonly secretEnvNames?: readonly string[] | undefined;
  /** Files whose content is bound: scripts, plans, dumps. */
  readonly bindFiles?: readonly string[] | undefined;
  /** Reads standard input to its end, binds it by hash, and gives it to the child. */
  readonly stdin?: boolean | undefined;
  /** The ledger's verifier key, which the receipt of the redemption must be signed with. */
  readonly ledgerKey?: string | undefined;
  readonly cwd: string;
  /** Where this process' own environment comes from; `process.env` by default. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Where progress and refusals are told. */
  readonly stderr: Screen;
};

/** Signals that give a held command up. */
const GIVE_UP: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];

/**
 * Runs a command once the server lets it: bound are the binary and its interpreters, argv, working directory, the whole
 * environment, named files and standard input. Resolves with the exit code; never rejects.
 */
export async function runExec(options: ExecOptions): Promise<number> {
  const progress = new Progress(options.stderr);
  const stop = new AbortController();
  let gaveUp: NodeJS.Signals | null = null;
  const giveUp = (signal: NodeJS.Signals): void => {
    gaveUp ??= signal;
    stop.abort();
  };
  const stopListening = (): void => GIVE_UP.forEach((signal) => process.off(signal, giveUp));
  GIVE_UP.forEach((signal) => process.on(signal, giveUp));
  try {
    return codeOf(await hold(options, progress, stop.signal, stopListening));
  } catch (error) {
    if (gaveUp !== null) {
      progress.say("given up: the request is withdrawn and nothing was executed");
      return codeOfSignal(gaveUp);
    }
    progress.say(error instanceof Error ? error.message : "the command could not be held");
    return exitOf(error);
  } finally {
    progress.end();
    stopListening();
    options.client.close();
  }
}

async function hold(
  options: ExecOptions,
  progress: Progress,
  signal: AbortSignal,
  onStart: () => void,
): Promise<Ended> {
  const { reason, environment, client } = options;
  const wanted = await wantedOf(options, signal);
  const shown = await look(wanted);
  const subject = await agentOf(client, signal);
  const hint = await unboundHint(wanted, shown);
  return perform<Promise<Ended>>({
    client,
    question: {
      subject,
      action: { name: "process.exec", properties: withoutSecrets(propertiesOf(wanted, shown), options) },
      resource: { type: "host", id: hostname() },
      context: { ...(environment === undefined ? {} : { environment }), ...(reason === undefined ? {} : { reason }) },
    },
    signal,
    onHeld: (task) => progress.held(task, hint),
    onWarning: (warning) => progress.say(warning.message),
    ledgerKey: options.ledgerKey,
    recheck: () => lookAgain(wanted, shown),
    run: () => {
      progress.end();
      onStart(); // from here on signals are the child's
      return runChild(wanted, shown);
    },
    outcomeOf,
  });
}

async function wantedOf(options: ExecOptions, signal: AbortSignal): Promise<Wanted> {
  const { argv, cwd, bindFiles = [], envNames = [], secretEnvNames = [] } = options;
  return {
    argv: [...argv],
    cwd,
    env: environmentOf(options.env ?? process.env, [...envNames, ...secretEnvNames]),
    bindFiles: [...bindFiles],
    input: await inputOf(options.stdin ?? false, signal),
  };
}

/** Only commitments leave this process; each run has a key of its own. */
function withoutSecrets(properties: JsonObject, { secretEnvNames = [] }: ExecOptions): JsonObject {
  const pointers = secretEnvNames.map((name) => `/env/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`);
  return commitSecrets(properties, pointers, randomBytes(SECRET_KEY_BYTES_MIN));
}

async function inputOf(bind: boolean, signal: AbortSignal): Promise<Input> {
  if (bind) return readInput(process.stdin, signal);
  return process.stdin.isTTY ? { from: "terminal" } : { from: "nothing" };
}

function outcomeOf({ exitCode, signal }: Ended): OutcomeReport {
  return { status: exitCode === 0 ? "succeeded" : "failed", details: { exit_code: exitCode, signal } };
}

function exitOf(error: unknown): number {
  if (error instanceof Expired) return EXIT.expired;
  // Withdrawn by somebody else, or changed since it was shown: refused as much as by a policy.
  if (error instanceof Denied || error instanceof Cancelled) return EXIT.denied;
  if (!(error instanceof ExecError)) return EXIT.failed;
  if (error.code === "shown.file-changed") return EXIT.denied;
  return error.code === "command_not_found" ? EXIT.notFound : EXIT.failed;
}
