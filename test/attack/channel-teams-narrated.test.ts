// What an agent writes into every field that is its own, as it stands in a card for Teams.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Json, JsonObject } from "../../src/core/action/index.ts";
import { cardFault, type AdaptiveCard } from "../../src/channels/teams/elements.ts";
import { Chat, linkedDirectory } from "../channels/teams/chat.ts";
import { Tenant } from "../channels/teams/tenant.ts";
import { grantRole } from "../support/actions.ts";
import { Bench } from "../support/bench.ts";

let tenant: Tenant;
before(async () => {
  tenant = await Tenant.open();
});
after(() => tenant[Symbol.asyncDispose]());

const NARRATED: readonly (readonly [what: string, text: string])[] = [
  ["mentions", "<at>Everyone</at> @everyone @channel"],
  ["links", "[keyturn](https://evil.example) https://evil.example mailto:x@evil.example"],
  ["markup", "**Approved by security** _ok_ # big\n- list\n> quote ![x](https://evil.example/x.png)"],
  ["templates", "${$root} {{DATE(2026-01-01T00:00:00Z, SHORT)}} &lt;b&gt; <b>bold</b>"],
  ["bidi", "safe \u202edecorppa\u202c \u2066x\u2069 \u200f"],
  ["zero-width", "ap\u200bproved \u2060\ufeff\u00ad\u180e"],
  ["control", "line\r\nline\u0007\u001b[31m\u0085\u2028\u2029"],
  ["homoglyphs", "раураl аpprоved 𝐁𝐨𝐥𝐝"],
  ["padding", `x${" ".repeat(300)}y${"\u00a0".repeat(50)}\u3000\u2800`],
  ["length", "A".repeat(5000) + "\n".repeat(500)],
  ["breaks", "\n".repeat(590)],
  ["bytes", "漢".repeat(4000)],
];

for (const [what, text] of NARRATED) {
  test(`shown.agent-narrates: ${what} in every field that an agent controls are drawn as they are in Teams`, async () => {
    using bench = new Bench({}, { directory: linkedDirectory(tenant, ["ann"]) });
    using chat = new Chat(tenant, tenant.config({ channels: ["payments"] }), bench);
    const before = tenant.messages.length;
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`p${n}`, text]));
    const question = grantRole(text.slice(0, 6000), {
      properties: { note: text, [text.slice(0, 40)]: text, many },
      context: { reason: text.slice(0, 600) },
    });
    const id = text.slice(0, 200).replaceAll(/\p{C}/gu, "").trim();
    await bench.ask({ ...question, resource: { type: "table", id: id === "" ? "t" : id, properties: { of: text } } });
    await chat.settle();
    assert.equal(tenant.messages.length, before + 1);
    const shown = tenant.messages.at(-1);
    assert.ok(shown !== undefined);
    const card: object = shown.card;
    assert.equal(cardFault(card as AdaptiveCard), null);
    assert.equal(shown.summary, "Review: change who has rights on … (high risk)");
    const everything = textsOf(shown.card);
    for (const { value } of everything) assert.doesNotMatch(value, /[\p{C}\u2028\u2029\u3000\u2800]/u);
    // Whatever is not monospaced is ours: nothing of the agent's is in it.
    const ours = everything
      .filter(({ quoted }) => !quoted)
      .map(({ value }) => value)
      .join("\n");
    for (const word of ["evil", "<at>", "@everyone", "**", "${", "decorppa", "AAAA", "ap\\u", "раураl", "line", "漢"]) {
      assert.ok(!ours.includes(word), `${word} in ${ours}`);
    }
    assert.ok(!JSON.stringify(shown.card).includes('"TextBlock"'), "nothing that reads Markdown");
  });
}

/** Texts of a card, and whether each stands where an agent's words may. */
function textsOf(value: Json): readonly { readonly value: string; readonly quoted: boolean }[] {
  if (Array.isArray(value)) return value.flatMap((one: Json) => textsOf(one));
  if (typeof value !== "object" || value === null) return [];
  const object = value as JsonObject;
  const quoted = object["fontType"] === "Monospace";
  return Object.entries(object).flatMap(([name, member]) =>
    ["text", "title", "fallbackText"].includes(name) && typeof member === "string"
      ? [{ value: member, quoted }]
      : textsOf(member),
  );
}
