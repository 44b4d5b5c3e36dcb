// What identity providers really send, by their own documentation: Okta and Entra ID, today's shapes and the older ones.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Json, JsonObject } from "../../src/core/action/index.ts";
import type { House } from "../support/house.ts";
import { at, textAt } from "../support/json.ts";
import { ENTERPRISE, GROUP, PATCH, provisioned, USER, type Provisioner } from "../support/scim.ts";

let house: House;
let scim: Provisioner;
let count = 0;
before(async () => {
  ({ house, scim } = await provisioned());
});
after(() => house[Symbol.asyncDispose]());

const fresh = (more: JsonObject = {}): Promise<string> => scim.user(`user${++count}@example.com`, more);

/** Each: what is sent, and what a member of the user is afterwards. */
const patches: readonly (readonly [
  who: string,
  operations: readonly Json[],
  path: readonly (string | number)[],
  expected: Json | undefined,
])[] = [
  ["Okta deactivates", [{ op: "replace", value: { active: false } }], ["active"], false],
  ["Entra deactivates", [{ op: "Replace", path: "active", value: false }], ["active"], false],
  ["Entra deactivates, older: text", [{ op: "Replace", path: "active", value: "False" }], ["active"], false],
  ["Entra deactivates, text within the value", [{ op: "replace", value: { active: "False" } }], ["active"], false],
  [
    "Entra, older: list of one value",
    [{ op: "Replace", path: "displayName", value: [{ $ref: null, value: "Jo" }] }],
    ["displayName"],
    "Jo",
  ],
  [
    "Entra adds an address that is not there",
    [{ op: "Add", path: 'emails[type eq "work"].value', value: "w@example.com" }],
    ["emails", 0, "value"],
    "w@example.com",
  ],
  [
    "Entra replaces an address that is not there",
    [{ op: "Replace", path: 'emails[type eq "work"].value', value: "w@example.com" }],
    ["emails", 0, "type"],
    "work",
  ],
  [
    "Entra's manager as a text",
    [{ op: "Add", path: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", value: "2819c223" }],
    [ENTERPRISE, "manager", "value"],
    "2819c223",
  ],
  [
    "Entra's manager as a list",
    [{ op: "Add", path: `${ENTERPRISE}:manager`, value: [{ $ref: "x", value: "1" }] }],
    [ENTERPRISE, "manager", "value"],
    "1",
  ],
  [
    "Entra's paths as names in the value",
    [{ op: "replace", value: { "name.familyName": "Doe", [`${ENTERPRISE}:department`]: "Ops" } }],
    [ENTERPRISE, "department"],
    "Ops",
  ],
  [
    "a whole extension in the value",
    [{ op: "add", value: { [ENTERPRISE]: { department: "Ops" } } }],
    [ENTERPRISE, "department"],
    "Ops",
  ],
  ["a sub-attribute", [{ op: "replace", path: "name.givenName", value: "Al" }], ["name", "givenName"], "Al"],
  ["a name in other letters", [{ op: "REPLACE", path: "DISPLAYNAME", value: "Al" }], ["displayName"], "Al"],
  [
    "a removal",
    [
      { op: "add", path: "title", value: "x" },
      { op: "Remove", path: "title" },
    ],
    ["title"],
    undefined,
  ],
  [
    "an empty text takes away",
    [
      { op: "add", path: "title", value: "x" },
      { op: "replace", path: "title", value: "" },
    ],
    ["title"],
    undefined,
  ],
  ["the id in the value stays what it is", [{ op: "replace", value: { id: "other", title: "y" } }], ["title"], "y"],
  [
    "a value of many is replaced where it fits",
    [
      {
        op: "add",
        path: "emails",
        value: [
          { type: "home", value: "h@example.com" },
          { type: "work", value: "w@example.com" },
        ],
      },
      { op: "replace", path: 'emails[type eq "home"]', value: { value: "n@example.com" } },
    ],
    ["emails", 0, "value"],
    "n@example.com",
  ],
  ["passwords are not kept", [{ op: "replace", value: { password: "s3cret" } }], ["password"], undefined],
];

test("a user is changed as providers write it", async (t) => {
  for (const [who, operations, path, expected] of patches) {
    await t.test(who, async () => {
      const id = await fresh();
      const answer = await scim.patch(`/Users/${id}`, ...operations);
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(at(answer.body, ...path), expected, answer.text);
      assert.equal(answer.body["id"], id);
      assert.deepEqual((await scim.get(`/Users/${id}`)).body, answer.body);
    });
  }
});

test("a user is made, and replaced as Okta does it", async () => {
  const made = await scim.send("POST", "/Users", {
    schemas: [USER, ENTERPRISE],
    userName: "jane.doe@example.com",
    name: { givenName: "Jane", familyName: "Doe" },
    emails: [{ primary: "True", value: "jane.doe@example.com", type: "work" }],
    displayName: "Jane Doe",
    locale: "en-US",
    externalId: "00u1",
    groups: [],
    password: "1mz050nq",
    active: true,
    [ENTERPRISE]: { manager: "26118915", department: "Ops" },
  });
  assert.equal(made.status, 201, made.text);
  const id = textAt(made.body, "id");
  assert.equal(made.headers.get("location"), textAt(made.body, "meta", "location"));
  assert.equal(made.headers.get("content-type")?.split(";")[0], "application/scim+json");
  assert.equal(at(made.body, "emails", 0, "primary"), true);
  assert.doesNotMatch(made.text, /1mz050nq/);
  const put = await scim.send("PUT", `/Users/${id}`, {
    ...made.body,
    displayName: "Jane D.",
    active: false,
  });
  assert.deepEqual([put.status, put.body["displayName"], put.body["active"]], [200, "Jane D.", false], put.text);
  // A whole that is silent about it re-activates nobody.
  const silent = await scim.send("PUT", `/Users/${id}`, { schemas: [USER], userName: "jane.doe@example.com" });
  assert.deepEqual([silent.status, silent.body["active"]], [200, false], silent.text);
});

const members = (answer: JsonObject): readonly (Json | undefined)[] =>
  ((at(answer, "members") ?? []) as readonly Json[]).map((one) => at(one, "value"));

test("members of groups come and go in every shape", async (t) => {
  const [a, b, c] = [await fresh(), await fresh(), await fresh()];
  const cases: readonly (readonly [who: string, operations: readonly Json[], expected: readonly string[]])[] = [
    ["Okta adds", [{ op: "add", path: "members", value: [{ value: c, display: "x" }] }], [a, b, c]],
    ["Entra adds", [{ op: "Add", path: "members", value: [{ $ref: null, value: c }] }], [a, b, c]],
    [
      "somebody twice is there once",
      [{ op: "add", path: "members", value: [{ value: b }, { value: c }, { value: c }] }],
      [a, b, c],
    ],
    ["Okta removes by a path", [{ op: "remove", path: `members[value eq "${a}"]` }], [b]],
    ["Entra removes by the value", [{ op: "Remove", path: "members", value: [{ value: a }] }], [b]],
    ["Entra removes by the value, older", [{ op: "Remove", path: "members", value: [{ $ref: null, value: a }] }], [b]],
    ["nobody is left", [{ op: "remove", path: "members" }], []],
    ["who is not there goes", [{ op: "remove", path: `members[value eq "${c}"]` }], [a, b]],
    ["Okta replaces all", [{ op: "replace", path: "members", value: [{ value: c }] }], [c]],
    [
      "Okta renames with the id in the value",
      [{ op: "replace", value: { id: "x", displayName: "Named anew" } }],
      [a, b],
    ],
  ];
  for (const [who, operations, expected] of cases) {
    await t.test(who, async () => {
      const id = await scim.group(`Team ${++count}`, a, b);
      const answer = await scim.patch(`/Groups/${id}`, ...operations);
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(members(answer.body), expected);
      await scim.send("DELETE", `/Groups/${id}`);
    });
  }
});

test("all of a change or nothing of it", async () => {
  const id = await fresh({ title: "before" });
  const answer = await scim.patch(
    `/Users/${id}`,
    { op: "replace", path: "title", value: "after" },
    { op: "replace", path: "active", value: "perhaps" },
  );
  assert.equal(answer.status, 400);
  const read = await scim.get(`/Users/${id}`);
  assert.deepEqual([read.body["title"], read.body["active"]], ["before", true]);
});

test("what is wrong is said in SCIM's words", async (t) => {
  const id = await fresh({ externalId: "taken-1" });
  const other = await fresh();
  const patch = (...operations: readonly Json[]): JsonObject => ({ schemas: [PATCH], Operations: [...operations] });
  const deep = `${"(".repeat(40)}userName pr${")".repeat(40)}`;
  const cases: readonly (readonly [
    what: string,
    method: string,
    path: string,
    body: Json | null,
    status: number,
    type: string | undefined,
  ])[] = [
    [
      "the same user name",
      "POST",
      "/Users",
      { schemas: [USER], userName: `USER${count - 1}@example.com` },
      409,
      "uniqueness",
    ],
    [
      "the same external id",
      "POST",
      "/Users",
      { schemas: [USER], userName: "new@example.com", externalId: "taken-1" },
      409,
      "uniqueness",
    ],
    [
      "an external id that moves onto another",
      "PATCH",
      `/Users/${other}`,
      patch({ op: "add", path: "externalId", value: "taken-1" }),
      409,
      "uniqueness",
    ],
    ["no user name", "POST", "/Users", { schemas: [USER] }, 400, "invalidValue"],
    ["an unknown schema", "POST", "/Users", { schemas: ["urn:example:x"], userName: "x" }, 400, "invalidSyntax"],
    ["no schema", "POST", "/Users", { userName: "x" }, 400, "invalidSyntax"],
    ["no object", "POST", "/Users", [], 400, "invalidSyntax"],
    [
      "a name twice in two cases",
      "POST",
      "/Users",
      { schemas: [USER], userName: "x", USERNAME: "y" },
      400,
      "invalidSyntax",
    ],
    ["nobody", "GET", "/Users/none", null, 404, undefined],
    ["a prototype's name", "GET", "/Users/__proto__", null, 404, undefined],
    ["a user that is constructor", "GET", "/Groups/constructor", null, 404, undefined],
    [
      "a path of a prototype",
      "PATCH",
      `/Users/${id}`,
      patch({ op: "add", path: "__proto__.polluted", value: "x" }),
      400,
      "invalidPath",
    ],
    [
      "a value of a prototype's name",
      "PATCH",
      `/Users/${id}`,
      patch({ op: "add", path: "constructor", value: { prototype: "x" } }),
      400,
      "invalidPath",
    ],
    ["an unknown verb", "PATCH", `/Users/${id}`, patch({ op: "merge", value: {} }), 400, "invalidSyntax"],
    ["a removal of nothing", "PATCH", `/Users/${id}`, patch({ op: "remove" }), 400, "noTarget"],
    ["the id", "PATCH", `/Users/${id}`, patch({ op: "replace", path: "id", value: "x" }), 400, "mutability"],
    ["active taken away", "PATCH", `/Users/${id}`, patch({ op: "remove", path: "active" }), 400, "mutability"],
    ["active null", "PATCH", `/Users/${id}`, patch({ op: "replace", path: "active", value: null }), 400, "mutability"],
    ["no operations", "PATCH", `/Users/${id}`, { schemas: [PATCH], Operations: [] }, 400, "invalidSyntax"],
    [
      "too many operations",
      "PATCH",
      `/Users/${id}`,
      patch(...Array.from({ length: 1001 }, () => ({ op: "remove", path: "title" }))),
      400,
      "tooMany",
    ],
    [
      "a text that is too long",
      "PATCH",
      `/Users/${id}`,
      patch({ op: "add", path: "title", value: "x".repeat(3000) }),
      400,
      "invalidValue",
    ],
    [
      "a member that nobody made",
      "POST",
      "/Groups",
      { schemas: [GROUP], displayName: "G", members: [{ value: "none" }] },
      400,
      "invalidValue",
    ],
    ["a name that makes no group", "POST", "/Groups", { schemas: [GROUP], displayName: "日本" }, 400, "invalidValue"],
    ["bulk", "POST", "/Bulk", { schemas: [], Operations: [] }, 501, undefined],
    ["a filter that is none", "GET", "/Users?filter=userName%20like%20%22a%22", null, 400, "invalidFilter"],
    [
      "a filter without an end",
      "GET",
      `/Users?filter=${encodeURIComponent('userName eq "a')}`,
      null,
      400,
      "invalidFilter",
    ],
    ["a filter that is too deep", "GET", `/Users?filter=${encodeURIComponent(deep)}`, null, 400, "invalidFilter"],
    [
      "a filter with too many terms",
      "GET",
      `/Users?filter=${encodeURIComponent(Array.from({ length: 70 }, () => "title pr").join(" or "))}`,
      null,
      400,
      "invalidFilter",
    ],
    [
      "a filter that is too long",
      "GET",
      `/Users?filter=${encodeURIComponent(`userName eq "${"x".repeat(5000)}"`)}`,
      null,
      400,
      "invalidFilter",
    ],
    [
      "a filter of a prototype's name",
      "GET",
      `/Users?filter=${encodeURIComponent('__proto__ eq "x"')}`,
      null,
      400,
      "invalidPath",
    ],
    ["a count that is none", "GET", "/Users?count=many", null, 400, "invalidValue"],
  ];
  for (const [what, method, path, body, status, type] of cases) {
    await t.test(what, async () => {
      const answer = await scim.send(method, path, body);
      assert.deepEqual([answer.status, at(answer.body, "scimType")], [status, type], answer.text);
      assert.deepEqual(answer.body["schemas"], ["urn:ietf:params:scim:api:messages:2.0:Error"]);
      assert.equal(answer.body["status"], String(status));
    });
  }
  assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
});

test("lists are filtered and paged", async (t) => {
  const [one, two] = await Promise.all([
    scim.user("filter.a@example.com", {
      displayName: "Filter A",
      title: "Lead",
      emails: [{ type: "work", value: "fa@corp.example" }],
    }),
    scim.user("filter.b@example.com", { displayName: "Filter B", externalId: "EXT-b", active: "False" }),
  ]);
  const cases: readonly (readonly [filter: string, expected: readonly string[]])[] = [
    ['userName eq "FILTER.A@example.com"', [one]],
    ['externalId eq "EXT-b"', [two]],
    ['externalId eq "ext-b"', []],
    [`id eq "${one}"`, [one]],
    ['userName sw "filter."', [one, two]],
    ['userName sw "filter." and title pr', [one]],
    ['userName sw "filter." and not (title pr)', [two]],
    ['userName sw "filter." and active eq false', [two]],
    ['userName eq "none" or displayName co "lter b"', [two]],
    ['userName sw "filter." and (title eq "lead" or active eq false)', [one, two]],
    ['emails[type eq "work" and value co "corp"]', [one]],
    ['emails co "corp.example"', [one]],
    ['emails.value ew "CORP.example"', [one]],
    ['urn:ietf:params:scim:schemas:core:2.0:User:userName eq "filter.a@example.com"', [one]],
    ['userName eq "filter.a@example.com" and id ne "x"', [one]],
    ['USERNAME EQ "filter.a@example.com"', [one]],
  ];
  for (const [filter, expected] of cases) {
    await t.test(filter, async () => {
      const answer = await scim.get(`/Users?filter=${encodeURIComponent(filter)}`);
      const found = ((at(answer.body, "Resources") ?? []) as readonly Json[]).map((user) => at(user, "id"));
      assert.deepEqual(new Set(found), new Set(expected), answer.text);
      assert.equal(answer.body["totalResults"], expected.length);
    });
  }
  const total = Number((await scim.get("/Users?count=0")).body["totalResults"]);
  const page = await scim.get("/Users?startIndex=2&count=3&attributes=userName");
  assert.deepEqual([page.body["totalResults"], page.body["itemsPerPage"], page.body["startIndex"]], [total, 3, 2]);
  assert.deepEqual(Object.keys(at(page.body, "Resources", 0) as JsonObject).toSorted(), ["id", "schemas", "userName"]);
  const beyond = await scim.get("/Users?startIndex=100000&count=100000");
  assert.deepEqual([beyond.status, beyond.body["itemsPerPage"]], [200, 0]);
});

test("versions keep two clients from overwriting each other", async () => {
  const id = await fresh();
  const read = await scim.get(`/Users/${id}`);
  const version = read.headers.get("etag") ?? "";
  assert.equal(version, textAt(read.body, "meta", "version"));
  assert.equal((await scim.send("GET", `/Users/${id}`, null, { "if-none-match": version })).status, 304);
  const change = { schemas: [PATCH], Operations: [{ op: "replace", path: "title", value: "one" }] };
  assert.equal((await scim.send("PATCH", `/Users/${id}`, change, { "if-match": version })).status, 200);
  assert.equal((await scim.send("PATCH", `/Users/${id}`, change, { "if-match": version })).status, 412);
  assert.equal((await scim.send("DELETE", `/Users/${id}`, null, { "if-match": version })).status, 412);
  assert.equal((await scim.send("DELETE", `/Users/${id}`)).status, 204);
  assert.equal((await scim.get(`/Users/${id}`)).status, 404);
});

test("the server describes itself", async () => {
  const config = await scim.get("/ServiceProviderConfig");
  assert.deepEqual([at(config.body, "patch", "supported"), at(config.body, "bulk", "supported")], [true, false]);
  const types = await scim.get("/ResourceTypes");
  assert.deepEqual(at(types.body, "totalResults"), 2);
  const schemas = await scim.get("/Schemas");
  const ids = (schemas.body["Resources"] as readonly Json[]).map((one) => at(one, "id"));
  assert.deepEqual(new Set(ids), new Set([USER, GROUP, ENTERPRISE]));
  const user = await scim.get(`/Schemas/${USER}`);
  const names = (user.body["attributes"] as readonly Json[]).map((one) => at(one, "name"));
  assert.ok(names.includes("userName") && !names.includes("password"), user.text);
});
