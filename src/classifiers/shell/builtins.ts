import { shown } from "./draft.ts";
import { grammar, readArguments } from "./grammar.ts";
import { DONE } from "./leaf.ts";
import type { Done, Handler, Leaf } from "./leaf.ts";
import { assign, declare } from "./assign.ts";
import { FOLDERS_MAX } from "./limits.ts";
import { normalPath } from "./paths.ts";
import { revealed } from "./touch.ts";
import { isOperand } from "./word.ts";

/** Commands of the shell itself, and small ones whose words need a look of their own. */
export const BUILTINS: readonly (readonly [string, Handler])[] = [
  ["echo", print],
  ["printf", printf],
  ["test", test],
  ["[", test],
  ["cd", changeFolder],
  ["pushd", changeFolder],
  ["popd", changeFolder],
  ["read", read],
  ["mapfile", readLines],
  ["readarray", readLines],
  ["set", set],
  ["shopt", shopt],
  ["hash", hash],
  ["history", history],
  ["eval", evaluateText],
  ["trap", trap],
  ["alias", alias],
  ["man", manual],
  ["info", manual],
  ["help", manual],
  ["export", declared],
  ["declare", declared],
  ["typeset", declared],
  ["local", declared],
  ["readonly", declared],
  ["unset", declared],
  ["printenv", printEnvironment],
];

const reads = (leaf: Leaf, because: string): Done => {
  leaf.draft.effect("read", because, leaf.span);
  return DONE;
};

function print(leaf: Leaf): Done {
  return reads(leaf, "`echo` prints its words.");
}

function printf(leaf: Leaf): Done {
  const [first, second] = leaf.args;
  reads(leaf, "`printf` prints its words.");
  if (first?.value === "-v" || first?.value?.startsWith("-v") === true) {
    const name = first.value === "-v" ? second?.value : first.value.slice(2);
    if (name == null || !/^\w+$/.test(name))
      leaf.draft.opaque("`printf` sets a variable that is not known.", leaf.span);
    else assign(leaf.draft, leaf.span, name, "alone");
  } else if (first !== undefined && first.value === null && !isOperand(first)) {
    leaf.draft.opaque("`printf` is given a word that may set a variable.", leaf.span);
  }
  return DONE;
}

/** With more than one unknown word among many, nobody knows which is the operator. */
function test(leaf: Leaf): Done {
  const unknowns = leaf.args.filter(({ value }) => value === null);
  const several =
    unknowns.some(({ splits }) => splits) || (unknowns.length > 1 && leaf.args.length > (leaf.head === "[" ? 4 : 3));
  const code = leaf.args.some(({ value }) => value !== null && /[$`]/.test(value.slice(value.indexOf("[") >>> 0)));
  if (several || code) leaf.draft.opaque("It tests words that may themselves be code.", leaf.span);
  return reads(leaf, "It tests a condition.");
}

function changeFolder(leaf: Leaf): Done {
  const { script, args, head } = leaf;
  const { folders } = script;
  reads(leaf, `${shown(head)} changes the folder.`);
  const target = args.filter(({ value }) => value === null || !/^-[LPe@n]+$/.test(value));
  const [first, more] = target;
  if (first === undefined && head === "cd") folders.add("~");
  else if (first?.value == null || more !== undefined || /^[-+]/.test(first.value) || head === "popd")
    folders.add(null);
  else {
    // A copy, because what is added here is not where it goes on from.
    const before = Array.from(folders);
    for (const folder of before) {
      if (folders.size >= FOLDERS_MAX) folders.add(null);
      else if (folder !== null) folders.add(normalPath(first.value, folder));
    }
  }
  return DONE;
}

const READ_FLAGS = /^-(?:[ers]+|[ers]*[dinNptu])$/;

function read(leaf: Leaf): Done {
  const { draft, span, args } = leaf;
  let takes = false;
  for (const { value } of args) {
    if (takes) takes = false;
    else if (value === null) draft.opaque("`read` sets a variable that is not known.", span);
    else if (value.startsWith("-")) {
      if (/^-[ers]*a$/.test(value)) continue;
      if (!READ_FLAGS.test(value) && !/^-[tnNdu]\S+$/.test(value))
        draft.opaque(`${shown(`read ${value}`)} is not understood.`, span);
      takes = /[dinNptu]$/.test(value) && !/^-[tnNdu]\S+$/.test(value);
    } else if (/^\w+$/.test(value)) assign(draft, span, value, "alone");
    else draft.opaque(`${shown(`read ${value}`)} is not understood.`, span);
  }
  return reads(leaf, "`read` keeps a line of its input.");
}

const LINES = grammar("-t -d: -n: -O: -s:");

/** Lines of the input, kept as values. `-C` would run a text for each, and `-u` reads what nobody knows. */
function readLines(leaf: Leaf): Done | null {
  const { operands, problem } = readArguments(LINES, leaf.args);
  const [name, more] = operands;
  if (problem !== null || more !== undefined || name?.value === null) return null;
  if (name !== undefined && !/^\w+$/.test(name.value)) return null;
  assign(leaf.draft, leaf.span, name?.value ?? "MAPFILE", "alone");
  return reads(leaf, `${shown(leaf.head)} keeps lines of its input.`);
}

/** Options of the shell that make it stricter or more talkative, and no more. */
function set(leaf: Leaf): Done {
  const { args, draft, span } = leaf;
  if (args.length === 0) {
    revealed(leaf, "`set` shows all variables, where secrets are kept.");
    return DONE;
  }
  const plain = args.every(({ value }, place) => {
    const before = args[place - 1]?.value ?? "";
    if (value === null) return false;
    if (/^[-+][euxnvCf]*o$/.test(before))
      return /^(?:pipefail|errexit|nounset|xtrace|noglob|noclobber|verbose|nolog)$/.test(value);
    return /^[-+][euxvCEfbh]*o?$/.test(value);
  });
  if (args.some(({ value }) => value !== null && /history/.test(value)))
    draft.trait("defence_evasion", "It stops the history.", span);
  if (!plain) draft.opaque("`set` changes the shell in a way that is not known to be harmless.", span);
  return reads(leaf, "`set` changes options of the shell.");
}

function shopt(leaf: Leaf): Done {
  const names = leaf.args.filter(({ value }) => value === null || !value.startsWith("-"));
  const sets = leaf.args.some(({ value }) => value === null || /^-[a-z]*[su]/.test(value));
  const plain = names.every(
    ({ value }) =>
      value !== null &&
      /^(?:globstar|checkwinsize|histappend|cmdhist|failglob|nocasematch|huponexit|inherit_errexit|pipefail)$/.test(
        value,
      ),
  );
  if (sets && !plain) leaf.draft.opaque("`shopt` changes what later words mean.", leaf.span);
  return reads(leaf, "`shopt` looks at or changes options of the shell.");
}

function hash(leaf: Leaf): Done | null {
  return leaf.args.every(({ value }) => value !== null && (/^-[rtdl]+$/.test(value) || /^[\w.+-]+$/.test(value))) &&
    !leaf.args.some(({ value }) => value?.includes("p") === true && value.startsWith("-"))
    ? reads(leaf, "`hash` remembers where programs are.")
    : null;
}

function history(leaf: Leaf): Done | null {
  const [first, more] = leaf.args;
  const lists = more === undefined && (first === undefined || (first.value !== null && /^\d+$/.test(first.value)));
  return lists ? reads(leaf, "`history` lists what was typed.") : null;
}

function printEnvironment(leaf: Leaf): Done | null {
  const plain =
    /^(?:HOME|PWD|PATH|USER|LOGNAME|SHELL|LANG|LC_[A-Z]+|TERM|TZ|HOSTNAME|EDITOR|PAGER|TMPDIR|DISPLAY|SHLVL)$/;
  return leaf.args.length > 0 && leaf.args.every(({ value }) => value !== null && plain.test(value))
    ? reads(leaf, "`printenv` shows plain settings.")
    : null;
}

/** Text that becomes code only now: what it would do counts, and it stays opaque. */
function evaluateText(leaf: Leaf): null {
  runText(
    leaf,
    leaf.args.map(({ value }) => value),
  );
  return null;
}

function trap(leaf: Leaf): null {
  runText(
    leaf,
    leaf.args.slice(0, 1).map(({ value }) => value),
  );
  return null;
}

function alias(leaf: Leaf): null {
  for (const { value } of leaf.args)
    if (value?.includes("=") === true) runText(leaf, [value.slice(value.indexOf("=") + 1)]);
  return null;
}

function runText(leaf: Leaf, words: readonly (string | null)[]): void {
  if (words.length > 0 && words.every((word) => word !== null)) leaf.script.shell(leaf, words.join(" "));
}

function manual(leaf: Leaf): Done | null {
  const plain = leaf.args.every(
    ({ value }) => value !== null && /^(?:-[kfwasd]+|[\w.+:[\]-]+)$/.test(value) && !/^-.*[PpHCB]/.test(value),
  );
  return plain ? reads(leaf, `${shown(leaf.head)} shows a manual.`) : null;
}

function declared(leaf: Leaf): Done {
  declare(leaf, 0);
  return DONE;
}
