import { AWK_COMMANDS } from "./awk.ts";
import { BUILTINS } from "./builtins.ts";
import { CLOUD_COMMANDS } from "./cloud.ts";
import { shown } from "./draft.ts";
import { FIND_COMMANDS } from "./find.ts";
import { GIT_COMMANDS } from "./git.ts";
import { HARM, runHarm } from "./harm.ts";
import { INTERPRETERS } from "./interpreters.ts";
import type { Handler, Leaf } from "./leaf.ts";
import { WRAPPERS_MAX } from "./limits.ts";
import { LISTINGS, runListing } from "./listing.ts";
import { PLAIN, runPlain } from "./plain.ts";
import { REMOTE_COMMANDS } from "./remote.ts";
import { SED_COMMANDS } from "./sed.ts";

import type { Files, Word } from "./word.ts";
import { TRANSFERS } from "./transfer.ts";
import { WRAPPERS } from "./wrappers.ts";

/** Commands that are read by their own rules. What these do not settle, the tables do. */
const SPECIAL: ReadonlyMap<string, Handler> = new Map([
  ...WRAPPERS,
  ...BUILTINS,
  ...FIND_COMMANDS,
  ...SED_COMMANDS,
  ...AWK_COMMANDS,
  ...GIT_COMMANDS,
  ...INTERPRETERS,
  ...REMOTE_COMMANDS,
  ...TRANSFERS,
  ...CLOUD_COMMANDS,
]);

/** Whether a name means a command that this classifier knows. */
export function isCommandKnown(name: string): boolean {
  return SPECIAL.has(name) || PLAIN.has(name) || LISTINGS.has(name) || HARM.has(name);
}

/** Folders whose programs are the system's own. */
const SYSTEM_FOLDER = /^\/(?:usr\/(?:local\/)?)?s?bin\/|^\/opt\/homebrew\/bin\//;
/** Commands for which `--help` is data, or that do their work whatever they are told. */
const NEVER_HELP =
  /^(?:init|telinit|halt|reboot|poweroff|shutdown|crontab|killall5|trap|eval|exec|source|\.|alias|builtin|coproc|let|enable|export|declare|read|[a-z]+sh)$/;

/** Classifies one command; its words include the head. */
export function runCommand(given: Leaf, words: readonly Word[]): Files | undefined {
  const { draft, span } = given;
  if (!draft.count()) return undefined;
  const [first] = words;
  if (first === undefined) return undefined;
  if (first.value === null) {
    draft.opaque("The command's name is only known when it runs.", span);
    draft.trait("dynamic_code", "The command's name is only known when it runs.", span);
    return lookInto(given);
  }
  if (first.disguised)
    draft.trait("obfuscated", `${shown(first.value)} is written so that it is hard to recognise.`, span);
  const head = SYSTEM_FOLDER.test(first.value) ? first.value.replace(/^.*\//, "") : first.value;
  draft.name("commands", head);
  const leaf: Leaf = { ...given, head };
  if (head.includes("/") || head === "") {
    draft.effect("execute", `It runs the program ${shown(head)}.`, span);
    draft.trait("program_execution", `It runs the program ${shown(head)}.`, span);
    draft.opaque(`${shown(head)} is not a program of the system.`, span);
    return lookInto(leaf);
  }
  const [only, more] = leaf.args;
  if (
    more === undefined &&
    /^--(?:help|version)$/.test(only?.value ?? "") &&
    isCommandKnown(head) &&
    !NEVER_HELP.test(head)
  ) {
    draft.effect("read", `${shown(head)} only explains itself.`, span);
    return undefined;
  }
  if (leaf.wrapped > WRAPPERS_MAX) {
    draft.opaque(`More than ${WRAPPERS_MAX} wrappers around one command.`, span);
    return undefined;
  }
  const done = SPECIAL.get(head)?.(leaf) ?? runPlain(leaf) ?? runListing(leaf) ?? runHarm(leaf);
  if (done !== null) return done.files;
  draft.opaque(
    isCommandKnown(head)
      ? `${shown(head)} is given words that are not known to be harmless.`
      : `${shown(head)} is not a command that is known.`,
    span,
  );
  return lookInto(leaf);
}

/** An unknown command may be a wrapper: what it would start counts as well, so that wrapping never makes it milder. */
function lookInto(leaf: Leaf): undefined {
  if (leaf.wrapped > WRAPPERS_MAX) return undefined;
  const inner = leaf.args.findIndex(({ value }) => {
    const name = value?.replace(SYSTEM_FOLDER, "") ?? "";
    return HARM.has(name) || name.startsWith("mkfs.") || SPECIAL.has(name);
  });
  if (inner >= 0) leaf.script.run(leaf, leaf.args.slice(inner));
  return undefined;
}
