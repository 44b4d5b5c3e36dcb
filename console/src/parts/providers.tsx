import { type ReactElement, useEffect, useState } from "react";
import { beginSignIn, getProviders, type Provider } from "../wire/accounts.ts";

/** A button for each identity provider; nothing where there is none. `next` is where the person goes on. */
export function Providers({ next }: { readonly next: string }): ReactElement | null {
  const [providers, setProviders] = useState<readonly Provider[]>([]);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    getProviders().then(setProviders, () => setProviders([]));
  }, []);
  if (providers.length === 0) return null;
  const begin = async (name: string): Promise<void> => {
    try {
      window.location.assign(await beginSignIn(name, next));
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <div className="mt-4 flex flex-col gap-2">
      {providers.map(({ name, label }) => (
        <button
          key={name}
          type="button"
          className="button bg-accent text-on-accent hover:bg-accent-hover"
          onClick={() => void begin(name)}
        >
          Sign in with {label}
        </button>
      ))}
      {problem === null ? null : (
        <p role="alert" className="text-bad">
          {problem}
        </p>
      )}
    </div>
  );
}
