import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json, JsonObject } from "../../../src/core/action/index.ts";
import { behindToday, peopleBehind } from "../../../src/core/approval/index.ts";
import type { Behind } from "../../../src/core/approval/index.ts";
import { agentOf, bar, delegation, later, MINUTE, rosterOf, T0, who } from "./fixtures.ts";

const people = {
  ann: {
    name: "Ann Achterberg",
    emails: ["ann@example.com"],
    accounts: [{ issuer: "https://git", subject: "ann-codes", strength: "L0" as const }],
  },
  bob: { name: "Bob Baptiste", emails: ["bob@example.com", "b.private@example.org"] },
  cy: { name: "José Castellanos", emails: ["cy@example.com"] },
  dee: {},
  eve: {},
  fay: { active: false, emails: ["fay@example.com"] },
};
const roster = rosterOf(people);

function behind(
  properties: JsonObject = {},
  more: { agent?: ReturnType<typeof agentOf>; holder?: string; client?: JsonObject; id?: string } = {},
): Behind {
  const subject = { type: "agent", id: more.id ?? "bot", properties };
  return peopleBehind(
    subject,
    more.agent,
    more.holder === undefined ? null : who(more.holder),
    roster,
    T0,
    more.client ?? null,
  );
}

function told({ barred, unknown }: Behind): readonly [readonly string[], readonly string[]] {
  return [barred.map(({ person, relation }) => `${person}:${relation}`), unknown];
}

test("each relation bars by itself", () => {
  const rows: readonly (readonly [what: string, got: Behind, barred: readonly string[]])[] = [
    ["nobody", behind(), []],
    ["owner", behind({}, { agent: agentOf(["ann"]) }), ["ann:agent_owner"]],
    ["deployer", behind({}, { agent: agentOf([], ["ann", "bob"]) }), ["ann:agent_deployer", "bob:agent_deployer"]],
    ["token holder", behind({}, { holder: "dee" }), ["dee:token_holder"]],
    ["caller by id", behind({}, { id: "ann" }), ["ann:caller"]],
    ["caller by account", behind({}, { id: "ann-codes" }), ["ann:caller"]],
    ["on behalf of", behind({ on_behalf_of: "bob" }), ["bob:on_behalf_of"]],
    ["prompter", behind({ prompted_by: "bob@example.com" }), ["bob:prompter"]],
    ["CI actor", behind({ ci_actor: "ann-codes" }), ["ann:ci_actor"]],
    ["commit authors", behind({ commit_authors: ["ann", "bob"] }), ["ann:commit_author", "bob:commit_author"]],
    ["actor chain", behind({ act: { sub: "ann" } }), ["ann:actor_chain"]],
    ["ARAP's actor", behind({}, { client: { actor: { id: "bob" } } }), ["bob:actor_chain"]],
    [
      "two relations of one person",
      behind({ prompted_by: "ann" }, { agent: agentOf(["ann"]) }),
      ["ann:agent_owner", "ann:prompter"],
    ],
    ["the same twice", behind({ on_behalf_of: ["ann", "ann@example.com"] }), ["ann:on_behalf_of"]],
  ];
  for (const [what, got, barred] of rows) assert.deepEqual(told(got), [barred, []], what);
});

test("the weakest evidence suffices: any spelling of a name, an address or an account", () => {
  const rows: readonly (readonly [claim: Json, barred: string])[] = [
    ["ANN", "ann"],
    ["  ann ", "ann"],
    ["Ann@Example.COM", "ann"],
    ["b.private@example.org", "bob"],
    ["bob BAPTISTE", "bob"],
    ["Ann-Codes", "ann"],
    ["Jose\u0301 Castellanos", "cy"], // decomposed
    ["\uff41\uff4e\uff4e", "ann"], // full width
    ["Somebody Else <ann@example.com>", "ann"], // as commits write it
    ["Bob Baptiste <unknown@example.net>", "bob"],
    [{ iss: "https://idp", sub: "ann" }, "ann"],
    [{ iss: "https://other", sub: "00u-unknown", email: "ann@example.com" }, "ann"],
    [{ login: "ann-codes" }, "ann"],
    [{ name: "Bob Baptiste" }, "bob"],
    [[[{ email: "bob@example.com" }]], "bob"],
    ["fay@example.com", "fay"], // a deactivated person is still behind it
  ];
  for (const [claim, barred] of rows) {
    assert.deepEqual(told(behind({ on_behalf_of: claim })), [[`${barred}:on_behalf_of`], []], JSON.stringify(claim));
  }
});

test("a claim that fits nobody is unknown, however it is written", () => {
  const rows: readonly (readonly [claim: Json, unknown: readonly string[]])[] = [
    ["mallory", ["mallory"]],
    ["", [""]],
    ["   ", ["   "]],
    [42, ["42"]],
    [true, ["on_behalf_of"]],
    [{}, ["on_behalf_of"]],
    [{ iss: "https://idp" }, ["on_behalf_of"]],
    [{ sub: "nobody", email: "nobody@example.net" }, ["nobody"]],
    [["ann", "mallory"], ["mallory"]],
    [null, []],
    [[], []],
  ];
  for (const [claim, unknown] of rows)
    assert.deepEqual(behind({ on_behalf_of: claim }).unknown, unknown, JSON.stringify(claim));
});

test("an actor chain is followed to its end, through machines", () => {
  const rows: readonly (readonly [act: Json, barred: readonly string[], unknown: readonly string[]])[] = [
    [{ sub: "ann", act: { sub: "bob", act: { sub: "dee" } } }, ["ann", "bob", "dee"], []],
    [{ sub: "svc", type: "service", act: { sub: "bob" } }, ["bob"], []],
    [{ sub: "Agent-7", type: "AGENT", act: { sub: "ann", type: "User" } }, ["ann"], []],
    [{ sub: "ann", type: "agent" }, ["ann"], []], // calling oneself a machine is no way out
    [{ sub: "ann", type: 5 }, ["ann"], []],
    [{ sub: "mallory", type: "employee" }, [], ["mallory"]],
    ["ann", ["ann"], []],
    [[{ sub: "bob" }], ["bob"], []],
    [{ sub: "ann", act: "bob" }, ["ann", "bob"], []],
  ];
  for (const [act, barred, unknown] of rows) {
    const found = behind({ act });
    assert.deepEqual([found.barred.map(({ person }) => person), found.unknown], [barred, unknown], JSON.stringify(act));
  }
  const deep = Array.from({ length: 60 }).reduce<JsonObject>((inner) => ({ sub: "svc", type: "bot", act: inner }), {
    sub: "eve",
  });
  assert.deepEqual(told(behind({ act: deep })), [["eve:actor_chain"], []]);
});

test("names beyond the limit count as unknown, so that a crowd hides nobody", () => {
  const crowd = behind({ commit_authors: [...Array<string>(64).fill("ann"), "bob"] });
  assert.deepEqual(told(crowd), [["ann:commit_author"], ["1 more names"]]);
  assert.deepEqual(behind({ commit_authors: Array<string>(64).fill("ann") }).unknown, []);
});

test("delegation bars both ways, through chains, until its time is over", () => {
  const rows: readonly (readonly [
    delegations: readonly (readonly [string, string, number])[],
    barred: readonly string[],
  ])[] = [
    [[["ann", "bob", 1]], ["ann:agent_owner", "bob:delegate"]],
    [[["bob", "ann", 1]], ["ann:agent_owner", "bob:delegator"]],
    [
      [
        ["ann", "bob", 1],
        ["bob", "dee", 1],
      ],
      ["ann:agent_owner", "bob:delegate", "dee:delegate"],
    ],
    [
      [
        ["dee", "bob", 1],
        ["bob", "ann", 1],
      ],
      ["ann:agent_owner", "bob:delegator", "dee:delegator"],
    ],
    [
      [
        ["bob", "ann", 1],
        ["bob", "eve", 1],
      ],
      ["ann:agent_owner", "bob:delegator", "eve:delegate"],
    ],
    [
      [
        ["ann", "bob", 1],
        ["bob", "ann", 1],
      ],
      ["ann:agent_owner", "bob:delegate"],
    ],
    [[["ann", "bob", 0]], ["ann:agent_owner"]],
    [
      [
        ["ann", "bob", -1],
        ["ann", "dee", 1],
      ],
      ["ann:agent_owner", "dee:delegate"],
    ],
    [[["dee", "eve", 1]], ["ann:agent_owner"]],
  ];
  for (const [written, barred] of rows) {
    const with_ = rosterOf(
      people,
      {},
      [],
      written.map(([from, to, ms]) => delegation(from, to, later(ms))),
    );
    const found = peopleBehind({ type: "agent", id: "bot" }, agentOf(["ann"]), null, with_, T0);
    assert.deepEqual(told(found)[0].toSorted(), barred, JSON.stringify(written));
  }
});

test("today's roster adds to the barred and takes nobody away", () => {
  const subject = { type: "agent", id: "bot" };
  const today = rosterOf(people, {}, [], [delegation("dee", "eve", later(MINUTE))]);
  const found = behindToday([bar("dee", "prompter")], subject, agentOf(["bob"], ["cy"]), today, T0);
  assert.deepEqual(found.map(({ person, relation }) => `${person}:${relation}`).toSorted(), [
    "bob:agent_owner",
    "cy:agent_deployer",
    "dee:prompter",
    "eve:delegate",
  ]);
  assert.deepEqual(behindToday([bar("ann")], subject, undefined, today, T0), [bar("ann")]);
});
