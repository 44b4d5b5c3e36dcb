import { LOOKUPS_MAX, LOOKUP_DEPTH_MAX, LOOP_WORDS_MAX, VALUE_CHARS_MAX, VALUES_MAX } from "./limits.ts";
import { unescapeAnsi, unescapeQuoted, unescapeWord } from "./quoting.ts";
import type { Syntax } from "./tree.ts";
import type { Names } from "./variables.ts";
import { known, unknown } from "./word.ts";
import type { Files, Word } from "./word.ts";

/** What evaluation needs of the walk around it. */
export type Outside = {
  readonly text: string;
  readonly names: Names;
  /** Walks a substitution, once however often it is asked for, and says which files its output names. */
  readonly substitution: (node: Syntax) => Files | undefined;
  readonly problem: (reason: string, node: Syntax) => void;
  /** A variable of the environment that may hold a secret is used. */
  readonly leak: (name: string, node: Syntax) => void;
};

/** A part of a word. `text` is null when it is not known; then `splits` says whether it may become several words. */
type Piece = {
  readonly text: string | null;
  readonly quoted: boolean;
  readonly splits: boolean;
  readonly files?: Files | undefined;
  readonly leaks?: string | null;
  readonly fromSource: boolean;
};
/** What a variable may hold: `texts` are values it may have, and when `open` there may be others. */
type Value = {
  readonly texts: readonly string[];
  readonly open: boolean;
  readonly files?: Files | undefined;
  readonly leaks: string | null;
};

/** Variables of every environment that are no secret; the value is unknown unless given here. */
const PLAIN: ReadonlyMap<string, string | null> = new Map([
  ["HOME", "~"], ["PWD", "."], ["#", "1"], ["?", "1"], ["$", "1"], ["!", "1"], ["UID", "1"], ["EUID", "1"], ["PPID", "1"],
  ["RANDOM", "1"], ["SECONDS", "1"], ["LINENO", "1"], ["SHLVL", "1"], ["COLUMNS", "1"], ["LINES", "1"], ["BASHPID", "1"],
  ["EPOCHSECONDS", "1"], ["HISTSIZE", "1"], ["HISTFILESIZE", "1"], ["OPTIND", "1"], ["USER", null], ["LOGNAME", null],
  ["HOSTNAME", null], ["SHELL", null], ["PATH", null], ["LANG", null], ["TERM", null], ["OSTYPE", null], ["HOSTTYPE", null],
  ["MACHTYPE", null], ["BASH_VERSION", null], ["OLDPWD", null], ["TMPDIR", null], ["EDITOR", null], ["REPLY", null],
  ["OPTARG", null], ["BASH_SOURCE", null], ["FUNCNAME", null], ["PIPESTATUS", "1"], ["BASH", null], ["DISPLAY", null],
  ["TZ", null], ["@", null], ["*", null], ["-", null], ["_", null], ["IFS", null], ["BASHOPTS", null],
]); // prettier-ignore
const SECRET_VARIABLE = /pass|secret|token|key|cred|auth|dsn|url|uri|proxy|session|cookie|npm_config|private|jwt|pwd/i;
/** A substitution whose output is the one plain word that `echo` is given: `$(echo ls)`. */
const ECHOED = /^(?:\$\(|`)[ \t]*echo[ \t]+(\w[\w./:,+-]*)[ \t]*[`)]$/;
const PLAIN_EXPANSION =
  /^\$\{(#?)([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-])(\[(?:[@*]|[0-9]+)\])?(?:(:?[-+?=]|##?|%%?|\/[/#%]?|\^\^?|,,?|:\s?\d+(?::\d+)?(?=\}))[\s\S]*)?\}$/;

/** Evaluates words of one script. Bounded: it never looks further than the limits, and then the value is unknown. */
export class Evaluator {
  readonly #outside: Outside;
  readonly #pending = new Set<string>();
  #lookups = 0;

  constructor(outside: Outside) {
    this.#outside = outside;
  }

  /** What a word may become: one word, or one for each value that its variables are known to have. */
  word(node: Syntax): readonly Word[] {
    let all: Piece[][] = [[]];
    for (const alternatives of this.#pieces(node, false)) {
      const [only] = alternatives;
      if (alternatives.length === 1 && only !== undefined) {
        for (const pieces of all) pieces.push(only);
        continue;
      }
      if (all.length * alternatives.length > VALUES_MAX) {
        const files = undefined;
        all = all.map((pieces) => [...pieces, { text: null, quoted: false, splits: true, files, fromSource: false }]);
      } else all = all.flatMap((pieces) => alternatives.map((piece) => [...pieces, piece]));
    }
    return all.map((pieces) => assemble(pieces, node));
  }

  /** Walks whatever runs within a node that is not evaluated. */
  nested(node: Syntax): void {
    if (node.type === "command_substitution" || node.type === "process_substitution") this.#outside.substitution(node);
    else if (node.type === "arithmetic_expansion") this.arithmetic(node);
    else if (node.type === "expansion") this.#expansion(node);
    else if (node.type === "string") this.#string(node);
    else if (node.type === "simple_expansion") this.#leak(this.#text(node).slice(1), node);
    else for (const child of node.children) this.nested(child);
  }

  /** A variable within something whose value is not followed is as good as printed. */
  #leak(name: string, node: Syntax): void {
    const { leaks } = this.#lookup(name, node.start);
    if (leaks !== null) this.#outside.leak(leaks, node);
  }

  /** Arithmetic runs commands that hide in the values of its names, so that all of them must be numbers. */
  arithmetic(node: Syntax): void {
    for (const child of node.children) {
      if (child.type === "variable_name" || child.type === "word") {
        const name = this.#text(child);
        if (!/^-?\d+$/.test(name) && !this.isNumber(name, child.start))
          this.#outside.problem("It computes with a value that may itself be code.", child);
      } else if (child.type === "simple_expansion" || child.type === "expansion") {
        if (this.word(child).some(({ value }) => value === null || !/^-?\d*$/.test(value))) {
          this.#outside.problem("It computes with a value that may itself be code.", child);
        }
      } else if (child.type === "command_substitution" || child.type === "string" || child.type === "subscript") {
        this.nested(child);
        this.#outside.problem("It computes with a value that may itself be code.", child);
      } else this.arithmetic(child);
    }
  }

  /** Whether a variable certainly holds a number. */
  isNumber(name: string, at: number): boolean {
    const { texts, open } = this.#lookup(name, at);
    return !open && texts.every((text) => /^-?\d+$/.test(text));
  }

  /** Text between quotes or in a here-document, with its expansions taken care of. */
  #string(node: Syntax): readonly (readonly Piece[])[] {
    const source = this.#outside.text;
    const pieces: (readonly Piece[])[] = [];
    let at = node.start + 1;
    const literal = (end: number): void => {
      const text = unescapeQuoted(source.slice(at, end));
      if (text === null) this.#outside.problem("Quotes that shells may read differently.", node);
      if (text !== "") pieces.push([{ text, quoted: true, splits: false, fromSource: true }]);
    };
    for (const child of node.children) {
      if (child.type === "string_content" || child.type === '"') continue;
      literal(child.start);
      pieces.push(...this.#pieces(child, true));
      at = child.end;
    }
    literal(node.end - 1);
    return pieces.length > 0 ? pieces : [[{ text: "", quoted: true, splits: false, fromSource: true }]];
  }

  #pieces(node: Syntax, quoted: boolean): readonly (readonly Piece[])[] {
    switch (node.type) {
      case "word":
      case "number":
      case "variable_name":
      case "special_variable_name":
      case "test_operator":
        if (node.children.length > 0) return this.#opaque(node);
        return this.#plain(node);
      case "raw_string": {
        const text = this.#text(node).slice(1, -1);
        return text.includes("'") ? this.#opaque(node) : [[{ text, quoted: true, splits: false, fromSource: true }]];
      }
      case "string":
        return this.#string(node);
      case "ansi_c_string": {
        const read = unescapeAnsi(this.#text(node).slice(2, -1));
        if (read === null) return this.#opaque(node);
        const text: Piece = { text: read.text, quoted: true, splits: false, fromSource: true };
        // A number for a letter counts as a quote within the word, which `assemble` takes for a disguise.
        return read.disguised ? [[text], [{ text: "", quoted: true, splits: false, fromSource: true }]] : [[text]];
      }
      case "concatenation":
        return node.children.flatMap((child) => this.#pieces(child, quoted));
      case "simple_expansion":
        return [this.#variable(this.#text(node).slice(1), node.start, quoted)];
      case "expansion":
        return [this.#expansion(node, quoted)];
      case "command_substitution": {
        if (/^(?:\$\(pwd\)|`pwd`)$/.test(this.#text(node)))
          return [[{ text: ".", quoted, splits: false, fromSource: false }]];
        const files = this.#outside.substitution(node);
        const said = ECHOED.exec(this.#text(node))?.[1];
        if (said !== undefined && !this.#outside.names.shadowed.has("echo"))
          return [[{ text: said, quoted, splits: false, fromSource: false }]];
        return [[{ text: null, quoted, splits: !quoted, files, fromSource: false }]];
      }
      case "process_substitution":
        this.#outside.substitution(node);
        return [[{ text: "/dev/fd/63", quoted: true, splits: false, fromSource: false }]];
      case "arithmetic_expansion":
        this.arithmetic(node);
        return [[{ text: "1", quoted, splits: false, fromSource: false }]];
      case "brace_expression":
        if (/^\{\d+\.\.\d+\}$/.test(this.#text(node)))
          return [[{ text: "1", quoted: true, splits: false, fromSource: false }]];
        return [[{ text: null, quoted, splits: true, fromSource: false }]];
      default:
        // Patterns and whatever else the parser knows: nothing is known of their value.
        this.nested(node);
        return [[{ text: null, quoted, splits: !quoted, fromSource: false }]];
    }
  }

  #plain(node: Syntax): readonly (readonly Piece[])[] {
    const source = this.#text(node);
    const pieces = source.startsWith("#") ? null : unescapeWord(source);
    if (pieces === null) return this.#opaque(node);
    return pieces.map(([text, escaped]) => [{ text, quoted: escaped, splits: false, fromSource: true }]);
  }

  #opaque(node: Syntax): readonly (readonly Piece[])[] {
    this.#outside.problem("Quotes or signs that shells may read differently.", node);
    this.nested({ ...node, type: "" });
    return [[{ text: null, quoted: false, splits: true, fromSource: false }]];
  }

  #expansion(node: Syntax, quoted = true): readonly Piece[] {
    const source = this.#text(node);
    const match = PLAIN_EXPANSION.exec(source);
    if (match === null) this.#outside.problem("An expansion that may run code or show another variable.", node);
    for (const child of node.children) this.nested(child);
    const [, length, name = "", index, operator] = match ?? [];
    if (length === "#" && match !== null) return [{ text: "1", quoted, splits: false, fromSource: false }];
    const found = this.#variable(name, node.start, quoted);
    if (match !== null && index === undefined && operator === undefined) return found;
    const leaks = found.map((piece) => piece.leaks ?? null).find((leak) => leak !== null) ?? null;
    return [{ text: null, quoted, splits: !quoted, leaks, fromSource: false }];
  }

  #variable(name: string, at: number, quoted: boolean): readonly Piece[] {
    const { texts, open, files, leaks } = this.#lookup(name, at);
    const pieces: Piece[] = texts.map((text) => {
      return { text, quoted, splits: !quoted && /[\s]|^$/.test(text), fromSource: false };
    });
    // "$@" becomes as many words as there are, quoted or not.
    const other = { text: null, quoted, splits: !quoted || name === "@", files, leaks, fromSource: false };
    return open ? [other, ...pieces] : pieces;
  }

  #lookup(name: string, at: number): Value {
    const bindings = this.#outside.names.bindings.get(name);
    this.#lookups += 1;
    if (this.#lookups > LOOKUPS_MAX || this.#pending.size >= LOOKUP_DEPTH_MAX || this.#pending.has(name)) {
      return { texts: [], open: true, leaks: null };
    }
    if (bindings === undefined) return fromEnvironment(name, true);
    const holds = bindings.some(({ from, to }) => from <= at && at <= to);
    const before = holds ? null : fromEnvironment(name, false);
    this.#pending.add(name);
    const texts = new Set<string>();
    let leaks: string | null = before?.leaks ?? null;
    let files: Files | undefined;
    let isKnown = holds;
    for (const binding of bindings) {
      if (binding.numeric) texts.add("1");
      if ((binding.values?.length ?? 0) > LOOP_WORDS_MAX) isKnown = false;
      for (const node of binding.values?.slice(0, LOOP_WORDS_MAX) ?? []) {
        for (const word of node.type === "variable_assignment" ? [known("")] : this.word(node)) {
          if (word.value === null || word.value.length > VALUE_CHARS_MAX) isKnown = false;
          else texts.add(word.value);
          files = bindings.length === 1 ? word.files : undefined;
          // The one that says most.
          if (word.leaks !== null && (leaks === null || isSecretVariable(word.leaks))) leaks = word.leaks;
        }
      }
      if (binding.values === null) isKnown = false;
    }
    this.#pending.delete(name);
    const few = texts.size < VALUES_MAX;
    return { texts: few ? [...texts] : [], open: !isKnown || !few, files: holds ? files : undefined, leaks };
  }

  #text(node: Syntax): string {
    return this.#outside.text.slice(node.start, node.end);
  }
}

/** A variable that the script has not certainly set itself. */
function fromEnvironment(name: string, isFree: boolean): Value {
  const plain = PLAIN.get(name);
  if (plain !== undefined)
    return { texts: plain === null ? [] : [plain], open: !isFree || plain === null, leaks: null };
  // By custom, the environment's names are in capitals; the rest are the script's own, or its arguments.
  const leaks = /^[A-Z][A-Z0-9_]*$/.test(name) || SECRET_VARIABLE.test(name) ? name : null;
  return { texts: [], open: true, leaks };
}

/** Whether reading a variable of this name by itself says that a secret is wanted. */
export function isSecretVariable(name: string): boolean {
  return SECRET_VARIABLE.test(name);
}

function assemble(pieces: readonly Piece[], node: Syntax): Word {
  let value = "";
  let prefix: string | null = null;
  let wild = -1;
  let braces = false;
  let splits = false;
  let holes = 0;
  for (const { text, quoted, splits: several, fromSource } of pieces) {
    splits ||= several;
    if (text === null || several) {
      prefix ??= value;
      holes += 1;
      continue;
    }
    if (!quoted && /[*?[]/.test(text) && wild < 0) wild = value.length + text.search(/[*?[]/);
    if (!quoted && fromSource && text.includes("{")) braces = true;
    value += text;
  }
  const leaks = pieces.map((piece) => piece.leaks ?? null).find((leak) => leak !== null) ?? null;
  const base = { files: pieces.length === 1 ? pieces[0]?.files : undefined, leaks, start: node.start, end: node.end };
  // `{}` is no brace expansion; any other brace with a comma or two dots behind it may be: `{a{b},c}` is `a{b} c`.
  if (braces && mayBranch(value.replaceAll("{}", ""))) {
    return { ...unknown(value.slice(0, value.indexOf("{")), true, base), leaks };
  }
  const disguised =
    pieces.length > (isBareEscape(pieces, node) ? 2 : 1) &&
    pieces.every((piece) => piece.fromSource) &&
    pieces.some((piece) => piece.quoted);
  if (holes > 0)
    return { ...base, value: null, prefix: prefix ?? "", splits: splits || wild >= 0, pattern: null, disguised: false };
  if (wild >= 0) return { ...base, value: null, prefix: value.slice(0, wild), splits: true, pattern: value, disguised };
  return { ...base, value, prefix: value, splits: false, pattern: null, disguised };
}

/** Whether a comma or two dots stand behind an opening brace. */
function mayBranch(value: string): boolean {
  const open = value.indexOf("{");
  return open >= 0 && /,|\.\./.test(value.slice(open));
}

/** `\\name` keeps an alias from being used, and hides nothing. */
function isBareEscape([first, second]: readonly Piece[], node: Syntax): boolean {
  return node.type === "word" && first?.quoted === true && first.text?.length === 1 && second?.quoted === false;
}
