import type { Span } from "../../core/risk/index.ts";
import { lastCommand, REDIRECTS, SEQUENCES, SIGNS, WORDS } from "./constructs.ts";
import { isCommandKnown, runCommand } from "./command.ts";
import { shown } from "./draft.ts";
import type { Draft } from "./draft.ts";
import { Evaluator, isSecretVariable } from "./evaluate.ts";
import type { Leaf, ScriptContext } from "./leaf.ts";
import { VALUES_MAX, WORDS_MAX } from "./limits.ts";
import { unescapeQuoted } from "./quoting.ts";
import { assign, declare } from "./assign.ts";
import { readContent, writeFile } from "./touch.ts";
import { misread } from "./tree.ts";
import type { Syntax } from "./tree.ts";
import { namesOf } from "./variables.ts";
import type { Names } from "./variables.ts";
import { known } from "./word.ts";
import type { Files, Word } from "./word.ts";

export type ScriptInput = {
  readonly text: string;
  readonly root: Syntax;
  readonly draft: Draft;
  readonly context: ScriptContext;
  /** Where offsets of the text stand; a nested script has only the place of the whole. */
  readonly spanOf: (start: number, end: number) => Span;
  /** The command that holds this script, and the wrappers around it. */
  readonly wrapped: number;
  readonly nested: number;
};

/** Walks one script and adds all that it may run to the draft. */
export class Script {
  readonly #input: ScriptInput;
  readonly #names: Names;
  readonly #evaluator: Evaluator;
  readonly #substituted = new Map<Syntax, { files: Files | undefined }>();
  readonly #behind = new Map<Syntax, readonly (readonly Word[])[]>();
  readonly #functionsWithin: string[] = [];

  constructor(input: ScriptInput) {
    this.#input = input;
    this.#names = namesOf(input.text, input.root);
    this.#evaluator = new Evaluator({
      text: input.text,
      names: this.#names,
      substitution: (node) => this.#substitution(node),
      problem: (reason, node) => this.#opaque(reason, node),
      leak: (name, node) => this.#leak(name, node),
    });
  }

  walk(): void {
    const { text, root } = this.#input;
    const wrong = misread(text, root);
    if (wrong !== null) this.#opaque(`The text ${shown(wrong)} is not where a shell would skip it.`, root);
    this.#visit(root, undefined);
  }

  #visit(node: Syntax, stdin: Files | undefined): Files | undefined {
    switch (node.type) {
      case "command":
      case "test_command":
      case "redirected_statement":
        return this.#command(node, stdin);
      case "pipeline": {
        let files = stdin;
        for (const child of node.children) if (!/^\|&?$/.test(child.type)) files = this.#visit(child, files);
        return files;
      }
      case "variable_assignment":
        this.#assignment(node, "alone");
        return undefined;
      case "variable_assignments":
        for (const child of node.children) this.#visit(child, undefined);
        return undefined;
      case "declaration_command":
      case "unset_command":
        this.#declaration(node);
        return undefined;
      case "for_statement":
      case "case_statement":
        for (const child of node.children) {
          if (WORDS.has(child.type)) this.#words(child);
          else this.#visit(child, stdin);
        }
        return undefined;
      case "c_style_for_statement":
        for (const child of node.children) {
          if (child.type === "do_group" || child.type === "compound_statement") this.#visit(child, stdin);
          else if (child.type !== "variable_assignment")
            this.#evaluator.arithmetic(node.children.length > 0 ? { ...child, children: [child] } : child);
          else for (const value of child.children.slice(2)) this.#evaluator.arithmetic({ ...value, children: [value] });
        }
        return undefined;
      case "function_definition":
        this.#function(node);
        return undefined;
      case "comment":
      case "variable_name":
        return undefined;
      default:
        return this.#sequence(node, stdin);
    }
  }

  #sequence(node: Syntax, stdin: Files | undefined): Files | undefined {
    if (node.type === "compound_statement" && node.children[0]?.type === "((") {
      this.#evaluator.arithmetic(node);
      return undefined;
    }
    if (node.type === "ERROR") this.#opaque("It cannot be parsed as a script of bash.", node);
    else if (node.children.length > 0 && !SEQUENCES.has(node.type)) {
      this.#opaque(`A construct that is not understood: ${node.type}.`, node);
    } else if (node.children.length === 0 && !SIGNS.test(node.type)) {
      this.#opaque(`A construct that is not understood: ${shown(node.type)}.`, node);
    }
    let files: Files | undefined;
    for (const child of node.children) {
      if (REDIRECTS.has(child.type)) this.#redirect(child);
      else if (WORDS.has(child.type)) this.#words(child);
      else files = this.#visit(child, stdin) ?? files;
    }
    return files;
  }

  /** A command with everything that stands around it: assignments before, redirections before, within and behind. */
  #command(node: Syntax, stdin: Files | undefined): Files | undefined {
    const [body, ...rest] = node.type === "redirected_statement" ? node.children : [node];
    if (body === undefined) return undefined;
    if (REDIRECTS.has(body.type)) {
      for (const child of node.children) for (const word of this.#redirect(child)) this.#start([word], node, stdin);
      return undefined;
    }
    const behind = rest.flatMap((child) => (REDIRECTS.has(child.type) ? this.#redirect(child) : []));
    for (const child of rest) if (!REDIRECTS.has(child.type)) this.#visit(child, stdin);
    if (body.type !== "command") {
      // `a && b > f c`: what stands behind the target belongs to the last command, wherever the parser puts it.
      const last = lastCommand(body);
      if (behind.length > 0 && last === null)
        this.#opaque("Words behind a redirection that belong to no command.", node);
      else if (last !== null) this.#behind.set(last, [...(this.#behind.get(last) ?? []), ...behind]);
      if (body.type === "test_command") this.#test(body);
      else return this.#visit(body, stdin);
      return undefined;
    }
    const words: (readonly Word[])[] = [];
    const set: Syntax[] = [];
    let end = -1;
    for (const child of body.children) {
      if (child.type === "variable_assignment") set.push(child);
      else if (REDIRECTS.has(child.type)) words.push(...this.#redirect(child));
      else if (child.type === "command_name") words.push(this.#words(child.children[0] ?? child));
      else if (child.type === "==" || child.type === "=~") words.push([known(child.type)]);
      else if (WORDS.has(child.type)) words.push(this.#words(child));
      else if (child.type === "$") this.#opaque("A dollar sign that shells may read differently.", child);
      else if (child.type !== "comment") this.#visit(child, stdin);
      if (child.start === end) this.#opaque("Words that only this parser keeps apart.", child);
      end = REDIRECTS.has(child.type) ? -1 : child.end;
    }
    return this.#start([...words, ...behind, ...(this.#behind.get(body) ?? [])], node, stdin, set);
  }

  /** Runs a command once for every value that its words are known to have. */
  #start(
    words: readonly (readonly Word[])[],
    node: Syntax,
    stdin: Files | undefined,
    set: readonly Syntax[] = [],
  ): Files | undefined {
    const heads = words[0]?.map(({ value }) => value) ?? [];
    for (const child of set) this.#assignment(child, words.length === 0 ? "alone" : (heads[0] ?? ""));
    if (words.length === 0) return undefined;
    let all: Word[][] = [[]];
    if (words.length > WORDS_MAX) this.#opaque(`A command of more than ${WORDS_MAX} words.`, node);
    for (const alternatives of words.slice(0, WORDS_MAX)) {
      const [only] = alternatives;
      const isTooMuch = all.length * alternatives.length > VALUES_MAX;
      if (isTooMuch) this.#opaque("Its words may have more values than are looked at.", node);
      if (only !== undefined && (alternatives.length === 1 || isTooMuch)) for (const made of all) made.push(only);
      else all = all.flatMap((made) => alternatives.map((word) => [...made, word]));
    }
    let files: Files | undefined;
    for (const made of all) {
      for (const { leaks } of made) if (leaks !== null) this.#leak(leaks, node);
      const [head] = made;
      const defined = head?.value === null || head === undefined ? undefined : this.#names.functions.get(head.value);
      if (head?.value !== undefined && head.value !== null && this.#functionsWithin.includes(head.value))
        this.#recursion(node, head.value);
      // A function that is certainly defined here was walked where it stands.
      else if (defined !== undefined && defined <= node.start) this.#input.draft.count();
      else files = runCommand(this.#leaf(made, node, stdin), made);
    }
    return files;
  }

  #leaf(words: readonly Word[], node: Syntax, stdin: Files | undefined): Leaf {
    const { draft, context, spanOf, wrapped, nested } = this.#input;
    const head = words[0]?.value ?? "";
    return {
      head,
      args: words.slice(1),
      span: spanOf(node.start, node.end),
      stdin,
      draft,
      script: context,
      wrapped,
      nested,
    };
  }

  #recursion(node: Syntax, name: string): void {
    this.#opaque(`${shown(name)} calls itself.`, node);
    this.#input.draft.trait("availability", `${shown(name)} calls itself, perhaps without end.`, this.#span(node));
  }

  #function(node: Syntax): void {
    const called = node.children.find((child) => child.type === "word");
    const name = called === undefined ? "" : this.#input.text.slice(called.start, called.end);
    if (isCommandKnown(name)) {
      this.#opaque(`It defines ${shown(name)} anew.`, node);
      this.#input.draft.trait("code_injection", `It changes what ${shown(name)} means.`, this.#span(node));
    }
    this.#functionsWithin.push(name);
    for (const child of node.children) {
      if (REDIRECTS.has(child.type)) this.#redirect(child);
      else if (child !== called) this.#visit(child, undefined);
    }
    this.#functionsWithin.pop();
  }

  /** A redirection; returns the words behind its target, which belong to the command. */
  #redirect(node: Syntax): (readonly Word[])[] {
    if (node.type === "heredoc_redirect") return this.#hereDocument(node);
    const words = node.children.filter((child) => WORDS.has(child.type)).map((child) => this.#words(child));
    const [target, ...behind] = words;
    for (const child of node.children) if (child.type === "ERROR") this.#visit(child, undefined);
    if (target === undefined) return behind;
    const operator = node.children.find((child) => /[<>]/.test(child.type))?.type ?? "";
    for (const word of target) {
      const leaf = this.#leaf([known("redirection")], node, undefined);
      if (word.leaks !== null) this.#leak(word.leaks, node);
      const { value } = word;
      if (node.type === "herestring_redirect") continue;
      if (/^[<>]&$/.test(operator) && value !== null && /^(?:\d+-?|-)$/.test(value)) continue;
      if (value !== null && /^\/dev\/(?:tcp|udp)\//.test(value)) writeFile(leaf, word);
      if (operator.startsWith("<")) readContent(leaf, word);
      // `<&` with a word is a descriptor of unknown kind, `<>` opens for both.
      if (operator !== "<") writeFile(leaf, word);
    }
    return behind;
  }

  #hereDocument(node: Syntax): (readonly Word[])[] {
    const { text } = this.#input;
    const start = node.children.find((child) => child.type === "heredoc_start");
    const body = node.children.find((child) => child.type === "heredoc_body");
    const behind: (readonly Word[])[] = [];
    for (const child of node.children) {
      if (WORDS.has(child.type)) behind.push(this.#words(child));
      else if (REDIRECTS.has(child.type)) behind.push(...this.#redirect(child));
      else if (child.children.length > 0 && child !== body && child !== start) this.#visit(child, undefined);
    }
    if (start === undefined || body === undefined) return behind;
    const written = text.slice(start.start, start.end);
    const delimiter = written.replace(/[\\'"]/g, "");
    const lines = text.slice(body.start, body.end).split("\n");
    if (lines.some((line) => line.replace(/^\t+/, "") === delimiter))
      this.#opaque("A here-document that ends twice.", node);
    if (written !== delimiter) return behind;
    let at = body.start;
    for (const child of [...body.children, null]) {
      if (child?.type === "heredoc_content") continue;
      const end = child?.start ?? body.end;
      if (unescapeQuoted(text.slice(at, end), false) === null)
        this.#opaque("A here-document with commands that the parser does not see.", node);
      if (child === null) break;
      for (const word of this.#words(child)) if (word.leaks !== null) this.#leak(word.leaks, child);
      at = child.end;
    }
    return behind;
  }

  /** `[ … ]` and `[[ … ]]`: harmless, but for what runs within their words and for numbers that are code. */
  #test(node: Syntax): void {
    const { draft, text } = this.#input;
    const double = node.children[0]?.type === "[[";
    if (node.children[0]?.type === "((") {
      this.#evaluator.arithmetic(node);
      return;
    }
    draft.count();
    const visit = (part: Syntax): void => {
      const operator = part.children.find((child) => child.type === "test_operator");
      const sign = operator === undefined ? "" : text.slice(operator.start, operator.end);
      for (const child of part.children) {
        if (!WORDS.has(child.type)) {
          if (child.type === "ERROR") this.#visit(child, undefined);
          else visit(child);
          continue;
        }
        for (const word of this.#words(child)) this.#operand(word, child, { double, sign });
      }
    };
    visit(node);
    draft.effect("read", "It tests a condition.", this.#span(node));
  }

  #operand(word: Word, node: Syntax, { double, sign }: { double: boolean; sign: string }): void {
    if (word.leaks !== null && isSecretVariable(word.leaks) && !/^-[nz]$/.test(sign)) this.#leak(word.leaks, node);
    const computes = double && /^-(?:eq|ne|lt|le|gt|ge)$/.test(sign);
    if (
      computes &&
      !(word.value !== null && (/^-?\d*$/.test(word.value) || this.#evaluator.isNumber(word.value, node.start)))
    ) {
      this.#opaque("It compares numbers that may themselves be code.", node);
    }
    if (/^-[vR]$/.test(sign) && (word.value === null || !/^\w+$/.test(word.value)))
      this.#opaque("It tests a name that may itself be code.", node);
    if (!double && word.value === null && word.splits)
      this.#opaque("It tests words of which nobody knows how many there are.", node);
  }

  #assignment(node: Syntax, head: string): void {
    const { text, draft } = this.#input;
    const [target, , value] = node.children;
    if (target === undefined) return;
    if (target.type === "subscript") {
      for (const child of target.children.slice(1)) this.#evaluator.arithmetic({ ...child, children: [child] });
    }
    const name = /^\w+/.exec(text.slice(target.start, target.end))?.[0] ?? "";
    const parts = value?.type === "array" ? value.children : value === undefined ? [] : [value];
    for (const child of parts) if (WORDS.has(child.type)) this.#words(child);
    assign(draft, this.#span(node), name, head);
  }

  #declaration(node: Syntax): void {
    const words: Word[] = [];
    const [keyword] = node.children;
    const head = keyword === undefined ? "" : this.#input.text.slice(keyword.start, keyword.end);
    for (const child of node.children.slice(1)) {
      if (child.type === "variable_assignment") this.#assignment(child, head);
      else if (WORDS.has(child.type)) words.push(...this.#words(child));
      else if (child.type !== "comment") this.#visit(child, undefined);
    }
    this.#input.draft.count();
    const assigned = node.children.filter(({ type }) => type === "variable_assignment").length;
    declare(this.#leaf([known(head), ...words], node, undefined), assigned);
  }

  #words(node: Syntax): readonly Word[] {
    return this.#evaluator.word(node);
  }

  #substitution(node: Syntax): Files | undefined {
    const done = this.#substituted.get(node);
    if (done !== undefined) return done.files;
    const result: { files: Files | undefined } = { files: undefined };
    this.#substituted.set(node, result);
    const [open, ...inner] = node.children;
    if (open !== undefined && !/^(?:\$\(|`|<\(|>\(|\$`)$/.test(open.type))
      this.#opaque("A substitution that is not understood.", node);
    for (const child of inner) {
      if (REDIRECTS.has(child.type)) this.#redirect(child);
      else if (child.children.length > 0) result.files = this.#visit(child, undefined);
    }
    return result.files;
  }

  /** A variable of the environment may be shown, and nobody knows what it holds. */
  #leak(name: string, node: Syntax): void {
    this.#opaque(`Nobody knows what \`$${name}\` holds in the environment.`, node);
    if (!isSecretVariable(name)) return;
    const because = `\`$${name}\` is where a secret is kept.`;
    this.#input.draft.effect("secret.read", because, this.#span(node));
    this.#input.draft.trait("secret_access", because, this.#span(node));
  }

  #opaque(reason: string, node: Syntax): void {
    this.#input.draft.opaque(reason, this.#span(node));
  }

  #span(node: Syntax): Span {
    return this.#input.spanOf(node.start, node.end);
  }
}
