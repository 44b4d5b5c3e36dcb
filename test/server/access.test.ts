import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { exportRows, readRows } from "../support/actions.ts";
import { codeOf, hold } from "../support/flow.ts";
import { at, textAt } from "../support/json.ts";
import { DIRECTORY, edited } from "../support/rules.ts";
import { House, type Answer, type Client } from "../support/house.ts";
import { OKTA } from "../support/scim.ts";

/** Eve is an administrator, dee an auditor. */
const ROLES = `${edited(DIRECTORY, "groups:\n", "groups:\n  admins: [eve]\n  audit: [dee]\n")}roles:\n  admin: [admins]\n  auditor: [audit]\n`;
let house: House;
let who: Readonly<
  Record<"gate" | "person" | "admin" | "auditor" | "operator" | "none" | "spent" | "forged" | "code" | "scim", Client>
>;
let request = "";
let evaluation = "";

before(async () => {
  house = await House.open({ demo: true, directory: ROLES, scim: [OKTA] });
  const gate = await house.gate();
  const revoked = await house.operator.post("/v1/tokens", { agent: "report-bot", gate: "old" });
  await house.operator.post(`/v1/tokens/${String(revoked.body["id"] as string)}/revoke`, {});
  who = {
    gate,
    person: await house.person("ann"),
    admin: await house.person("eve"),
    auditor: await house.person("dee"),
    operator: house.operator,
    none: house.anyone,
    spent: house.as(revoked.body["token"] as string),
    forged: house.as(`${gate.token?.slice(0, -4) ?? ""}AAAA`),
    code: house.as(await house.code("ann")),
    scim: house.as(textAt((await house.operator.post("/v1/scim-tokens", { client: "okta" })).body, "token")),
  };
  const held = await hold(gate, exportRows(12_000));
  request = held.id;
  evaluation = held.evaluation;
});
after(() => house[Symbol.asyncDispose]());

type Access = "anyone" | "gate" | "person" | "operator" | "reader" | "admin" | "auditor" | "scim";
type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** Who may call what. The list is compared with what the server says that it has. */
const ROUTES: readonly (readonly [method: Method, path: string, access: Access])[] = [
  ["GET", "/healthz", "anyone"],
  ["GET", "/readyz", "anyone"],
  ["GET", "/metrics", "anyone"],
  ["GET", "/openapi.json", "anyone"],
  ["GET", "/.well-known/jwks.json", "anyone"],
  ["GET", "/.well-known/authzen-configuration", "anyone"],
  ["GET", "/v1/whoami", "gate"],
  ["POST", "/access/v1/evaluation", "gate"],
  ["POST", "/access/v1/evaluations", "gate"],
  ["POST", "/access/v1/requests", "gate"],
  ["GET", "/access/v1/requests/{id}", "gate"],
  ["POST", "/access/v1/requests/{id}/cancel", "gate"],
  ["GET", "/v1/tasks/stream", "gate"],
  ["POST", "/v1/permits/redeem", "gate"],
  ["POST", "/v1/permits/{id}/outcome", "gate"],
  ["POST", "/v1/evaluations/{id}/outcome", "gate"],
  ["POST", "/v1/evaluations/outcomes", "gate"],
  ["POST", "/v1/facts", "operator"],
  ["GET", "/v1/deferrals/{id}", "gate"],
  ["GET", "/v1/sign-in", "anyone"],
  ["POST", "/v1/sign-in", "anyone"],
  ["POST", "/v1/sign-in/oidc/{provider}", "anyone"],
  ["POST", "/v1/sign-in/oidc/{provider}/finish", "anyone"],
  ["POST", "/v1/sign-in/oidc/{provider}/logout", "anyone"],
  ["POST", "/v1/requests/{id}/reviews/sign-in", "person"],
  ["GET", "/v1/me/accounts", "person"],
  ["POST", "/v1/me/accounts/unlink", "person"],
  ["POST", "/v1/me/sign-in-code", "person"],
  ["POST", "/v1/links/look", "person"],
  ["POST", "/v1/links", "person"],
  ["GET", "/v1/sessions", "person"],
  ["POST", "/v1/sessions/{id}/end", "person"],
  ["GET", "/v1/people/{id}/sessions", "auditor"],
  ["POST", "/v1/people/{id}/sessions/end", "admin"],
  ["POST", "/v1/sign-out", "person"],
  ["POST", "/v1/demo/act-as", "person"],
  ["GET", "/v1/me", "person"],
  ["GET", "/v1/me/push", "person"],
  ["POST", "/v1/me/push", "person"],
  ["POST", "/v1/me/push/end", "person"],
  ["GET", "/v1/me/passkeys", "person"],
  ["POST", "/v1/me/passkeys", "person"],
  ["POST", "/v1/me/passkeys/challenge", "person"],
  ["POST", "/v1/me/passkeys/{key}/revoke", "person"],
  ["GET", "/v1/requests", "reader"],
  ["GET", "/v1/requests/{id}", "reader"],
  ["POST", "/v1/requests/{id}/reviews", "person"],
  ["POST", "/v1/requests/{id}/reviews/challenge", "person"],
  ["GET", "/v1/stream", "reader"],
  ["POST", "/v1/tokens", "admin"],
  ["GET", "/v1/tokens", "admin"],
  ["POST", "/v1/tokens/{id}/revoke", "admin"],
  ["POST", "/v1/sign-in-links", "admin"],
  ["POST", "/v1/reload", "admin"],
  ["GET", "/v1/doctor", "auditor"],
  ["GET", "/v1/people", "auditor"],
  ["POST", "/v1/people", "admin"],
  ["GET", "/v1/people/{id}", "auditor"],
  ["POST", "/v1/people/{id}/active", "admin"],
  ["POST", "/v1/people/{id}/links", "admin"],
  ["POST", "/v1/people/{id}/unlink", "admin"],
  ["POST", "/v1/people/{id}/passkeys/{key}/revoke", "admin"],
  ["GET", "/v1/groups", "auditor"],
  ["POST", "/v1/groups/{id}/members", "admin"],
  ["GET", "/v1/directory/pending", "auditor"],
  ["GET", "/ledger/vkey", "anyone"],
  ["GET", "/ledger/checkpoint", "anyone"], // in the demo; elsewhere the operator alone, unless `ledger.public` says so
  ["GET", "/ledger/tile/*", "anyone"],
  ["GET", "/ledger/receipt/{index}", "anyone"],
  ["GET", "/v1/ledger/checkpoint", "auditor"],
  ["GET", "/v1/ledger/vkey", "auditor"],
  ["GET", "/v1/ledger/entries", "auditor"],
  ["POST", "/v1/erasures", "operator"],
  ["POST", "/v1/erasures/{id}/perform", "operator"],
  ["GET", "/v1/export/events", "auditor"],
  ["POST", "/v1/exports", "auditor"],
  ["POST", "/v1/token", "anyone"],
  ["POST", "/v1/scim-tokens", "operator"],
  ["GET", "/scim/v2/ServiceProviderConfig", "scim"],
  ["GET", "/scim/v2/ResourceTypes", "scim"],
  ["GET", "/scim/v2/ResourceTypes/{id}", "scim"],
  ["GET", "/scim/v2/Schemas", "scim"],
  ["GET", "/scim/v2/Schemas/{id}", "scim"],
  ["POST", "/scim/v2/Bulk", "scim"],
  ["POST", "/scim/v2/Me", "scim"],
  ...["Users", "Groups"].flatMap((kind): readonly (readonly [Method, string, Access])[] => [
    ["GET", `/scim/v2/${kind}`, "scim"],
    ["POST", `/scim/v2/${kind}`, "scim"],
    ["GET", `/scim/v2/${kind}/{id}`, "scim"],
    ["PUT", `/scim/v2/${kind}/{id}`, "scim"],
    ["PATCH", `/scim/v2/${kind}/{id}`, "scim"],
    ["DELETE", `/scim/v2/${kind}/{id}`, "scim"],
  ]),
];

const ALLOWED: Readonly<Record<Exclude<Access, "anyone">, readonly string[]>> = {
  gate: ["gate"],
  person: ["person", "admin", "auditor"],
  operator: ["operator"],
  reader: ["person", "admin", "auditor", "operator"],
  admin: ["admin", "operator"],
  auditor: ["admin", "auditor", "operator"],
  scim: ["scim"],
};

function fill(path: string): string {
  return path.replace("{id}", request).replace("*", "0/000.p/1").replace("{index}", "0");
}

function hasBody(method: Method): boolean {
  return method === "POST" || method === "PUT" || method === "PATCH";
}

/** One call; a stream is left as soon as its head is there. */
async function call(client: Client, method: Method, path: string): Promise<number> {
  const leaving = new AbortController();
  const response = await fetch(house.url + fill(path), {
    method,
    signal: leaving.signal,
    headers: {
      ...(client.token === null ? {} : { authorization: `Bearer ${client.token}` }),
      ...(hasBody(method) ? { "content-type": "application/json" } : {}),
    },
    ...(hasBody(method) ? { body: `{"unexpected":true}` } : {}),
  });
  leaving.abort();
  await response.body?.cancel().catch(() => {});
  return response.status;
}

test("every route, for everybody: 401 for no credential, 403 for the wrong kind, and before the body is looked at", async () => {
  const size = await house.size();
  for (const [method, path, access] of ROUTES) {
    if (access === "anyone") continue;
    for (const name of [
      "gate",
      "person",
      "admin",
      "auditor",
      "operator",
      "none",
      "spent",
      "forged",
      "code",
      "scim",
    ] as const) {
      const status = await call(who[name], method, path);
      const where = `${name} ${method} ${path}`;
      if (name === "none" || name === "spent" || name === "forged") assert.equal(status, 401, where);
      else if (!ALLOWED[access].includes(name)) assert.equal(status, 403, where);
      else assert.ok([200, 400, 404, 501].includes(status), `${where}: ${status}`);
    }
  }
  // What a caller may do alone it did: give its own request up.
  assert.deepEqual(
    (await house.entries(size)).map(({ type }) => type),
    ["request.cancelled"],
  );
});

test("input.csrf: no route that changes something takes a browser's cookie from another site's page", async () => {
  const cookies: Readonly<Partial<Record<Access, Client>>> = { gate: who.gate, scim: who.scim, operator: who.operator };
  const size = await house.size();
  for (const [method, path, access] of ROUTES) {
    if (access === "anyone" || method === "GET") continue;
    const secret = (cookies[access] ?? who.admin).token ?? "";
    for (const origin of ["https://evil.example", "null", null]) {
      const answer = await house.anyone.send(method, fill(path), hasBody(method) ? "{}" : null, {
        headers: { cookie: `keyturn_session=${secret}`, ...(origin === null ? {} : { origin }) },
      });
      assert.deepEqual([answer.status, answer.text.includes("own page")], [403, true], `${method} ${path}: ${origin}`);
    }
  }
  assert.equal(await house.size(), size);
});

test("open routes are open to everybody, whatever they bring", async () => {
  for (const [method, path, access] of ROUTES) {
    if (access !== "anyone" || method === "POST") continue;
    for (const name of ["gate", "person", "operator", "none", "forged"] as const)
      assert.equal(await call(who[name], method, path), 200, `${name} ${path}`);
  }
});

test("/openapi.json lists every route with who may call it, and every body as JSON Schema", async () => {
  const { body } = await house.anyone.get("/openapi.json");
  assert.equal(body["openapi"], "3.1.0");
  const listed: string[] = [];
  const security: Readonly<Record<Access, string>> = {
    anyone: "[]",
    gate: `[{"gate":[]}]`,
    person: `[{"session":[]}]`,
    operator: `[{"operator":[]}]`,
    reader: `[{"session":[]},{"operator":[]}]`,
    admin: `[{"session":["admin"]},{"operator":[]}]`,
    auditor: `[{"session":["admin","auditor"]},{"operator":[]}]`,
    scim: `[{"scim":[]}]`,
  };
  for (const [path, operations] of Object.entries(at(body, "paths") as Record<string, Record<string, unknown>>)) {
    for (const method of Object.keys(operations)) {
      const operation = at(body, "paths", path, method);
      const access = (Object.keys(security) as Access[]).find(
        (one) => security[one] === JSON.stringify(at(operation, "security")),
      );
      listed.push(`${method.toUpperCase()} ${path} ${access}`);
      assert.ok(String(at(operation, "summary") as string).length > 5, path);
      const schema = at(operation, "requestBody", "content", "application/json", "schema");
      if (schema !== undefined)
        assert.deepEqual(
          [at(schema, "type"), at(schema, "$schema")],
          ["object", "https://json-schema.org/draft/2020-12/schema"],
          path,
        );
      const parameters = [...path.matchAll(/\{([a-z]+)\}/g)].map(([, name]) => name);
      assert.deepEqual(
        ((at(operation, "parameters") ?? []) as readonly { name: string }[]).map(({ name }) => name),
        parameters,
        path,
      );
    }
  }
  assert.deepEqual(listed.toSorted(), ROUTES.map(([method, path, access]) => `${method} ${path} ${access}`).toSorted());
});

test("act-as exists in the demo alone", async () => {
  await using real = await House.open();
  const ann = await real.person("ann");
  assert.equal((await ann.post("/v1/demo/act-as", { person: "bob" })).status, 404);
  assert.equal((await ann.get("/v1/me")).body["demo"], null);
  const paths = at((await real.anyone.get("/openapi.json")).body, "paths") as object;
  assert.ok(!Object.keys(paths).some((path) => path.includes("demo")));
});

/** What differs between two answers, apart from what was asked. */
function shapeOf({ status, body, headers }: Answer): unknown {
  return [status, body["code"], body["detail"], headers.get("content-type")];
}

test("a refusal does not tell what exists", async () => {
  const other = await house.gate("other-bot");
  const never = `arq_${"0".repeat(26)}`;
  const pairs: readonly (readonly [
    what: string,
    Client,
    "GET" | "POST",
    there: string,
    nowhere: string,
    body: string | null,
  ])[] = [
    ["another agent's request", other, "GET", `/access/v1/requests/${request}`, `/access/v1/requests/${never}`, null],
    [
      "cancelling it",
      other,
      "POST",
      `/access/v1/requests/${request}/cancel`,
      `/access/v1/requests/${never}/cancel`,
      "{}",
    ],
    [
      "its outcome",
      other,
      "POST",
      `/v1/permits/${request.replace("arq_", "prm_")}/outcome`,
      `/v1/permits/${never.replace("arq_", "prm_")}/outcome`,
      `{"status":"succeeded"}`,
    ],
    [
      "another agent's evaluation",
      other,
      "POST",
      `/v1/evaluations/${evaluation}/outcome`,
      `/v1/evaluations/eval_${"0".repeat(26)}/outcome`,
      `{"status":"succeeded"}`,
    ],
    ["without a token", house.anyone, "GET", `/access/v1/requests/${request}`, `/access/v1/requests/${never}`, null],
    ["reading as an agent", who.gate, "GET", `/v1/requests/${request}`, `/v1/requests/${never}`, null],
    [
      "reviewing as an agent",
      who.gate,
      "POST",
      `/v1/requests/${request}/reviews`,
      `/v1/requests/${never}/reviews`,
      "{}",
    ],
    ["revoking as a person", who.person, "POST", `/v1/tokens/${request}/revoke`, `/v1/tokens/${never}/revoke`, "{}"],
  ];
  for (const [what, client, method, there, nowhere, body] of pairs) {
    assert.deepEqual(
      shapeOf(await client.send(method, there, body)),
      shapeOf(await client.send(method, nowhere, body)),
      what,
    );
  }
});

test("unknown, revoked, expired, forged and malformed credentials get one answer", async () => {
  const good = who.gate.token ?? "";
  const bad: readonly (string | null)[] = [
    null,
    "",
    "kt_",
    "nonsense",
    good.replace("kt_", "kto_"),
    good.replace("kt_", "kts_"),
    good.toUpperCase(),
    `${good} `,
    `${good}x`,
    `kt_${"0".repeat(26)}_${"A".repeat(43)}`,
    who.forged.token,
    who.spent.token,
    "A".repeat(10_000),
  ];
  const answers = await Promise.all(
    bad.map((token) =>
      house.anyone.get("/v1/whoami", token === null ? {} : { headers: { authorization: `Bearer ${token}` } }),
    ),
  );
  for (const [index, answer] of answers.entries()) {
    // A space behind the token is taken off by HTTP itself.
    if (bad[index] === `${good} `) assert.equal(answer.status, 200);
    else
      assert.deepEqual(
        [answer.status, codeOf(answer), answer.text],
        [401, "unauthenticated", answers[0]?.text],
        String(bad[index]),
      );
  }
  for (const scheme of ["Basic", "Token", "bearer\t"]) {
    assert.equal(
      (await house.anyone.get("/v1/whoami", { headers: { authorization: `${scheme} ${good}` } })).status,
      401,
      scheme,
    );
  }
});

test("a credential ends with its time, its revocation, and whoever it stands for", async () => {
  await using small = await House.open();
  const { body } = await small.operator.post("/v1/tokens", { agent: "report-bot", gate: "sdk" });
  const gate = small.as(body["token"] as string);
  const eve = await small.person("eve");
  const unused = await small.code("eve");
  assert.equal((await gate.get("/v1/whoami")).status, 200);
  const changed = edited(
    edited(DIRECTORY, "id: report-bot, owners: [cy]", "id: report-bot, owners: [cy], active: false"),
    "emails: [eve@example.com]",
    "emails: [eve@example.com], active: false",
  );
  assert.equal((await small.change({ directory: changed })).status, 200);
  assert.equal((await gate.get("/v1/whoami")).status, 401);
  assert.equal((await gate.post("/access/v1/evaluation", readRows(1))).status, 401);
  assert.equal((await eve.get("/v1/requests")).status, 401);
  assert.equal((await small.anyone.post("/v1/sign-in", { code: unused })).status, 401);
  assert.equal((await small.change({ directory: DIRECTORY })).status, 200);
  assert.equal((await gate.get("/v1/whoami")).status, 200);
  assert.equal((await small.operator.post(`/v1/tokens/${body["id"] as string}/revoke`, {})).status, 200);
  assert.equal((await gate.get("/v1/whoami")).status, 401);
  assert.equal((await eve.get("/v1/me")).status, 401, "a session that has ended does not wake up again");
  const again = await small.person("eve");
  assert.equal((await again.post("/v1/sign-out", {})).status, 200);
  assert.equal((await again.get("/v1/me")).status, 401);
});
