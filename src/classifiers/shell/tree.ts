import type { Node } from "web-tree-sitter";
import { NODES_MAX, TREE_DEPTH_MAX } from "./limits.ts";

/** One node of a script's syntax, copied out of the parser's memory. Offsets are UTF-16 units of the script. */
export type Syntax = {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly children: readonly Syntax[];
};

/** Copies a tree; null when it has more nodes or levels than are looked at. */
export function copyTree(root: Node): Syntax | null {
  let left = NODES_MAX;
  const copy = (node: Node, depth: number): Syntax | null => {
    left -= 1;
    if (left < 0 || depth > TREE_DEPTH_MAX) return null;
    const children: Syntax[] = [];
    for (const child of node.childCount === 0 ? [] : node.children) {
      const copied = copy(child, depth + 1);
      if (copied === null) return null;
      children.push(copied);
    }
    return { type: node.type, start: node.startIndex, end: node.endIndex, children };
  };
  return copy(root, 0);
}

/** Nodes whose inside is text: what stands between their children is content, not blank space. */
const TEXTUAL = new Set([
  "string",
  "raw_string",
  "ansi_c_string",
  "translated_string",
  "heredoc_body",
  "heredoc_redirect",
  "expansion",
  "arithmetic_expansion",
  "regex",
  "concatenation",
  "simple_expansion",
  "extglob_pattern",
  "test_command",
  "word",
]);
/** Nodes that a line break ends in bash, so that none may stand between their children. */
const ONE_LINE = new Set(["command", "redirected_statement", "declaration_command", "unset_command", "file_redirect"]);

const BLANK = /^(?:[ \t]|\\\n)*$/;
const BLANK_OR_LINES = /^(?:[ \t\n]|\\\n)*$/;

/**
 * A second opinion on the parser: what it skipped between two nodes must be what bash skips as well, and a comment must
 * be one for bash too. Returns what is wrong, or null.
 */
export function misread(text: string, node: Syntax): string | null {
  if (node.type === "comment") return misreadComment(text, node);
  if (node.children.length === 0) return null;
  if (!TEXTUAL.has(node.type)) {
    const blank = ONE_LINE.has(node.type) ? BLANK : BLANK_OR_LINES;
    let at = node.start;
    for (const child of node.children) {
      if (child.start > at && !blank.test(text.slice(at, child.start))) return text.slice(at, child.start);
      // A here-document ends its line's nodes early and goes on below them.
      at = Math.max(at, child.end);
    }
    if (node.end > at && !BLANK_OR_LINES.test(text.slice(at, node.end))) return text.slice(at, node.end);
  }
  for (const child of node.children) {
    const wrong = misread(text, child);
    if (wrong !== null) return wrong;
  }
  return null;
}

function misreadComment(text: string, { start, end }: Syntax): string | null {
  const comment = text.slice(start, end);
  const before = start === 0 ? "\n" : text.charAt(start - 1);
  const after = end >= text.length ? "\n" : text.charAt(end);
  const fine = comment.startsWith("#") && !comment.includes("\n") && " \t\n;&|()".includes(before) && after === "\n";
  return fine ? null : comment;
}
