import { type ReactElement, useEffect, useState } from "react";
import { go } from "../state/route.ts";
import { loadSession, signInWith } from "../state/session.ts";

/** The code travels in the fragment, which no server or proxy logs. It is read once and taken out of the history. */
function takeCode(): string | null {
  const code = new URLSearchParams(window.location.hash.slice(1)).get("code");
  window.history.replaceState(null, "", window.location.pathname);
  return code === "" ? null : code;
}

// A code works once, while React may run an effect twice.
let code: string | null | undefined;

export function SignIn(): ReactElement {
  useEffect(() => {
    if (code !== undefined) return;
    code = takeCode();
    const done = code === null ? loadSession() : signInWith(code);
    void done.finally(() => {
      code = undefined;
      go("/", "replace");
    });
  }, []);
  return <p className="py-12 text-center text-faint">Signing you in…</p>;
}

export function SignedOut({ because }: { readonly because: string | null }): ReactElement {
  return (
    <div className="sheet mx-auto mt-8 max-w-xl p-6">
      <h1 className="text-xl font-semibold">You are signed out</h1>
      {because === null ? null : (
        <p role="alert" className="mt-3 rounded-md bg-bad-wash px-3 py-2 text-bad">
          {because}
        </p>
      )}
      <p className="mt-3 text-soft">
        A sign-in link works once and for a few minutes. Whoever runs this server makes one for you, in a terminal on
        its machine:
      </p>
      <pre className="mt-3 overflow-x-auto rounded-lg bg-well px-4 py-3" tabIndex={0}>
        <code className="literal">keyturn people sign-in YOU</code>
      </pre>
      <p className="mt-3 text-soft">Open the link in this browser. Nobody else can use it after you.</p>
    </div>
  );
}

export function Unreachable({ because }: { readonly because: string }): ReactElement {
  const [asking, setAsking] = useState(false);
  const again = (): void => {
    setAsking(true);
    void loadSession().finally(() => setAsking(false));
  };
  return (
    <div role="alert" className="sheet mx-auto mt-8 max-w-xl p-6">
      <h1 className="text-xl font-semibold">The server cannot be reached</h1>
      <p className="mt-2 text-soft">{because} While it is away, whatever is held stays held.</p>
      <button type="button" className="button mt-5 border-edge" disabled={asking} onClick={again}>
        {asking ? "Asking…" : "Try again"}
      </button>
    </div>
  );
}
