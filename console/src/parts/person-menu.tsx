import { type ReactElement, useEffect, useRef, useState } from "react";
import type { DemoPerson, Me } from "../model/view.ts";
import { announce } from "../state/announce.ts";
import { go } from "../state/route.ts";
import { become, leave } from "../state/session.ts";
import { CheckIcon, DownIcon } from "./icons.tsx";

/** Who is signed in, and in a demo everyone else one may be. */
export function PersonMenu({ me }: { readonly me: Me }): ReactElement {
  const [open, setOpen] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!open) return undefined;
    const onPointer = (event: PointerEvent): void => {
      if (event.target instanceof Node && box.current?.contains(event.target) !== true) setOpen(false);
    };
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      setOpen(false);
      button.current?.focus();
    };
    document.addEventListener("pointerdown", onPointer);
    document.addEventListener("keydown", onKey, true);
    return () => {
      document.removeEventListener("pointerdown", onPointer);
      document.removeEventListener("keydown", onKey, true);
    };
  }, [open]);

  const attempt = async (what: Promise<void>, said: string): Promise<void> => {
    try {
      await what;
      setOpen(false);
      setProblem(null);
      announce(said);
      button.current?.focus();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };

  const choose = (person: DemoPerson): void => {
    if (person.id === me.person.id) setOpen(false);
    else void attempt(become(person.id), `You act as ${person.name}`);
  };

  return (
    <div ref={box} className="relative min-w-0">
      <button
        ref={button}
        type="button"
        aria-expanded={open}
        aria-controls="person-menu"
        aria-label={`Signed in as ${me.person.name}`}
        className="button-quiet flex w-full min-w-0 items-center gap-1 rounded-md"
        onClick={() => setOpen(!open)}
      >
        <span className="max-w-28 truncate font-semibold text-ink sm:max-w-48">{me.person.name}</span>
        <DownIcon />
      </button>
      {open ? (
        <div
          id="person-menu"
          data-menu=""
          className="sheet absolute right-0 z-20 mt-1 max-h-[calc(100dvh-5rem)] w-[min(21rem,calc(100vw-1.5rem))] overflow-auto shadow-lg"
        >
          <div className="border-b border-line px-4 py-3">
            <p className="font-semibold">{me.person.name}</p>
            <Groups of={me.person.groups} />
          </div>
          {me.demo === null ? null : (
            <People people={me.demo.people} now={me.person.id} onChoose={(person) => choose(person)} />
          )}
          {problem === null ? null : (
            <p role="alert" className="border-t border-line px-4 py-2 text-bad">
              {problem}
            </p>
          )}
          <div className="border-t border-line p-1.5">
            <button
              type="button"
              className="button-quiet w-full rounded-md text-left"
              onClick={() => {
                setOpen(false);
                go("/accounts");
              }}
            >
              Logins and sessions
            </button>
            <button
              type="button"
              className="button-quiet w-full rounded-md text-left"
              onClick={() => {
                setOpen(false);
                go("/passkeys");
              }}
            >
              Passkeys
            </button>
            <button
              type="button"
              className="button-quiet w-full rounded-md text-left"
              onClick={() => void attempt(leave(), "Signed out")}
            >
              Sign out
            </button>
          </div>
        </div>
      ) : null}
    </div>
  );
}

function Groups({ of }: { readonly of: readonly string[] }): ReactElement {
  return <p className="text-sm text-faint">{of.length === 0 ? "in no group" : `in ${of.join(", ")}`}</p>;
}

function describe(person: DemoPerson): string {
  const groups = person.groups.length === 0 ? "in no group" : `in ${person.groups.join(", ")}`;
  return person.note === null || person.note === "" ? groups : `${groups}; ${person.note}`;
}

type PeopleProps = {
  readonly people: readonly DemoPerson[];
  readonly now: string;
  readonly onChoose: (person: DemoPerson) => void;
};

function People({ people, now, onChoose }: PeopleProps): ReactElement {
  return (
    <div className="p-1.5">
      <p className="px-2.5 py-1 text-sm font-semibold text-soft" id="act-as">
        Act as
      </p>
      <ul aria-labelledby="act-as">
        {people.map((person) => (
          <li key={person.id}>
            <button
              type="button"
              aria-pressed={person.id === now}
              className="flex w-full gap-2 rounded-md px-2.5 py-1.5 text-left hover:bg-well"
              onClick={() => onChoose(person)}
            >
              <span className="w-4 pt-1 text-accent">{person.id === now ? <CheckIcon /> : null}</span>
              <span className="min-w-0">
                <span className="font-medium">{person.name}</span>
                <span className="block text-sm text-faint">{describe(person)}</span>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
