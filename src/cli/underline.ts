import type { Span } from "../core/risk/index.ts";
import { visible } from "../core/card/index.ts";
import type { Paint } from "./terminal.ts";

/** Lines of a text that are shown, and characters of each. */
const LINES_MAX = 40;
const LINE_CHARS_MAX = 400;

/**
 * The lines of a text, each with marks under what the spans cover. Unseen characters are written out, and the marks stand
 * under them as they are written.
 */
export function underlined(text: string, spans: readonly Span[], paint: Paint): readonly string[] {
  const shown: string[] = [];
  let start = 0;
  const lines = text.split("\n");
  for (const line of lines.slice(0, LINES_MAX)) {
    const from = start;
    const cut = line.slice(0, LINE_CHARS_MAX);
    const covered = [...cut].reduce<{ at: number; line: string; marks: string }>(
      (done, char) => {
        const written = visible(char);
        const at = from + done.at;
        const hit = spans.some((span) => span.start <= at && at < span.end);
        const width = [...written].length;
        return {
          at: done.at + char.length,
          line: done.line + written,
          marks: done.marks + (hit ? "~" : " ").repeat(width),
        };
      },
      { at: 0, line: "", marks: "" },
    );
    shown.push(covered.line + (cut.length < line.length ? "…" : ""));
    if (covered.marks.trim() !== "") shown.push(paint("yellow", covered.marks.trimEnd()));
    start += line.length + 1;
  }
  if (lines.length > LINES_MAX) shown.push(`… and ${lines.length - LINES_MAX} more lines`);
  return shown;
}
