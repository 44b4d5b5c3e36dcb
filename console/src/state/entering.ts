import { finishSignIn } from "../wire/accounts.ts";
import { keepLink } from "./link.ts";
import { loadSession, session } from "./session.ts";

/** Finishes a sign-in at a provider, and answers where to go on. A login of nobody waits for a yes on the accounts page. */
export async function finishWith(provider: string, search: string): Promise<string> {
  try {
    const finished = await finishSignIn(provider, search);
    if (finished.status === "unlinked") keepLink(finished.code);
    await loadSession();
    return finished.status === "unlinked" ? "/accounts" : finished.next;
  } catch (error) {
    session.set(() => ({ is: "signed-out", because: error instanceof Error ? error.message : String(error) }));
    return "/";
  }
}
