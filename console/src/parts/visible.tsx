import type { ReactElement } from "react";
import { type Edges, mixedScript, pieces } from "../model/literal.ts";

/** Text from outside, with every character that a screen would hide, reorder or swallow spelled out. */
export function Visible({ text, edges = "both" }: { readonly text: string; readonly edges?: Edges }): ReactElement {
  const mixed = mixedScript(text);
  return (
    <>
      {pieces(text, edges).map((piece, at) =>
        piece.kind === "text" ? (
          piece.text
        ) : (
          // oxlint-disable-next-line no-array-index-key -- pieces have no identity and never move
          <span key={at}>
            <span className={piece.usual ? "chip chip-usual" : "chip"} title={piece.name}>
              {piece.label}
              {piece.count > 1 ? ` ×${piece.count}` : ""}
            </span>
            {piece.breaks ? "\n" : null}
          </span>
        ),
      )}
      {mixed === null ? null : (
        <span className="chip" title={`“${mixed.word}” mixes letters that look alike`}>
          mixes {mixed.scripts.join(" and ")} letters
        </span>
      )}
    </>
  );
}

/** A name or id from outside, in monospace. */
export function Literal({
  text,
  className = "",
}: {
  readonly text: string;
  readonly className?: string;
}): ReactElement {
  return (
    <code className={`literal ${className}`}>
      <Visible text={text} />
    </code>
  );
}
