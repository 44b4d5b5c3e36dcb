import { type ReactElement, useEffect, useState } from "react";
import { clock } from "../model/time.ts";
import { Twice } from "../parts/twice.tsx";
import { announce } from "../state/announce.ts";
import { useTitle } from "../state/title.ts";
import {
  enrolPasskey,
  getPasskeys,
  type Passkey,
  type Passkeys,
  postPasskeyChallenge,
  revokePasskey,
} from "../wire/api.ts";
import { useNow } from "../wire/clock.ts";
import { canUsePasskeys, makePasskey } from "../wire/passkey.ts";

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** One's own passkeys: what signs decisions that take more than a click. */
export function PasskeysPage(): ReactElement {
  const [known, setKnown] = useState<Passkeys | null>(null);
  const [note, setNote] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  useTitle("Passkeys");

  const attempt = async (work: () => Promise<string | null>): Promise<void> => {
    setBusy(true);
    setProblem(null);
    setNote(null);
    try {
      const said = await work();
      setKnown(await getPasskeys());
      setNote(said);
      if (said !== null) announce(said);
    } catch (error) {
      setProblem(message(error));
    } finally {
      setBusy(false);
    }
  };
  useEffect(() => {
    getPasskeys().then(setKnown, (error: unknown) => setProblem(message(error)));
  }, []);

  const enrol = async (): Promise<string> => {
    const { status } = await enrolPasskey(await makePasskey(await postPasskeyChallenge()));
    return status === "held" ? "Your passkey waits for an administrator" : "Your passkey is enrolled";
  };
  const revoke = async (id: string): Promise<string> => {
    await revokePasskey(id);
    return "The passkey is revoked";
  };

  return (
    <div className="mx-auto max-w-2xl">
      <h1 className="text-2xl font-semibold tracking-tight">Passkeys</h1>
      <p className="mt-2 text-soft">
        A passkey signs a decision itself: which action, which verdict, and that it was you. Where a policy asks for
        one, and for every high or critical risk once you have one, approving takes it.
      </p>
      <section aria-labelledby="yours" className="sheet mt-4 overflow-hidden">
        <h2 id="yours" className="border-b border-line px-4 py-3 font-semibold sm:px-5">
          Yours
        </h2>
        {known === null ? <p className="px-4 py-4 text-faint sm:px-5">Loading…</p> : null}
        {known?.passkeys.length === 0 ? <p className="px-4 py-4 text-soft sm:px-5">You have none yet.</p> : null}
        <ul className="divide-y divide-line">
          {known?.passkeys.map((passkey) => (
            <Row
              key={passkey.id}
              passkey={passkey}
              busy={busy}
              onRevoke={() => void attempt(() => revoke(passkey.id))}
            />
          ))}
        </ul>
        <div className="border-t border-line px-4 py-4 sm:px-5">
          <button
            type="button"
            className="button enabled:bg-accent enabled:text-on-accent enabled:hover:bg-accent-hover"
            disabled={busy || known?.can_enrol !== true || !canUsePasskeys}
            onClick={() => void attempt(enrol)}
          >
            Enrol a passkey
          </button>
          <p className="mt-2 text-sm text-faint">{why(known)}</p>
          {note === null ? null : <p className="mt-3 rounded-md bg-accent-wash px-3 py-2 text-accent">{note}.</p>}
          {problem === null ? null : (
            <p role="alert" className="mt-3 rounded-md bg-bad-wash px-3 py-2 text-bad">
              {problem}
            </p>
          )}
        </div>
      </section>
    </div>
  );
}

function why(known: Passkeys | null): string {
  if (!canUsePasskeys) return "Not at this address: passkeys need https and a name, or http://localhost.";
  return known?.because ?? "Your device asks for your finger, face or PIN.";
}

type RowProps = { readonly passkey: Passkey; readonly busy: boolean; readonly onRevoke: () => void };

function Row({ passkey: { id, synced, since }, busy, onRevoke }: RowProps): ReactElement {
  return (
    <li className="flex items-center gap-3 px-4 py-3 sm:px-5">
      <div className="min-w-0 flex-1">
        <p className="truncate font-mono text-sm">{id}</p>
        <p className="text-sm text-faint">
          {synced ? "synced by your platform" : "never leaves its device"}, since{" "}
          <time dateTime={since} title={new Date(since).toLocaleString()}>
            {clock(since, useNow())}
          </time>
        </p>
      </div>
      <Twice word="Revoke" what={`the passkey ${id}`} disabled={busy} onSure={onRevoke} />
    </li>
  );
}
