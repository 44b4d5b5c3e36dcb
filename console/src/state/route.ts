import type { Show } from "../model/requests.ts";
import { createStore, type Store } from "./store.ts";

export type Route =
  | { readonly page: "inbox"; readonly show: Show }
  | { readonly page: "request"; readonly id: string }
  /** `provider` is where an identity provider sends the browser back to. */
  | { readonly page: "sign-in"; readonly provider: string | null }
  | { readonly page: "accounts" }
  | { readonly page: "passkeys" }
  | { readonly page: "unknown" };

function read(): Route {
  const { pathname, search } = window.location;
  if (pathname === "/") {
    const show = new URLSearchParams(search).get("show");
    return { page: "inbox", show: show === "pending" || show === "decided" ? show : "all" };
  }
  const back = /^\/sign-in(?:\/([a-z][a-z0-9-]*))?$/.exec(pathname);
  if (back !== null) return { page: "sign-in", provider: back[1] ?? null };
  if (pathname === "/accounts") return { page: "accounts" };
  if (pathname === "/passkeys") return { page: "passkeys" };
  const id = /^\/requests\/([A-Za-z0-9_]+)\/?$/.exec(pathname)?.[1];
  return id === undefined ? { page: "unknown" } : { page: "request", id };
}

export const route: Store<Route> = createStore(read());

window.addEventListener("popstate", () => route.set(read));

/** Goes to a path of this console. */
export function go(path: string, how: "push" | "replace" = "push"): void {
  if (how === "push") window.history.pushState(null, "", path);
  else window.history.replaceState(null, "", path);
  route.set(read);
  if (how === "push") window.scrollTo(0, 0);
}

export const inboxPath = (show: Show): string => (show === "all" ? "/" : `/?show=${show}`);
export const requestPath = (id: string): string => `/requests/${encodeURIComponent(id)}`;
