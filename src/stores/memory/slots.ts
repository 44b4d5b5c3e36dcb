import type { StreamName } from "../../core/brand.ts";
import type { AppendResult, SlotChange } from "../../ports/store.ts";

/** Who holds a slot, and for whom it counts. */
export type Held = { readonly holder: StreamName; readonly owner: string };
export type Slots = ReadonlyMap<string, Held>;
export type Conflict = Extract<AppendResult, { status: "conflict" }>;

/** The slots after the changes, in their order, or the first conflict. The slots given are left as they are. */
export function changeSlots(before: Slots, changes: readonly SlotChange[]): Slots | Conflict {
  if (changes.length === 0) return before;
  const slots = new Map(before);
  for (const change of changes) {
    if ("free" in change) {
      slots.delete(change.free);
      continue;
    }
    if ("unheld" in change) {
      const held = slots.get(change.unheld);
      if (held !== undefined) return { status: "conflict", on: "slot", slot: change.unheld, holder: held.holder };
      continue;
    }
    const holder = slots.get(change.take)?.holder;
    if (holder !== undefined && holder !== change.holder) {
      return { status: "conflict", on: "slot", slot: change.take, holder };
    }
    slots.delete(change.take);
    const held = countOwned(slots, change.owner);
    if (held >= change.ownerMax) return { status: "conflict", on: "owner", owner: change.owner, held };
    slots.set(change.take, { holder: change.holder, owner: change.owner });
  }
  return slots;
}

function countOwned(slots: Slots, owner: string): number {
  let held = 0;
  for (const slot of slots.values()) if (slot.owner === owner) held += 1;
  return held;
}
