import type { Me } from "../model/view.ts";
import * as api from "../wire/api.ts";
import { createStore, type Store } from "./store.ts";
import { forget } from "./requests.ts";

export type Session =
  | { readonly is: "loading" }
  | { readonly is: "signed-out"; readonly because: string | null }
  | { readonly is: "unreachable"; readonly because: string }
  | { readonly is: "signed-in"; readonly me: Me };

export const session: Store<Session> = createStore<Session>({ is: "loading" });

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Asks the server who is signed in. With `onlyIfAnswered`, silence changes nothing. */
export async function loadSession(how: { readonly onlyIfAnswered?: boolean } = {}): Promise<void> {
  try {
    const me = await api.getMe();
    session.set(() => (me === null ? { is: "signed-out", because: null } : { is: "signed-in", me }));
  } catch (error) {
    if (how.onlyIfAnswered !== true) session.set(() => ({ is: "unreachable", because: message(error) }));
  }
}

/** Turns the code of a one-time link into a session. */
export async function signInWith(code: string): Promise<void> {
  try {
    await api.signIn(code);
  } catch (error) {
    session.set(() => ({ is: "signed-out", because: message(error) }));
    return;
  }
  await loadSession();
}

/** Ends the session here and on the server. */
export async function leave(): Promise<void> {
  await api.signOut();
  forget();
  session.set(() => ({ is: "signed-out", because: null }));
}

/** Demo only: becomes another person. What the last one saw is forgotten, because it says what *they* may do. */
export async function become(person: string): Promise<void> {
  await api.actAs(person);
  const me = await api.getMe();
  forget();
  session.set(() => (me === null ? { is: "signed-out", because: null } : { is: "signed-in", me }));
}
