import { InputError } from "../errors.ts";
import type { InputCode } from "../errors.ts";

/** Where a reader stands: member names and list indexes from the outside in; it ends before the first undefined. */
export type Path = (string | number | undefined)[];

/** The RFC 6901 pointer of the first `depth` steps of a path; an item or member not yet named is left out. */
export function pointerOf(path: Path, depth: number = path.length): string {
  let pointer = "";
  for (const step of path.slice(0, depth)) {
    if (step === undefined) break;
    pointer += `/${escapeStep(String(step))}`;
  }
  return pointer;
}

/** RFC 6901 §3: `~` and `/` in a step are written `~0` and `~1`. */
export function escapeStep(step: string): string {
  // Most names have neither, and every member of a question that is read has its pointer.
  if (!step.includes("~") && !step.includes("/")) return step;
  return step.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** Someone else's text for a sentence of ours: in backticks, short, and on one line. */
export function quoted(text: string): string {
  const short = text.length > 64 ? `${text.slice(0, 64)}…` : text;
  return `\`${short.replaceAll(/[^ -_a-~]/g, "?")}\``;
}

/** An input error with its place. */
export function refuse(code: InputCode, message: string, pointer: string, cause?: unknown): InputError {
  return new InputError(cause === undefined ? { code, message, pointer } : { code, message, pointer, cause });
}
