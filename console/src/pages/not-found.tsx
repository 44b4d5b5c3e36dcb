import type { ReactElement } from "react";
import { Link } from "../parts/link.tsx";
import { useTitle } from "../state/title.ts";

export function NotFound({ what }: { readonly what: "page" | "request" }): ReactElement {
  useTitle("Not found");
  return (
    <div className="sheet mx-auto mt-8 max-w-xl p-6">
      <h1 className="text-xl font-semibold">
        {what === "page" ? "There is no such page" : "There is no such request"}
      </h1>
      <p className="mt-2 text-soft">
        {what === "page"
          ? "The address may have been cut off."
          : "It may never have existed, or it is not yours to see. Check that the link is whole."}
      </p>
      <p className="mt-4">
        <Link to="/" className="link">
          Go to the inbox
        </Link>
      </p>
    </div>
  );
}
