import { type ReactElement, useEffect, useState } from "react";
import type { Me } from "./model/view.ts";
import { Inbox } from "./pages/inbox.tsx";
import { NotFound } from "./pages/not-found.tsx";
import { RequestPage } from "./pages/request.tsx";
import { SignedOut, SignIn, Unreachable } from "./pages/sign-in.tsx";
import { Announcer } from "./parts/announcer.tsx";
import { ErrorBoundary } from "./parts/error-boundary.tsx";
import { Header } from "./parts/header.tsx";
import { Help } from "./parts/help.tsx";
import { useKeys } from "./parts/keys.ts";
import { follow, requests } from "./state/requests.ts";
import { type Route, route } from "./state/route.ts";
import { loadSession, session } from "./state/session.ts";

/** The whole console: who is signed in decides whether there is anything to see. */
export function App(): ReactElement {
  const now = session.use();
  const at = route.use();
  const [help, setHelp] = useState(false);
  useKeys({ "?": () => setHelp(true) });
  const signingIn = at.page === "sign-in";
  useEffect(() => {
    // A failed sign-in has already said what is known; asking again would wipe its reason away.
    if (!signingIn && session.get().is === "loading") void loadSession();
  }, [signingIn]);
  const me = now.is === "signed-in" ? now.me : null;
  return (
    <>
      <a
        href="#main"
        className="sr-only focus:not-sr-only focus:absolute focus:z-20 focus:bg-sheet focus:px-4 focus:py-2"
      >
        Skip to content
      </a>
      <Header me={me} onHelp={() => setHelp(true)} />
      <main id="main" tabIndex={-1} className="mx-auto w-full max-w-6xl px-3 pt-4 pb-24 outline-none sm:px-6 lg:pb-12">
        <ErrorBoundary key={JSON.stringify(at)}>
          {signingIn ? (
            <SignIn />
          ) : now.is === "loading" ? (
            <p className="py-12 text-center text-faint">Loading…</p>
          ) : now.is === "signed-out" ? (
            <SignedOut because={now.because} />
          ) : now.is === "unreachable" ? (
            <Unreachable because={now.because} />
          ) : (
            <SignedIn key={now.me.person.id} me={now.me} at={at} />
          )}
        </ErrorBoundary>
      </main>
      <Help open={help} onClose={() => setHelp(false)} />
      <Announcer />
    </>
  );
}

/** Lives as long as one person is signed in: another person starts with nothing and a new stream. */
function SignedIn({ me, at }: { readonly me: Me; readonly at: Route }): ReactElement {
  const { connection } = requests.use();
  useEffect(() => follow(), []);
  useEffect(() => {
    // A stream that breaks may mean that the session has ended; the server knows.
    if (connection === "reconnecting") void loadSession({ onlyIfAnswered: true });
  }, [connection]);
  switch (at.page) {
    case "inbox":
      return <Inbox me={me} show={at.show} />;
    case "request":
      return <RequestPage key={at.id} id={at.id} />;
    case "sign-in":
    case "unknown":
      return <NotFound what="page" />;
    default:
      return at satisfies never;
  }
}
