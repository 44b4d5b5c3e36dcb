import { type ReactElement, useState } from "react";
import { clip } from "../model/clip.ts";
import { grouped } from "../model/words.ts";
import { Visible } from "./visible.tsx";

/** A string in its box: what is inside the box is the string, whole or as head and tail. */
export function TextValue({ text, name }: { readonly text: string; readonly name: string }): ReactElement {
  const [all, setAll] = useState(false);
  if (text === "") return <span className="text-sm text-faint">empty string</span>;
  const cut = clip(text);
  const box = `literal literal-string ${text.includes("\n") ? "literal-block" : ""}`;
  if (!cut.clipped || all) {
    return (
      <>
        <code className={box}>
          <Visible text={text} />
        </code>
        {cut.clipped ? <More open onToggle={() => setAll(false)} what="" /> : null}
      </>
    );
  }
  return (
    <>
      <code className={box}>
        <Visible text={cut.head} edges="start" />
        <Gap hidden={cut.hidden} />
        <Visible text={cut.tail} edges="end" />
      </code>
      <More open={false} onToggle={() => setAll(true)} what={`all ${grouped(text.length)} characters of ${name}`} />
    </>
  );
}

/** Says how much is missing, on a line of its own. */
export function Gap({ hidden }: { readonly hidden: number }): ReactElement {
  return (
    <span className="my-1 block">
      <span className="chip">… {grouped(hidden)} characters not shown …</span>
    </span>
  );
}

type MoreProps = { readonly open: boolean; readonly onToggle: () => void; readonly what: string };

/** Shows the rest of a long value, or hides it again. */
export function More({ open, onToggle, what }: MoreProps): ReactElement {
  return (
    <button type="button" className="link mt-1 block text-xs" aria-expanded={open} onClick={onToggle}>
      {open ? "Show less" : `Show ${what}`}
    </button>
  );
}
