import type { Span } from "../../core/risk/index.ts";
import type { Draft } from "./draft.ts";
import type { Files, Word } from "./word.ts";

/** One command with its words, and what its handler may ask of the walk around it. */
export type Leaf = {
  /** The name that decides: of a program in a system folder, without the folder. */
  readonly head: string;
  /** Everything behind the head. */
  readonly args: readonly Word[];
  readonly span: Span;
  /** What the names on its standard input lead to, when a command that lists files feeds it. */
  readonly stdin: Files | undefined;
  readonly draft: Draft;
  readonly script: ScriptContext;
  /** Wrappers around it, and scripts around it. */
  readonly wrapped: number;
  readonly nested: number;
};

/** What is shared by all commands of one script. */
export type ScriptContext = {
  /** Folders it may be in: "" where it began, null when nobody knows. */
  readonly folders: Set<string | null>;
  /** Classifies another command: what a wrapper starts. The words include its head. */
  readonly run: (outer: Leaf, words: readonly Word[], stdin?: Files) => Files | undefined;
  /** Classifies a literal text as a script of bash. */
  readonly shell: (outer: Leaf, text: string) => void;
};

/** A command that was dealt with, and the files that its output names, when it names any. */
export type Done = { readonly files: Files | undefined };

/** Adds what a command does to the draft; null when it is for the next one in line, and then it added nothing. */
export type Handler = (leaf: Leaf) => Done | null;

/** Dealt with, and its output names no files. */
export const DONE: Done = { files: undefined };

/** The text of a command's words, for a sentence or another classifier; null when one of them is not known. */
export function literal(words: readonly Word[]): readonly string[] | null {
  const texts: string[] = [];
  for (const { value } of words) {
    if (value === null) return null;
    texts.push(value);
  }
  return texts;
}
