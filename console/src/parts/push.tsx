import { type ReactElement, useEffect, useState } from "react";
import { announce } from "../state/announce.ts";
import { getPushes, pushTrouble, type Pushes, turnPushOff, turnPushOn } from "../wire/push.ts";
import { Ago } from "./ago.tsx";

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Turns notifications of this browser on and off, and those of my other sessions off. */
export function PushSettings(): ReactElement {
  const [pushes, setPushes] = useState<Pushes | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const load = (): Promise<void> => getPushes().then(setPushes, (error: unknown) => setProblem(message(error)));
  useEffect(() => void load(), []);
  const attempt = async (what: () => Promise<void>, said: string): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      await what();
      announce(said);
    } catch (error) {
      setProblem(message(error));
    }
    await load();
    setBusy(false);
  };
  return (
    <>
      {problem === null ? null : (
        <p role="alert" className="mb-3 rounded-md bg-bad-wash px-3 py-2 text-bad">
          {problem}
        </p>
      )}
      {pushes === null ? null : (
        <ul className="mb-3 space-y-2">
          {pushes.subscriptions.map(({ session, current, service, since }) => (
            <li key={session} className="flex flex-wrap items-center justify-between gap-2">
              <p>
                On in {current ? "this session" : "another session"}
                <span className="block text-sm text-faint">
                  through {service}, since <Ago at={since} />
                </span>
              </p>
              <button
                type="button"
                className="button-quiet rounded-md"
                disabled={busy}
                onClick={() => void attempt(() => turnPushOff(session, current), "Notifications are off")}
              >
                Turn off
              </button>
            </li>
          ))}
        </ul>
      )}
      <Offer
        pushes={pushes}
        busy={busy}
        onTurnOn={(key) => void attempt(() => turnPushOn(key), "Notifications are on in this browser")}
      />
    </>
  );
}

type OfferProps = { readonly pushes: Pushes | null; readonly busy: boolean; readonly onTurnOn: (key: string) => void };

function Offer({ pushes, busy, onTurnOn }: OfferProps): ReactElement | null {
  if (pushes === null) return null;
  const { key, subscriptions } = pushes;
  if (key === null)
    return <p className="text-faint">This server sends none to browsers. Whoever runs it can turn them on.</p>;
  if (subscriptions.some(({ current }) => current)) return null;
  const trouble = pushTrouble();
  if (trouble !== null) return <p className="text-faint">{trouble}</p>;
  return (
    <button type="button" className="button border-edge" disabled={busy} onClick={() => onTurnOn(key)}>
      Notify me in this browser
    </button>
  );
}
