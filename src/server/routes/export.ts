import { recordChange } from "../../engine/index.ts";
import type { House } from "../house.ts";
import { wholeNumber, type Routes } from "../route.ts";
import { ExportBody } from "../schemas.ts";
import { version } from "../version.ts";

/** The ledger as a SIEM reads it. What is exported, and how, is itself an entry. */
export function exportRoutes(routes: Routes, house: House): void {
  routes.add({
    method: "GET",
    url: "/v1/export/events",
    access: "auditor",
    summary: "OCSF events of entries: ?from=0&limit=500; `next` is where to go on",
    handler: async ({ query }) => {
      // Loaded only now: most servers are never asked, and turning entries into what others read is not small.
      const { eventsFrom, EXPORT_ENTRIES_MAX } = await import("../export/events.ts");
      const from = wholeNumber(query["from"], "from", { min: 0, max: Number.MAX_SAFE_INTEGER, fallback: 0 });
      const bounds = { min: 1, max: EXPORT_ENTRIES_MAX, fallback: EXPORT_ENTRIES_MAX };
      const limit = wholeNumber(query["limit"], "limit", bounds);
      const source = { origin: house.ledgerOrigin, version: version() };
      const { events, next } = await eventsFrom(house.ctx.store, source, from, limit);
      return { events, next };
    },
  });
  routes.add({
    method: "POST",
    url: "/v1/exports",
    access: "auditor",
    summary: "Record that the ledger is exported",
    body: ExportBody,
    handler: async ({ who, body }) => {
      const { size } = await house.ctx.store.head();
      await recordChange(
        house.ctx,
        "export.created",
        { ...(who.kind === "operator" ? { operator: who.id } : { person: who.person }), ...body },
        { format: body.format, size },
      );
      return { size };
    },
  });
}
