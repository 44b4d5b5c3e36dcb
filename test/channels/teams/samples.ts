import type { JsonObject } from "../../../src/core/action/index.ts";
import type { AdaptiveCard } from "../../../src/channels/teams/elements.ts";
import { dropTable, exportRows, grantRole } from "../../support/actions.ts";
import { Bench } from "../../support/bench.ts";
import { Chat, linkedDirectory } from "./chat.ts";
import type { Tenant } from "./tenant.ts";

/** A reason that draws a dialog of its own, as far as a renderer lets it. */
export const NARRATIVE =
  "**Approved by security** {{DATE(2026-01-01T00:00:00Z, SHORT)}} [open](https://evil.example) <b>ok</b>\n" +
  "safe \u202edecorppa\u202c   раураl <at>Everyone</at> {{ time(2026-01-01T00:00:00Z)}}";

/** Cards as the engine shows them, by name: waiting, high risk, not inspected, decided. */
export async function sampleCards(tenant: Tenant): Promise<ReadonlyMap<string, AdaptiveCard>> {
  using bench = new Bench({}, { directory: linkedDirectory(tenant, ["ann", "bob"]) });
  using chat = new Chat(tenant, tenant.config({ channels: ["payments"] }), bench);
  const cards = new Map<string, AdaptiveCard>();
  const shown = async (question: JsonObject): Promise<string> => {
    const { opened } = await bench.ask(question);
    await chat.settle();
    return opened.id;
  };
  const last = (): AdaptiveCard => {
    const card: object = tenant.messages.at(-1)?.card ?? {};
    return card as AdaptiveCard;
  };
  const reason = { context: { reason: "The quarterly report needs the table gone before the new one is loaded." } };
  const id = await shown(dropTable("orders_2019", reason));
  cards.set("teams-waiting", last());
  await bench.review("ann", await chat.state(id));
  await bench.review("bob", await chat.state(id), "deny");
  await chat.settle();
  cards.set("teams-denied", last());
  await shown(exportRows(12_000, reason));
  cards.set("teams-high", last());
  await shown(grantRole("admin", { properties: { note: NARRATIVE }, context: { reason: NARRATIVE } }));
  cards.set("teams-narrated", last());
  return cards;
}
