import { type ReactElement, useEffect } from "react";
import { Providers } from "../parts/providers.tsx";
import { waitingLink } from "../state/link.ts";
import { go } from "../state/route.ts";
import { finishWith } from "../state/entering.ts";
import { loadSession, signInWith } from "../state/session.ts";
import { useTitle } from "../state/title.ts";

/** The code travels in the fragment, which no server or proxy logs. It is read once and taken out of the history. */
function takeCode(): string | null {
  const code = new URLSearchParams(window.location.hash.slice(1)).get("code");
  window.history.replaceState(null, "", window.location.pathname);
  return code === "" ? null : code;
}

// A code works once, while React may run an effect twice.
let busy = false;

export function SignIn({ provider }: { readonly provider: string | null }): ReactElement {
  useEffect(() => {
    if (busy) return;
    busy = true;
    void enter(provider);
  }, [provider]);
  return <p className="py-12 text-center text-faint">Signing you in…</p>;
}

async function enter(provider: string | null): Promise<void> {
  const goOn = await begin(provider);
  busy = false;
  go(goOn, "replace");
}

async function begin(provider: string | null): Promise<string> {
  if (provider !== null) {
    const search = window.location.search.slice(1);
    window.history.replaceState(null, "", window.location.pathname);
    return finishWith(provider, search);
  }
  const code = takeCode();
  await (code === null ? loadSession() : signInWith(code));
  return waitingLink() === null ? "/" : "/accounts";
}

export function SignedOut({ because }: { readonly because: string | null }): ReactElement {
  const isWaiting = waitingLink() !== null;
  const { pathname } = window.location;
  useTitle("Sign in");
  return (
    <div className="sheet mx-auto mt-8 max-w-xl p-6">
      <h1 className="text-xl font-semibold">{isWaiting ? "A login waits to be yours" : "Sign in"}</h1>
      {because === null ? null : (
        <p role="alert" className="mt-3 rounded-md bg-bad-wash px-3 py-2 text-bad">
          {because}
        </p>
      )}
      {isWaiting ? (
        <p className="mt-3 text-soft">
          The login that you used is nobody’s here yet. Sign in by another way in this window, and say that it is yours.
        </p>
      ) : null}
      <Providers next={isWaiting ? "/accounts" : pathname} />
      <h2 className="mt-6 font-semibold">With a one-time link</h2>
      <p className="mt-1 text-soft">
        It works once, for a few minutes. Whoever runs this server makes one for you, in a terminal on its machine:
      </p>
      <pre className="mt-3 overflow-x-auto rounded-lg bg-well px-4 py-3" tabIndex={0}>
        <code className="literal">keyturn people sign-in YOUR-ID</code>
      </pre>
      <p className="mt-3 text-soft">Open the link in this browser. Nobody else can use it after you.</p>
    </div>
  );
}
