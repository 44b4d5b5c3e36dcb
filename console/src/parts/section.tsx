import type { ReactElement, ReactNode } from "react";

type Props = { readonly title: string; readonly note?: ReactNode; readonly children: ReactNode };

/** One part of the request page, under its own heading. */
export function Section({ title, note, children }: Props): ReactElement {
  const id = `section-${title.toLowerCase().replaceAll(/[^a-z]+/g, "-")}`;
  return (
    <section aria-labelledby={id} className="px-4 py-4 sm:px-6 sm:py-5">
      <div className="mb-2 flex flex-wrap items-baseline gap-x-3">
        <h2 id={id} className="font-semibold">
          {title}
        </h2>
        {note === undefined ? null : <p className="text-sm text-faint">{note}</p>}
      </div>
      {children}
    </section>
  );
}

/** Pairs of a short name and what it stands for. */
export function Pairs({ children }: { readonly children: ReactNode }): ReactElement {
  return <dl className="space-y-1.5">{children}</dl>;
}

export function Pair({ name, children }: { readonly name: string; readonly children: ReactNode }): ReactElement {
  return (
    <div className="grid grid-cols-[6.75rem_1fr] gap-x-3 sm:grid-cols-[minmax(5rem,26%)_1fr] sm:gap-x-4">
      <dt className="text-sm leading-[1.4375rem] text-faint">{name}</dt>
      <dd className="min-w-0">{children}</dd>
    </div>
  );
}
