#!/usr/bin/env node
/**
 * `keyturn COMMAND …`. Each command is one file of this folder that exports
 *
 *     help: string                                                   // its manual page, as `keyturn help COMMAND` prints it
 *     run(args: readonly string[], terminal: Terminal): Promise<number>   // answers the exit code
 *
 * and is loaded only when it is called. A command prints results with `terminal.out` and all else with `terminal.err`;
 * it throws a `Failure`, or any error with a `code` and a sentence, instead of printing one. `commands.ts` lists them.
 */
import { dispatch } from "./dispatch.ts";
import { processTerminal } from "./terminal.ts";

process.exitCode = await dispatch(process.argv.slice(2), processTerminal());
