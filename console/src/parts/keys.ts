import { useEffect } from "react";

export type Keys = { readonly [key: string]: () => void };

/** Single keys that act on the page, except while someone types, holds a modifier or has a dialog open. */
export function useKeys(keys: Keys): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey) return;
      const at = event.target instanceof HTMLElement ? event.target : null;
      const typing = at !== null && (at.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(at.tagName));
      if (typing && event.key === "Escape") {
        at.blur();
        return;
      }
      if (typing || document.querySelector("dialog[open], [data-menu]") !== null) return;
      const act = Object.hasOwn(keys, event.key) ? keys[event.key] : undefined;
      if (act === undefined) return;
      event.preventDefault();
      act();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [keys]);
}
