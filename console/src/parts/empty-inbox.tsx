import type { ReactElement } from "react";
import type { Me } from "../model/view.ts";

/** Says what will come here, and how to try it. */
export function EmptyInbox({ me, quiet }: { readonly me: Me; readonly quiet: boolean }): ReactElement {
  return (
    <section aria-labelledby="empty" className="sheet px-5 py-6 sm:px-8 sm:py-8">
      <h2 id="empty" className="text-xl font-semibold">
        Nothing is waiting
      </h2>
      <p className="mt-1.5 max-w-prose text-soft">
        When an agent, pipeline or job tries something that a policy holds, it stops and appears here by itself. You see
        every parameter as it would run, decide, and it goes on at once, exactly once.
      </p>
      {quiet ? null : (
        <>
          <p className="mt-4 text-soft">To see one, run anything as an agent in another terminal:</p>
          <pre className="mt-2 w-fit max-w-full overflow-x-auto rounded-lg bg-well px-4 py-3" tabIndex={0}>
            <code className="literal">keyturn exec --reason "trying it out" -- rm -r ./build</code>
          </pre>
        </>
      )}
      <p className="mt-4 text-sm text-faint">
        {me.person.groups.length === 0
          ? "You are in no group yet, so you can watch but not approve."
          : `You are asked when an action needs ${me.person.groups.join(" or ")}, unless you stand behind it yourself.`}
      </p>
    </section>
  );
}
