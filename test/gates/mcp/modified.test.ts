import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { at, textAt } from "../../support/json.ts";
import { rulesFor } from "../../mcp/stage.ts";
import { HttpAgent, listen } from "./http-agent.ts";
import { Place, said } from "./places.ts";

const { catalogue = "", policies = "" } = rulesFor({
  "mcp.call.odd.echo": "read",
  "mcp.call.odd.append": "write",
  "mcp.call.odd.more": "write",
  "mcp.call.odd.ask": "read",
  "mcp.call.odd.never": "read",
});
const RULES = {
  catalogue,
  policies: `${policies}
@id("few") @because("Five are enough.")
@modify("action.properties.arguments.n <= 5; remove action.properties.arguments.raw")
forbid (principal, action, resource)
when { context.action like "mcp.call.odd.*" && context.action != "mcp.call.odd.never" && context.action != "mcp.call.odd.ask" };

@id("another-tool") @modify("action.properties.tool = \\"append\\"")
forbid (principal, action, resource) when { context.action == "mcp.call.odd.never" };

@id("less-prompt") @modify("action.properties.n <= 5")
forbid (principal, action, resource) when { context.action == "mcp.prompt" };

@id("wait-for-rows") @because("How many are not known yet.") @defer("rows") @expires("5m")
forbid (principal, action, resource) when { context.action == "mcp.call.odd.ask" };
`,
};

test("a stricter call that policy puts in the place of one runs with its arguments, and the model is told so", async () => {
  await using place = await Place.open(RULES);
  await using listener = await listen(place, { secrets: new Map([["echo", ["/password"]]]) });
  const agent = await new HttpAgent(listener, "odd").initialize();
  const allowed = at((await agent.call("echo", { n: 50, password: "p4ss", raw: true })).last, "result");
  assert.deepEqual(at(JSON.parse(said(allowed)), "arguments"), { n: 5, password: "p4ss" });
  const note = textAt(allowed, "content", 1, "text");
  assert.match(note, /^NOTE: policy let a stricter call run .*"n":5/);
  assert.ok(!note.includes("p4ss"), "a secret stands in the note");
  const within = at((await agent.call("echo", { n: 3, password: "p4ss" })).last, "result");
  assert.equal(at(within, "content", 1), undefined);
  const call = agent.call("append", { n: 50 });
  const held = await place.held();
  const { body } = await place.house.operator.get(`/v1/requests/${held.id}`);
  assert.deepEqual(at(body, "action", "properties", "arguments"), { n: 5 });
  await place.decide("approve", held);
  assert.match(JSON.stringify((await call).last), /NOTE: policy/);
  assert.equal(readFileSync(place.path("odd.txt"), "utf8"), '{"n":5}\n');
});

test("what cannot be made stricter is refused clearly, and what waits for facts is told to come back", async () => {
  await using place = await Place.open(RULES);
  await using listener = await listen(place);
  const agent = await new HttpAgent(listener, "odd").initialize();
  const other = at((await agent.call("never", { n: 1 })).last, "result");
  assert.match(said(other), /^DENIED: .*changed more of this call than its arguments/);
  const prompt = (await agent.ask("prompts/get", { name: "p", n: 9 })).last;
  assert.match(textAt(prompt, "error", "message"), /^DENIED: .*only a stricter action/);
  const deferred = at((await agent.call("ask", { method: "roots/list" })).last, "result");
  assert.match(said(deferred), /^NOT YET: .*Missing: rows.*again later with exactly the same arguments/s);
  assert.deepEqual([place.names(), await place.redeemed()], [[], 0]);
});

test("2026-07-28: a stricter call that asks for input is judged again, so that its next leg brings nothing else through", async () => {
  await using place = await Place.open(RULES);
  await using listener = await listen(place, { legMs: 5_000 });
  const agent = new HttpAgent(listener, "odd");
  const call = agent.leg("more", { method: "roots/list", n: 50 });
  await place.decide("approve");
  const first = at((await call).last, "result");
  assert.equal(at(first, "resultType"), "input_required");
  // The server's own state, and no right of ours.
  assert.equal(at(first, "requestState"), "odd-state");
  const _meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28" };
  const args = { method: "roots/list", n: 50 };
  const next = agent.ask("tools/call", {
    name: "more",
    arguments: args,
    _meta,
    requestState: "odd-state",
    inputResponses: { one: {} },
  });
  await place.decide("approve");
  assert.match(said(at((await next).last, "result")), /^done/);
  assert.equal(readFileSync(place.path("odd.txt"), "utf8"), '[{"method":"roots/list","n":5},"odd-state"]\n');
  assert.equal(await place.redeemed(), 2);
});
