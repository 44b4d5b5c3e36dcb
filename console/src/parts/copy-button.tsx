import { type ReactElement, useState } from "react";
import { announce } from "../state/announce.ts";
import { CheckIcon, CopyIcon } from "./icons.tsx";

const SAID_MS = 2000;

/** Copies a text; where the browser forbids it (plain HTTP) it says so. */
export function CopyButton({ text, what }: { readonly text: string; readonly what: string }): ReactElement {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      announce(`Copied ${what}`);
      setCopied(true);
      setTimeout(() => setCopied(false), SAID_MS);
    } catch {
      announce("This browser does not let the page copy; select the text instead");
    }
  };
  return (
    <button
      type="button"
      className="inline-flex size-7 items-center justify-center rounded-md align-middle text-faint hover:bg-well hover:text-ink"
      aria-label={`Copy ${what}`}
      title={`Copy ${what}`}
      onClick={() => void copy()}
    >
      {copied ? <CheckIcon /> : <CopyIcon />}
    </button>
  );
}
