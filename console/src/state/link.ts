/** A link that waits for its person to sign in and say yes. It survives the way to a provider and back, in this tab alone. */
const KEY = "keyturn-link";

/** Takes a link's code out of the address, where it must not stay, and remembers it. */
export function takeLink(): void {
  const code = new URLSearchParams(window.location.hash.slice(1)).get("link");
  if (code === null || code === "") return;
  keepLink(code);
  window.history.replaceState(null, "", window.location.pathname);
}

export function keepLink(code: string): void {
  window.sessionStorage.setItem(KEY, code);
}

export function waitingLink(): string | null {
  return window.sessionStorage.getItem(KEY);
}

export function dropLink(): void {
  window.sessionStorage.removeItem(KEY);
}
