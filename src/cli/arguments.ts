import { parseArgs } from "node:util";
import type { ParseArgsConfig } from "node:util";
import { describe, usage } from "./failure.ts";

export type Options = NonNullable<ParseArgsConfig["options"]>;

type Parsed<O extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: O; strict: true; allowPositionals: true }>
>;

/** What every command understands. */
export const GENERAL: { readonly json: { readonly type: "boolean" } } = { json: { type: "boolean" } };

/** What every command understands that talks to a server. */
export const SERVER: typeof GENERAL &
  Readonly<Record<"url" | "token" | "config" | "data", { readonly type: "string" }>> = {
  ...GENERAL,
  url: { type: "string" },
  token: { type: "string" },
  config: { type: "string" },
  data: { type: "string" },
};

/**
 * Reads a command line, or throws a usage failure that names what was wrong.
 * `places` names the positional arguments in order; a name that ends with `?` may be left out.
 */
export function readArguments<const O extends Options>(
  args: readonly string[],
  options: O,
  places: readonly string[],
): { readonly values: Parsed<O>["values"]; readonly positionals: readonly string[] } {
  const { values, positionals } = parse(args, options);
  const missing = places.slice(positionals.length).find((place) => !place.endsWith("?"));
  if (missing !== undefined) throw usage(`${missing} is missing.`);
  const extra = positionals[places.length];
  if (extra !== undefined) throw usage(`\`${extra}\` is one argument too many.`);
  return { values, positionals };
}

function parse<const O extends Options>(args: readonly string[], options: O): Parsed<O> {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: true });
  } catch (error) {
    // Node's own sentence names the option; what follows its first full stop is advice for programmers.
    const [sentence = ""] = describe(error).message.split(". ");
    throw usage(`${sentence}.`);
  }
}
