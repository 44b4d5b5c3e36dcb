import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { Language, Parser } from "web-tree-sitter";
import type { Span } from "../../core/risk/index.ts";
import { runCommand } from "./command.ts";
import { Draft, shown } from "./draft.ts";
import type { ShellClassification } from "./embedded.ts";
import type { Leaf, ScriptContext } from "./leaf.ts";
import {
  HERE_DOCUMENTS_MAX,
  NESTED_SCRIPTS_MAX,
  PARSE_MS_MAX,
  PIPES_MAX,
  SCRIPT_CHARS_MAX,
  WORDS_MAX,
} from "./limits.ts";
import { Script } from "./script.ts";
import { copyTree } from "./tree.ts";
import type { Syntax } from "./tree.ts";
import { known } from "./word.ts";

/** Where the classified text stands in the question: an RFC 6901 pointer for the spans. */
export type ShellOptions = { readonly pointer?: string };

/** Classifies command lines. Synchronous, without side effect, and it never throws. */
export type ShellClassifier = {
  /** A text for bash, as `sh -c` would get it. */
  classifyScript(text: string, options?: ShellOptions): ShellClassification;
  /** Whether the parser's memory failed; then everything is opaque until a new process or worker has loaded another one. */
  isBroken(): boolean;
  /** An argv that is executed as it stands, without a shell: nothing in it expands. */
  classifyArgv(argv: readonly string[], options?: ShellOptions): ShellClassification;
};

const GRAMMAR = "tree-sitter-bash.wasm";
let loading: Promise<ShellClassifier> | undefined;

/** Loads the parser, once per process; throws when its files are missing. */
export function loadShell(): Promise<ShellClassifier> {
  loading ??= load();
  return loading;
}

async function load(): Promise<ShellClassifier> {
  await Parser.init();
  const parser = new Parser();
  parser.setLanguage(await Language.load(await grammarBytes()));
  let broken = false;
  const parse = (text: string): Parsed => {
    if (broken) return { wrong: "The parser has failed." };
    try {
      return parseWith(parser, text);
    } catch {
      // Its memory is one block that does not recover.
      broken = true;
      return { wrong: "The parser has failed." };
    }
  };
  return {
    isBroken: () => broken,
    classifyScript: (text, options = {}) => guarded(text.length, options, () => classifyScript(parse, text, options)),
    classifyArgv: (argv, options = {}) => guarded(argv.length, options, () => classifyArgv(parse, argv, options)),
  };
}

/** The built package carries the grammar beside this file; a clone has it in its dependencies. */
async function grammarBytes(): Promise<Uint8Array> {
  try {
    return await readFile(new URL(GRAMMAR, import.meta.url));
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "ENOENT")) throw cause;
    return readFile(createRequire(import.meta.url).resolve(`tree-sitter-bash/${GRAMMAR}`));
  }
}

type Parsed = { readonly root: Syntax } | { readonly wrong: string };

function parseWith(parser: Parser, text: string): Parsed {
  const until = performance.now() + PARSE_MS_MAX;
  const tree = parser.parse(text, null, { progressCallback: () => performance.now() > until });
  if (tree === null) {
    parser.reset();
    return { wrong: "It takes too long to parse." };
  }
  try {
    if (tree.rootNode.hasError) {
      const root = copyTree(tree.rootNode);
      return root === null
        ? { wrong: "It cannot be parsed as a script of bash." }
        : { root: { ...root, type: "ERROR" } };
    }
    const root = copyTree(tree.rootNode);
    return root === null ? { wrong: "It is too long or too deeply nested." } : { root };
  } finally {
    tree.delete();
  }
}

/** A defect of this classifier, or a stack that a hostile text used up, is a text that was not understood. */
function guarded(
  length: number,
  { pointer = "" }: ShellOptions,
  classify: () => ShellClassification,
): ShellClassification {
  try {
    return classify();
  } catch {
    const draft = new Draft();
    draft.opaque("The classifier failed on it.", { pointer, start: 0, end: length });
    return draft.finish({ pointer, start: 0, end: length });
  }
}

type Parse = (text: string) => Parsed;

function classifyScript(parse: Parse, text: string, { pointer = "" }: ShellOptions): ShellClassification {
  const whole = { pointer, start: 0, end: text.length };
  return inFolders(parse, whole, (at) => {
    runScript({ ...at, spanOf: (start, end) => ({ pointer, start, end }) }, text, whole);
  });
}

function classifyArgv(parse: Parse, argv: readonly string[], { pointer = "" }: ShellOptions): ShellClassification {
  const whole = { pointer, start: 0, end: argv.length };
  const length = argv.reduce((sum, word) => sum + word.length + 1, 0);
  return inFolders(parse, whole, (at) => {
    const { draft } = at;
    if (argv.length === 0 || argv.length > WORDS_MAX || length > SCRIPT_CHARS_MAX)
      draft.opaque("It has no words, or more than are looked at.", whole);
    else if (argv.some((word) => word.includes("\0"))) draft.opaque("A word holds a NUL.", whole);
    else {
      const words = argv.map((word) => known(word));
      const [head = "", place] = [argv[0], { span: whole, stdin: undefined, wrapped: 0, nested: 0 }];
      runCommand({ ...place, head, args: words.slice(1), draft, script: contextOf(at) }, words);
    }
  });
}

/**
 * Reads something once, and once more when it went into other folders: they count wherever they are entered, because loops
 * and functions go back.
 */
function inFolders(parse: Parse, whole: Span, run: (at: Nested) => void): ShellClassification {
  const folders = new Set<string | null>([""]);
  const place = { parse, folders, nested: 0, wrapped: 0, spanOf: (): Span => whole };
  const first = new Draft();
  run({ ...place, draft: first });
  if (folders.size === 1) return first.finish(whole);
  const second = new Draft();
  run({ ...place, draft: second });
  return second.finish(whole);
}

/** Where a script stands: what it adds to, and how deep it is nested. */
type Nested = {
  readonly parse: Parse;
  readonly draft: Draft;
  readonly folders: Set<string | null>;
  readonly nested: number;
  readonly wrapped: number;
  readonly spanOf: (start: number, end: number) => Span;
};

function runScript(at: Nested, text: string, whole: Span): void {
  const { draft, parse } = at;
  const wrong = refusal(text);
  if (wrong !== null) {
    draft.opaque(wrong, whole);
    return;
  }
  const parsed = parse(text);
  if ("wrong" in parsed) draft.opaque(parsed.wrong, whole);
  else
    new Script({
      text,
      root: parsed.root,
      draft,
      context: contextOf(at),
      spanOf: at.spanOf,
      wrapped: at.wrapped,
      nested: at.nested,
    }).walk();
}

/** What no script may hold, because shells, terminals and this parser would not agree on it. */
function refusal(text: string): string | null {
  if (text.length > SCRIPT_CHARS_MAX) return `It is longer than ${SCRIPT_CHARS_MAX} characters.`;
  if (text.includes("\0")) return "It holds a NUL, where some programs stop reading.";
  if (occurrences(text, "|", PIPES_MAX) || occurrences(text, "<<", HERE_DOCUMENTS_MAX)) {
    return "It holds more pipes or here-documents than are looked at.";
  }
  // eslint-disable-next-line no-control-regex -- control characters are what this looks for
  const control = /[\u0001-\u0008\u000b-\u001f\u007f]/.exec(text)?.[0];
  if (control !== undefined) return `It holds the control character ${shown(control)}.`;
  return /[\p{Cf}\p{Zl}\p{Zp}\u00a0\u2000-\u200a\u3000]/u.test(text) ? "It holds signs that cannot be seen." : null;
}

/** Whether a sign stands more often in a text than allowed. */
function occurrences(text: string, sign: string, max: number): boolean {
  let at = text.indexOf(sign);
  for (let count = 0; at >= 0; count += 1) {
    if (count >= max) return true;
    at = text.indexOf(sign, at + sign.length);
  }
  return false;
}

function contextOf(at: Nested): ScriptContext {
  return {
    folders: at.folders,
    run: (outer, words, stdin) => {
      const [head] = words;
      if (head === undefined) return undefined;
      const leaf: Leaf = { ...outer, head: head.value ?? "", args: words.slice(1), stdin, wrapped: outer.wrapped + 1 };
      return runCommand(leaf, words);
    },
    shell: (outer, text) => {
      const nested = outer.nested + 1;
      if (nested > NESTED_SCRIPTS_MAX || !outer.draft.spend(text.length)) {
        outer.draft.opaque(
          `More than ${NESTED_SCRIPTS_MAX} scripts within each other, or too much of them.`,
          outer.span,
        );
        return;
      }
      runScript({ ...at, nested, wrapped: outer.wrapped, spanOf: () => outer.span }, text, outer.span);
    },
  };
}
