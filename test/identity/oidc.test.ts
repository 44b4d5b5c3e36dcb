import assert from "node:assert/strict";
import { test } from "node:test";
import { houseWith, type Kind } from "../support/providers.ts";
import { Visitor } from "../support/visitor.ts";

const ANN = { email: "ann@example.com", name: "Ann Achterberg" };
const ZOE = { email: "zoe@example.com", name: "Zoe Zimmer" };

for (const kind of ["okta", "entra"] as const satisfies readonly Kind[]) {
  test(`${kind}: a login of nobody opens nothing; joined in a session of the same browser, it signs its person in`, async () => {
    await using place = await houseWith(kind, [ANN]);
    const { house, idp } = place;
    const visitor = new Visitor(house);
    const unlinked = await visitor.signIn(kind, idp.as(ANN.email));
    assert.equal(unlinked["status"], "unlinked");
    assert.equal(visitor.cookie("keyturn_session"), null);
    assert.equal((await visitor.get("/v1/me")).status, 401);

    await visitor.open(house, "ann");
    const before = visitor.cookie("keyturn_session");
    const look = await visitor.post("/v1/links/look", { code: unlinked["code"] ?? null });
    assert.equal(look.status, 200, look.text);
    const login = look.body["login"] as { issuer: string; subject: string };
    const confirm = { code: unlinked["code"] ?? null, issuer: login.issuer, subject: login.subject };
    const joined = await visitor.post("/v1/links", confirm);
    assert.deepEqual(joined.body, { status: "applied" }, joined.text);
    assert.notEqual(visitor.cookie("keyturn_session"), before, "the session has another secret");
    assert.equal((await house.as(before).get("/v1/me")).status, 401);
    assert.equal((await visitor.post("/v1/links", confirm)).status, 401, "a link works once");

    const fresh = new Visitor(house);
    const signedIn = await fresh.signIn(kind, idp.as(ANN.email), "/requests/arq_x");
    assert.equal(signedIn["status"], "signed_in");
    assert.equal(signedIn["next"], "/requests/arq_x");
    const { body } = await fresh.get("/v1/me");
    assert.equal((body["person"] as { id: string }).id, "ann");
    const accounts = (await fresh.get("/v1/me/accounts")).body["accounts"] as { strength: string; current: boolean }[];
    assert.deepEqual(
      accounts.filter(({ current }) => current).map(({ strength }) => strength),
      ["L3"],
    );
  });
}

test("entra: the account is the object of the tenant, not `sub`", async () => {
  await using place = await houseWith("entra", [ANN]);
  const unlinked = await new Visitor(place.house).signIn("entra", place.idp.as(ANN.email));
  const { issuer, subject } = unlinked["login"] as { issuer: string; subject: string };
  assert.equal(issuer, place.idp.config.issuer);
  assert.match(subject, /^[0-9a-f-]{36}$/);
});

test("an unknown person of a provider with `people: create` becomes one, without a place in any group", async () => {
  await using place = await houseWith("okta", [ANN, ZOE], { provider: { people: "create" } });
  const visitor = new Visitor(place.house);
  const made = await visitor.signIn("okta", place.idp.as(ZOE.email));
  const person = made["person"] as { id: string; name: string; groups: string[] };
  assert.match(person.id, /^okta-[0-9a-f]{16}$/);
  assert.deepEqual([person.name, person.groups], ["Zoe Zimmer", []]);
  const again = await visitor.signIn("okta", place.idp.as(ZOE.email));
  assert.equal((again["person"] as { id: string }).id, person.id, "the same login is the same person");
  // Ann is known by her address: a second person of hers would count twice.
  const known = await new Visitor(place.house).signIn("okta", place.idp.as(ANN.email));
  assert.equal(known["status"], "unlinked");
});
