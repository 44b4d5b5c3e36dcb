import { type ReactElement, useState } from "react";

type Props = {
  readonly word: string;
  /** What it is done to, for whoever hears the buttons one by one. */
  readonly what: string;
  readonly onSure: () => void;
  readonly disabled?: boolean;
};

/** A button for what cannot be taken back: the first press only asks. */
export function Twice({ word, what, onSure, disabled = false }: Props): ReactElement {
  const [asked, setAsked] = useState(false);
  if (!asked) {
    return (
      <button
        type="button"
        className="button-quiet rounded-md"
        disabled={disabled}
        aria-label={`${word} ${what}`}
        onClick={() => setAsked(true)}
      >
        {word}
      </button>
    );
  }
  return (
    <span className="flex items-center gap-1">
      <button
        type="button"
        autoFocus
        className="button-quiet rounded-md font-semibold! text-bad!"
        disabled={disabled}
        aria-label={`Really ${word.toLowerCase()} ${what}`}
        onClick={() => {
          setAsked(false);
          onSure();
        }}
      >
        Really {word.toLowerCase()}
      </button>
      <button type="button" className="button-quiet rounded-md" onClick={() => setAsked(false)}>
        Keep
      </button>
    </span>
  );
}
