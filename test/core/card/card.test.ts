import assert from "node:assert/strict";
import { test } from "node:test";
import type { RequestEvent } from "../../../src/core/approval/index.ts";
import type { Instant, PersonId } from "../../../src/core/brand.ts";
import {
  approvesByClick,
  cardDigest,
  cardOf,
  headlineText,
  literalText,
  needsText,
  statusText,
} from "../../../src/core/card/index.ts";
import { cardFor, effect, MINUTE, NAMES, reviewOf, stateOf, T0, type Asked } from "./fixture.ts";

type Row = readonly [what: string, asked: Asked, headline: string, parameters: readonly string[]];

const ROWS: readonly Row[] = [
  [
    "an export with the operator's title",
    {
      name: "customers.export",
      parameters: { limit: 12_000, path: "/out/c.csv" },
      resource: ["table", "customers"],
      environment: "production",
      classification: { effects: [effect("export", "declared")] },
    },
    "Export customers to a file: table/customers in production",
    ["limit = 12000", "path = /out/c.csv"],
  ],
  [
    "a statement of SQL",
    {
      name: "sql.query",
      parameters: { statement: "DELETE FROM t\nWHERE true" },
      resource: ["database", "crm"],
      classification: { effects: [effect("read", "reads `t`"), effect("delete", "deletes from `t`")] },
    },
    "delete from database/crm",
    ["statement = DELETE FROM t\\nWHERE true"],
  ],
  [
    "a command line",
    {
      name: "process.exec",
      parameters: { argv: ["rm", "-rf", "/srv"], cwd: "/", env: { PATH: "/bin" } },
      resource: ["host", "web-1"],
      classification: { effects: [effect("execute", "runs rm"), effect("delete", "removes /srv")] },
    },
    "delete from host/web-1",
    ['argv = ["rm","-rf","/srv"]', "cwd = /", "env.PATH = /bin"],
  ],
  [
    "a call of an MCP tool",
    {
      name: "mcp.call",
      parameters: { server: "files", tool: "write_file", arguments: { path: "/etc/hosts", content: "" } },
      resource: ["mcp_server", "files"],
      classification: { effects: [effect("write", "a tool that writes")] },
    },
    "change mcp_server/files",
    ["arguments.content = ", "arguments.path = /etc/hosts", "server = files", "tool = write_file"],
  ],
  [
    "a deployment",
    {
      name: "deploy",
      parameters: { image: "app@sha256:00", replicas: 3, canary: true, notes: null },
      resource: ["service", "checkout"],
      environment: "production",
      classification: { effects: [effect("deploy", "declared")] },
    },
    "deploy to service/checkout in production",
    ["canary = true", "image = app@sha256:00", "notes = null", "replicas = 3"],
  ],
  [
    "an escalation",
    {
      name: "user.grant_role",
      parameters: { role: "admin", to: { user: "u1" } },
      resource: ["project", "p"],
      classification: { effects: [effect("escalate", "gives a role"), effect("write", "changes a binding")] },
    },
    "change who has rights on project/p",
    ["role = admin", "to.user = u1"],
  ],
  [
    "a secret that is read, with a parameter that is one",
    {
      name: "vault.read",
      parameters: { path: "db/root", token: { $secret: "hmac-sha256:ab" } },
      resource: ["vault", "main"],
      classification: { effects: [effect("secret.read", "reads a secret")] },
    },
    "read secrets of vault/main",
    ["path = db/root", "token = (secret) hmac-sha256:ab"],
  ],
  [
    "a migration",
    {
      name: "sql.migrate",
      parameters: { "a.b": 1, a: { b: 2 }, "x y": {} },
      resource: ["database", "crm"],
      classification: { effects: [effect("ddl", "drops a table")] },
    },
    "change the structure of database/crm",
    ["a.b = 2", '"a.b" = 1', '"x y" = {}'],
  ],
  [
    "a request over the network",
    {
      name: "http.request",
      parameters: { method: "POST", url: "https://example.com/?q=<b>*x*" },
      resource: ["host", "example.com"],
      classification: { effects: [effect("network", "sends")] },
    },
    "send something over the network from host/example.com",
    ["method = POST", "url = https://example.com/?q=<b>*x*"],
  ],
  [
    "what nobody understands",
    { name: "blob.do", resource: ["thing", "x"], classification: { effects: [effect("opaque", "?")], opaque: ["?"] } },
    "do something that could not be fully inspected on thing/x",
    [],
  ],
  ["what nobody knows", { name: "x", resource: ["t", "r"] }, "act on t/r", []],
];

for (const [what, asked, headline, parameters] of ROWS) {
  test(`card: ${what}`, () => {
    const { body } = cardFor(asked);
    assert.equal(headlineText(body.headline), headline);
    assert.deepEqual(
      body.parameters.items.map(
        ({ name, kind, value }) => `${name.text} = ${kind === "secret" ? "(secret) " : ""}${literalText(value)}`,
      ),
      parameters,
    );
    assert.equal(body.uninspected.items.length, asked.classification?.opaque?.length ?? 0);
  });
}

const ASKED: Asked = { name: "customers.export", parameters: { limit: 5 }, resource: ["table", "customers"] };

test("the digest of a card stays while people review, and changes with everything that was shown before", () => {
  const at = (ms: number): Instant => (T0 + ms) as Instant;
  const first = cardDigest(cardOf(stateOf(ASKED), NAMES, at(0)));
  assert.match(first, /^sha256:[0-9a-f]{64}$/);
  assert.equal(cardDigest(cardOf(stateOf(ASKED), NAMES, at(50 * MINUTE))), first, "time");
  assert.equal(cardDigest(cardOf(stateOf(ASKED, reviewOf("ann")), NAMES, at(0))), first, "a review");
  assert.equal(cardDigest(cardOf(stateOf(ASKED), { ...NAMES, person: () => "X" }, at(0))), first, "a name");
  const others: readonly (readonly [what: string, digest: string])[] = [
    ["a parameter", cardDigest(cardFor({ ...ASKED, parameters: { limit: 6 } }))],
    ["the claim", cardDigest(cardFor({ ...ASKED, reason: "please" }))],
    ["an effect", cardDigest(cardFor({ ...ASKED, classification: { effects: [effect("read", "r")] } }))],
    [
      "a fact",
      cardDigest(cardFor({ ...ASKED, classification: { facts: [{ name: "rows", value: 5, provenance: "gate" }] } })),
    ],
    ["the title", cardDigest(cardOf(stateOf(ASKED), { ...NAMES, title: () => "Harmless" }, at(0)))],
  ];
  for (const [what, digest] of others) assert.notEqual(digest, first, what);
  assert.equal(new Set(others.map(([, digest]) => digest)).size, others.length);
});

test("how it stands is said in words, and an expiry is never called a denial", () => {
  const person = "ann" as PersonId;
  const rows: readonly (readonly [events: readonly RequestEvent[], minutes: number, said: RegExp])[] = [
    [[], 1, /^Waiting for review, 59 min left$/],
    [[], 60, /^Expired: nobody decided in time/],
    [[{ type: "request.expired" }], 61, /^Expired: nobody decided in time/],
    [[{ type: "request.denied", by: person }], 2, /^Denied$/],
    [[{ type: "request.cancelled", by: "report-bot" }], 2, /^Cancelled by the requester$/],
    [[{ type: "request.failed", because: "policy has changed" }], 2, /^Failed$/],
  ];
  for (const [events, minutes, said] of rows) {
    const { progress } = cardOf(stateOf(ASKED, ...events), NAMES, (T0 + minutes * MINUTE) as Instant);
    assert.match(statusText(progress), said);
    if (!said.source.includes("Denied")) assert.doesNotMatch(statusText(progress), /den/i);
  }
});

test("progress names people, places and who is barred", () => {
  const { progress } = cardOf(stateOf(ASKED, reviewOf("ann", "fine\u202e")), NAMES, (T0 + MINUTE) as Instant);
  assert.equal(needsText(progress), "1 of 2 of owners");
  assert.deepEqual(progress.terms.items[0]?.people, ["ANN Surname"]);
  assert.deepEqual(progress.reviews.items[0]?.reason, { text: "fine\\u{202e}", cut: null, alike: [] });
  assert.deepEqual(progress.barred.items, [{ person: "CY Surname", relation: "agent_owner" }]);
});

test("a click approves up to medium risk and plain evidence, nothing more", () => {
  const levels = ["low", "medium", "high", "critical"] as const;
  assert.deepEqual(
    levels.filter((level) => approvesByClick(level, "A1")),
    ["low", "medium"],
  );
  for (const assurance of ["A2", "A3", "A4"] as const) {
    assert.deepEqual(
      levels.filter((level) => approvesByClick(level, assurance)),
      [],
    );
  }
});
