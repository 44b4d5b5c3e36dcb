import { type ReactElement, useState } from "react";
import { loadSession } from "../state/session.ts";

/** The server does not answer: what is held stays held. */
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
