import { describe } from "node:test";
import { appendContract } from "./store/appends.ts";
import { boundContract } from "./store/bounds.ts";
import type { Opened } from "./store/changes.ts";
import { erasureContract } from "./store/erasures.ts";
import { lifeContract } from "./store/life.ts";
import { modelContract } from "./store/model.ts";
import { projectionContract } from "./store/projections.ts";
import { treeContract } from "./store/tree.ts";
import { slotContract } from "./store/slots.ts";

export type { Opened } from "./store/changes.ts";

/** Every promise of `ports/store.ts` as tests. `open` makes a new, empty store each time. */
export function storeContract(name: string, open: () => Promise<Opened>): void {
  void describe(`the ${name} store keeps the promises of its port`, () => {
    appendContract(open);
    slotContract(open);
    boundContract(open);
    projectionContract(open);
    treeContract(open);
    erasureContract(open);
    lifeContract(open);
    modelContract(open);
  });
}
