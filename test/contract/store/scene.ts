import { test } from "node:test";
import type { Store } from "../../../src/ports/store.ts";
import type { Open } from "./changes.ts";

/** Tests of one store each, newly opened and closed again. */
export function scenesOn(open: Open): (title: string, run: (store: Store) => Promise<void>) => void {
  return (title, run) =>
    void test(title, async () => {
      const opened = await open();
      try {
        await run(opened.store);
      } finally {
        await opened.dispose();
      }
    });
}
