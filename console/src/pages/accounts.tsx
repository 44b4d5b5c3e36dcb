import { type ReactElement, useEffect, useState } from "react";
import type { Me } from "../model/view.ts";
import { channelWords } from "../model/words.ts";
import { Ago } from "../parts/ago.tsx";
import { CopyButton } from "../parts/copy-button.tsx";
import { Providers } from "../parts/providers.tsx";
import { PushSettings } from "../parts/push.tsx";
import { Pair, Pairs, Section } from "../parts/section.tsx";
import { Twice } from "../parts/twice.tsx";
import { announce } from "../state/announce.ts";
import { dropLink, takeLink, waitingLink } from "../state/link.ts";
import { loadSession } from "../state/session.ts";
import { useTitle } from "../state/title.ts";
import * as wire from "../wire/accounts.ts";
import { ApiError } from "../wire/api.ts";

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** My logins, my sessions, and a login that waits for my yes. */
export function Accounts({ me }: { readonly me: Me }): ReactElement {
  const [code, setCode] = useState(() => {
    takeLink();
    return waitingLink();
  });
  const [accounts, setAccounts] = useState<readonly wire.Account[]>([]);
  const [sessions, setSessions] = useState<readonly wire.OpenSession[]>([]);
  const [problem, setProblem] = useState<string | null>(null);
  const [note, setNote] = useState<string | null>(null);
  useTitle("Logins and sessions");
  const load = (): Promise<void> =>
    Promise.all([wire.getAccounts(), wire.getSessions()]).then(
      ([mine, open]) => {
        setAccounts(mine);
        setSessions(open);
      },
      (error: unknown) => setProblem(message(error)),
    );
  useEffect(() => void load(), []);
  const attempt = async (what: Promise<unknown>, said: string): Promise<void> => {
    try {
      await what;
      setProblem(null);
      setNote(said);
      announce(said);
      await loadSession();
      await load();
    } catch (error) {
      setProblem(message(error));
    }
  };
  const done = (said: string | null): void => {
    dropLink();
    setCode(null);
    setNote(said);
    if (said !== null) announce(said);
    void load();
  };
  return (
    <div className="mx-auto max-w-2xl">
      <h1 className="mb-4 text-2xl font-semibold tracking-tight">Logins and sessions</h1>
      {note === null ? null : <p className="mb-3 rounded-md bg-accent-wash px-3 py-2 text-accent">{note}.</p>}
      {problem === null ? null : (
        <p role="alert" className="mb-3 rounded-md bg-bad-wash px-3 py-2 text-bad">
          {problem}
        </p>
      )}
      {code === null ? null : <Confirm code={code} me={me} onDone={done} />}
      <div className="sheet divide-y divide-line">
        <Section title="Logins" note="what you do with any of them, you do">
          <Logins
            accounts={accounts}
            onUnlink={(one) => void attempt(wire.unlink(one), "The login is not yours any more")}
          />
        </Section>
        <Section title="Sessions">
          <Sessions sessions={sessions} onEnd={(id) => void attempt(wire.endSession(id), "The session has ended")} />
          <Another />
        </Section>
        <Section
          title="Notifications"
          note="when a request waits for you, until the session ends; nothing is decided there"
        >
          <PushSettings />
        </Section>
      </div>
    </div>
  );
}

type ConfirmProps = { readonly code: string; readonly me: Me; readonly onDone: (said: string | null) => void };

/** Names both sides before anybody says yes: whoever was sent here by somebody else must be able to see it. */
function Confirm({ code, me, onDone }: ConfirmProps): ReactElement | null {
  const [login, setLogin] = useState<wire.Login | null>(null);
  const [problem, setProblem] = useState<{ readonly text: string; readonly again: boolean } | null>(null);
  const fail = (error: unknown): void =>
    setProblem({ text: message(error), again: error instanceof ApiError && error.code === "sign_in_again" });
  useEffect(() => {
    wire.lookAtLink(code).then((look) => setLogin(look.login), fail);
  }, [code]);
  const confirm = async (): Promise<void> => {
    if (login === null) return;
    try {
      const told = await wire.confirmLink(code, login);
      onDone(
        told.status === "held"
          ? "An administrator is asked about this login; it is yours once they agree"
          : "The login is yours now",
      );
    } catch (error) {
      fail(error);
    }
  };
  return (
    <section aria-labelledby="join" className="sheet mb-4 p-4 sm:p-6">
      <h2 id="join" className="text-lg font-semibold">
        Is this login yours?
      </h2>
      {login === null ? null : (
        <>
          <div className="mt-3">
            <Pairs>
              <Pair name="The login">
                <strong>{login.name}</strong> <span className="literal break-all">{login.subject}</span> at{" "}
                <span className="literal break-all">{login.issuer}</span>
              </Pair>
              <Pair name="You">
                <strong>{me.person.name}</strong> <span className="literal">{me.person.id}</span>
              </Pair>
            </Pairs>
          </div>
          <p className="mt-3 rounded-md bg-warn-wash px-3 py-2 text-warn">
            Whoever has this login will decide in your name. Say yes only if you have just used it yourself, not if
            somebody sent you this page.
          </p>
        </>
      )}
      {problem === null ? null : (
        <p role="alert" className="mt-3 text-bad">
          {problem.text}
        </p>
      )}
      {problem?.again === true ? <Providers next="/accounts" /> : null}
      <div className="mt-4 flex gap-3">
        <button type="button" className="button border-edge" onClick={() => onDone(null)}>
          No, it is not mine
        </button>
        {login === null ? null : (
          <button
            type="button"
            className="button bg-accent text-on-accent hover:bg-accent-hover"
            onClick={() => void confirm()}
          >
            Yes, it is mine
          </button>
        )}
      </div>
    </section>
  );
}

type LoginsProps = { readonly accounts: readonly wire.Account[]; readonly onUnlink: (account: wire.Account) => void };

function Logins({ accounts, onUnlink }: LoginsProps): ReactElement {
  if (accounts.length === 0) return <p className="text-faint">None: you sign in with one-time links.</p>;
  return (
    <ul className="space-y-3">
      {accounts.map((one) => (
        <li key={`${one.issuer} ${one.subject}`} className="flex flex-wrap items-start justify-between gap-2">
          <div className="min-w-0">
            <p className="literal break-all">{one.subject}</p>
            <p className="text-sm break-all text-faint">
              {one.issuer}, {one.strength}
              {one.current ? ", in use now" : ""}
              {one.evidence === null ? "" : `: ${one.evidence}`}
            </p>
          </div>
          <Twice word="Give up" what={`the login ${one.subject}`} onSure={() => onUnlink(one)} />
        </li>
      ))}
    </ul>
  );
}

type SessionsProps = { readonly sessions: readonly wire.OpenSession[]; readonly onEnd: (id: string) => void };

function Sessions({ sessions, onEnd }: SessionsProps): ReactElement {
  return (
    <ul className="space-y-2">
      {sessions.map(({ id, client, by, current, opened_at, seen_at }) => (
        <li key={id} className="flex flex-wrap items-center justify-between gap-2">
          <p>
            <span className="inline-block font-medium first-letter:uppercase">{channelWords(client)}</span>, by {by}
            {current ? <b className="font-semibold">, this one</b> : ""}
            <span className="block text-sm text-faint">
              opened <Ago at={opened_at} exact />, used <Ago at={seen_at} />
            </span>
          </p>
          <button
            type="button"
            className="button-quiet rounded-md"
            aria-label={current ? "End this session" : `End the session of the ${channelWords(client)} by ${by}`}
            onClick={() => onEnd(id)}
          >
            End
          </button>
        </li>
      ))}
    </ul>
  );
}

/** A link for the command line, shown only when it is asked for. */
function Another(): ReactElement {
  const [made, setMade] = useState<string | null>(null);
  const make = async (): Promise<void> => {
    try {
      setMade(`keyturn sign-in '${await wire.makeSignInLink()}'`);
    } catch (error) {
      setMade(message(error));
    }
  };
  return (
    <div className="mt-4">
      <button type="button" className="button border-edge" onClick={() => void make()}>
        Sign in the command line
      </button>
      {made === null ? null : (
        <p className="mt-2">
          <code className="literal break-all">{made}</code> <CopyButton text={made} what="the command" />
        </p>
      )}
    </div>
  );
}
