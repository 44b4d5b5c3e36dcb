import { lazy, type ReactElement, Suspense, useEffect, useState } from "react";
import type { Me } from "./model/view.ts";
import { Inbox } from "./pages/inbox.tsx";
import { NotFound } from "./pages/not-found.tsx";
import { RequestPage } from "./pages/request.tsx";
import { Unreachable } from "./pages/unreachable.tsx";
import { Announcer } from "./parts/announcer.tsx";
import { ErrorBoundary } from "./parts/error-boundary.tsx";
import { Header } from "./parts/header.tsx";
import { Help } from "./parts/help.tsx";
import { useKeys } from "./parts/keys.ts";
import { follow, requests } from "./state/requests.ts";
import { type Route, route } from "./state/route.ts";
import { takeLink } from "./state/link.ts";
import { loadSession, session } from "./state/session.ts";

/** Seldom looked at, so it comes when it is wanted. */
const signIn = (): Promise<typeof import("./pages/sign-in.tsx")> => import("./pages/sign-in.tsx");
const SignIn = lazy(async () => ({ default: (await signIn()).SignIn }));
const SignedOut = lazy(async () => ({ default: (await signIn()).SignedOut }));
const Accounts = lazy(async () => ({ default: (await import("./pages/accounts.tsx")).Accounts }));
const PasskeysPage = lazy(async () => ({ default: (await import("./pages/passkeys.tsx")).PasskeysPage }));

function Waiting(): ReactElement {
  return <p className="py-12 text-center text-faint">Loading…</p>;
}

/** The whole console: who is signed in decides whether there is anything to see. */
export function App(): ReactElement {
  const now = session.use();
  const at = route.use();
  const [help, setHelp] = useState(false);
  useKeys({ "?": () => setHelp(true) });
  const signingIn = at.page === "sign-in";
  if (at.page === "accounts") takeLink();
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
          <Suspense fallback={<Waiting />}>
            {at.page === "sign-in" ? (
              <SignIn provider={at.provider} />
            ) : now.is === "loading" ? (
              <Waiting />
            ) : now.is === "signed-out" ? (
              <SignedOut because={now.because} />
            ) : now.is === "unreachable" ? (
              <Unreachable because={now.because} />
            ) : (
              <SignedIn key={now.me.person.id} me={now.me} at={at} />
            )}
          </Suspense>
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
    case "accounts":
      return (
        <Suspense>
          <Accounts me={me} />
        </Suspense>
      );
    case "passkeys":
      return (
        <Suspense>
          <PasskeysPage />
        </Suspense>
      );
    case "sign-in":
    case "unknown":
      return <NotFound what="page" />;
    default:
      return at satisfies never;
  }
}
