import { type ReactElement, useEffect, useRef } from "react";

const KEYS: readonly (readonly [keys: readonly string[], does: string])[] = [
  [["j", "k"], "next and previous request in the inbox"],
  [["Enter"], "open the request"],
  [["a"], "go to Approve; Enter then presses it"],
  [["d"], "go to Deny; Enter then presses it"],
  [["u", "Esc"], "back to the inbox"],
  [["?"], "this help"],
];

export function Help({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }): ReactElement {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open) dialog.current?.showModal();
  }, [open]);
  return (
    <dialog
      ref={dialog}
      aria-labelledby="help-title"
      className="sheet m-auto w-[min(28rem,calc(100vw-2rem))] p-6 text-ink backdrop:bg-black/40"
      onClose={onClose}
    >
      <h2 id="help-title" className="mb-3 text-xl font-semibold">
        Keys
      </h2>
      <dl className="space-y-2">
        {KEYS.map(([keys, does]) => (
          <div key={does} className="grid grid-cols-[5.5rem_1fr] gap-3">
            <dt className="flex gap-1 pt-0.5">
              {keys.map((key) => (
                <kbd key={key} className="kbd">
                  {key}
                </kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <p className="mt-4 text-sm text-faint">No key approves by itself: a stray press does nothing that counts.</p>
      <button type="button" className="button mt-5 border-edge" onClick={() => dialog.current?.close()}>
        Close
      </button>
    </dialog>
  );
}
