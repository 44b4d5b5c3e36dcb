import type { Syntax } from "./tree.ts";

/** Nodes that are words of a command. */
export const WORDS: ReadonlySet<string> = new Set([
  "word", "number", "string", "raw_string", "ansi_c_string", "translated_string", "concatenation", "simple_expansion",
  "expansion", "command_substitution", "process_substitution", "arithmetic_expansion", "brace_expression",
  "extglob_pattern", "regex", "variable_name", "special_variable_name",
]); // prettier-ignore
/** Nodes that are redirections. */
export const REDIRECTS: ReadonlySet<string> = new Set(["file_redirect", "heredoc_redirect", "herestring_redirect"]);
/** Constructs whose parts simply run, each of them perhaps. */
export const SEQUENCES: ReadonlySet<string> = new Set([
  "program", "list", "do_group", "if_statement", "elif_clause", "else_clause", "while_statement", "negated_command",
  "subshell", "compound_statement", "case_item", "ternary_expression", "ERROR",
]); // prettier-ignore
/** What the language itself says between its parts. */
export const SIGNS: RegExp = /^(?:[;&|(){}[\]!<>=\n$`+-]+|[a-z]+|\d+|)$/;

/** The simple command that ends a construct, to which a redirection behind it belongs. */
export function lastCommand(node: Syntax): Syntax | null {
  if (node.type === "command") return node;
  if (node.type === "redirected_statement")
    return node.children[0] === undefined ? null : lastCommand(node.children[0]);
  const last = node.children.at(-1);
  return last !== undefined && /^(?:list|pipeline|negated_command)$/.test(node.type) ? lastCommand(last) : null;
}
