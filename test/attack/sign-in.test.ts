// Nobody gets in by a sign-in that is not theirs, and no login becomes somebody else's. Through the real server.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../../src/core/action/index.ts";
import { DIRECTORY, edited } from "../support/rules.ts";
import { codeOf } from "../support/flow.ts";
import { HandClock, HOUR, MINUTE } from "../support/clock.ts";
import { House, type Answer, type Client } from "../support/house.ts";
import { textAt } from "../support/json.ts";
import { MockProvider } from "../support/mock-provider.ts";
import { houseWith, providerConfig } from "../support/providers.ts";
import { Visitor } from "../support/visitor.ts";

const ANN = { email: "ann@example.com", name: "Ann Achterberg" };
const EVE = { email: "eve@example.com", name: "Eve Eriksen" };

/** A house and a provider whose `u-ann` is Ann, proven. */
async function houseOfAnn(
  part: Parameters<typeof MockProvider.open>[0] = {},
): Promise<AsyncDisposable & { house: House; idp: MockProvider }> {
  const idp = await MockProvider.open(part);
  const account = `{ issuer: "${idp.config.issuer}", subject: u-ann, strength: L4 }`;
  const directory = edited(DIRECTORY, `{ issuer: "https://idp.example.com", subject: 00u-ann, strength: L4 }`, account);
  const house = await House.open({ directory, signIn: [idp.config] });
  return {
    house,
    idp,
    [Symbol.asyncDispose]: async () => {
      await house[Symbol.asyncDispose]();
      await idp[Symbol.asyncDispose]();
    },
  };
}

test("login.csrf: an answer is worth nothing in a browser that did not ask, nor from another site", async () => {
  await using place = await houseOfAnn();
  const { house, idp } = place;
  const attacker = new Visitor(house);
  const back = await idp.pass(await attacker.begin("mock"));

  const victim = new Visitor(house);
  assert.equal(codeOf(await victim.finish("mock", back)), "answer_invalid", "no sign-in was begun there");
  await victim.begin("mock");
  assert.equal(codeOf(await victim.finish("mock", back)), "answer_invalid", "another one was begun there");
  assert.equal(victim.cookie("keyturn_session"), null);

  const elsewhere = await attacker.post("/v1/sign-in/oidc/mock", {}, "https://evil.example");
  assert.equal(codeOf(elsewhere), "cross_site");
  const finish = { search: back.search.slice(1) };
  assert.equal(
    codeOf(await attacker.post("/v1/sign-in/oidc/mock/finish", finish, "https://evil.example")),
    "cross_site",
  );
});

test("login.replayed: an answer works once, and its parts do not work in another sign-in", async () => {
  await using place = await houseOfAnn();
  const { house, idp } = place;
  const visitor = new Visitor(house);
  const address = await visitor.begin("mock");
  const back = await idp.pass(address);
  const begun = visitor.cookie("keyturn_sign_in") ?? "";
  const first = await visitor.finish("mock", back);
  assert.equal(first.body["status"], "signed_in", first.text);
  assert.equal(visitor.cookie("keyturn_sign_in"), null, "what was begun is over");

  // Whoever has copied everything, the cookie too, is told that the code is spent; and a new code for the same state is too late.
  visitor.setCookie("keyturn_sign_in", begun);
  assert.equal(codeOf(await visitor.finish("mock", back)), "answer_invalid");
  visitor.setCookie("keyturn_sign_in", begun);
  assert.equal(codeOf(await visitor.finish("mock", await idp.pass(address))), "answer_invalid");

  // A code of one sign-in with the state of another.
  const other = new Visitor(house);
  const theirs = await idp.pass(await other.begin("mock"));
  const mine = await idp.pass(await visitor.begin("mock"));
  mine.searchParams.set("code", theirs.searchParams.get("code") ?? "");
  assert.equal(codeOf(await visitor.finish("mock", mine)), "answer_invalid");
});

test("login.mix-up: an answer of one provider is not taken to another", async () => {
  await using evil = await MockProvider.open({ name: "evil" });
  await using idp = await MockProvider.open();
  await using house = await House.open({ signIn: [idp.config, evil.config] });
  const visitor = new Visitor(house);
  const back = await idp.pass(await visitor.begin("mock"));
  const begun = visitor.cookie("keyturn_sign_in") ?? "";
  assert.equal(codeOf(await visitor.finish("evil", back)), "answer_invalid");
  visitor.setCookie("keyturn_sign_in", begun);
  back.searchParams.set("iss", evil.config.issuer);
  assert.equal(codeOf(await visitor.finish("mock", back)), "answer_invalid", "`iss` names another (RFC 9207)");
});

const FORGED: readonly (readonly [what: string, claims: Record<string, Json | undefined>])[] = [
  ["another nonce", { nonce: "n" }],
  ["no nonce", { nonce: undefined }],
  ["another audience", { aud: "another-client" }],
  ["several audiences and no authorised party", { aud: ["keyturn", "another-client"] }],
  ["another issuer", { iss: "https://evil.example" }],
  ["over", { exp: 1_000_000 }],
  ["nobody", { sub: "" }],
];

test("login.forged: a token that is not for us, not from there, not now or not signed signs nobody in", async () => {
  await using place = await houseOfAnn();
  const { house, idp } = place;
  for (const [what, claims] of FORGED) {
    idp.alter = ({ payload }) => {
      for (const [name, value] of Object.entries(claims)) {
        if (value === undefined) delete payload[name];
        else Object.assign(payload, { [name]: value });
      }
    };
    const visitor = new Visitor(house);
    const answer = await visitor.finish("mock", await idp.pass(await visitor.begin("mock")));
    assert.ok(answer.status >= 400, `${what}: ${answer.text}`);
    assert.equal(visitor.cookie("keyturn_session"), null, what);
  }
  idp.alter = () => {};
  // The right claims, under a key that the provider does not publish.
  for (const header of [{ alg: "none" }, { alg: "HS256" }]) {
    idp.server.service.once("beforeResponse", (response: { body: Record<string, unknown> }) => {
      const [, payload = ""] = String(response.body["id_token"]).split(".");
      const text = Buffer.from(JSON.stringify(header)).toString("base64url");
      response.body["id_token"] = `${text}.${payload}.${header.alg === "none" ? "" : "c2lnbmF0dXJl"}`;
    });
    const visitor = new Visitor(house);
    const answer = await visitor.finish("mock", await idp.pass(await visitor.begin("mock")));
    assert.equal(codeOf(answer), "answer_invalid", header.alg);
  }
  idp.server.service.once("beforeResponse", (response: { body: Record<string, unknown> }) => {
    const token = String(response.body["id_token"]);
    response.body["id_token"] = `${token.slice(0, -8)}${token.endsWith("AAAAAAAA") ? "BBBBBBBB" : "AAAAAAAA"}`;
  });
  const visitor = new Visitor(house);
  assert.equal(codeOf(await visitor.finish("mock", await idp.pass(await visitor.begin("mock")))), "answer_invalid");
});

test("login.redirect: after a sign-in the browser goes on to a page of the console, and nowhere else", async () => {
  await using place = await houseOfAnn();
  const { house, idp } = place;
  for (const [next, expected] of [
    ["/requests/arq_01", "/requests/arq_01"],
    ["/accounts", "/accounts"],
    ["//evil.example", "/"],
    ["https://evil.example", "/"],
    ["/\\evil.example", "/"],
    ["/requests/../../x", "/"],
    ["javascript:alert(1)", "/"],
  ] as const) {
    const body = await new Visitor(house).signIn("mock", idp.pass, next);
    assert.equal(body["next"], expected, next);
  }
  // And the provider sends it back to exactly the page that belongs to it.
  const address = await new Visitor(house).begin("mock");
  assert.equal(address.searchParams.get("redirect_uri"), `${house.url}/sign-in/mock`);
  assert.equal(address.searchParams.get("code_challenge_method"), "S256");
});

test("login.email: the same address is not the same person", async () => {
  await using place = await houseWith("okta", [ANN]);
  const visitor = new Visitor(place.house);
  const unlinked = await visitor.signIn("okta", place.idp.as(ANN.email));
  assert.equal(unlinked["status"], "unlinked");
  assert.equal(visitor.cookie("keyturn_session"), null);
});

test("channel.link-hijack: a link that somebody else began makes nothing theirs, and needs a firm, fresh yes to what was shown", async () => {
  await using place = await houseWith("okta", [ANN, EVE, { email: "m@example.net", name: "Mallory" }]);
  const { house, idp } = place;
  // Eve begins, and sends Ann the link: the login has Eve's address, so it cannot become Ann's.
  const eve = await new Visitor(house).signIn("okta", idp.as(EVE.email));
  const ann = new Visitor(house);
  await ann.open(house, "ann");
  assert.equal(codeOf(await ann.post("/v1/links/look", { code: eve["code"] ?? null })), "link_of_another");
  const login = eve["login"] as { issuer: string; subject: string };
  const account = { issuer: login.issuer, subject: login.subject };
  assert.equal(codeOf(await ann.post("/v1/links", { code: eve["code"] ?? null, ...account })), "link_of_another");

  // A stranger's login: looking joins nothing, and a yes to another login than the one shown is none.
  const mallory = await new Visitor(house).signIn("okta", idp.as("m@example.net"));
  assert.equal((await ann.post("/v1/links/look", { code: mallory["code"] ?? null })).status, 200);
  assert.equal(house.people.holderOf(account.issuer, (mallory["login"] as { subject: string }).subject), undefined);
  assert.equal(codeOf(await ann.post("/v1/links", { code: mallory["code"] ?? null, ...account })), "link_spent");
  // From another site, without a session, and with what is no link.
  const body = { code: mallory["code"] ?? null, ...(mallory["login"] as { issuer: string; subject: string }) };
  const said = { code: body.code, issuer: body.issuer, subject: body.subject };
  assert.equal(codeOf(await ann.post("/v1/links", said, "https://evil.example")), "cross_site");
  assert.equal((await new Visitor(house).post("/v1/links", said)).status, 401);
  assert.equal(codeOf(await ann.post("/v1/links/look", { code: await house.code("eve") })), "link_spent");

  // A login that is somebody's already cannot be taken, however its holder is asked.
  const mine = new Visitor(house);
  await mine.open(house, "eve");
  const taken = await new Visitor(house).signIn("okta", idp.as(EVE.email));
  const joined = await mine.post("/v1/links", { code: taken["code"] ?? null, ...account });
  assert.equal(joined.status, 200, joined.text);
  assert.equal(codeOf(await ann.post("/v1/links", { code: eve["code"] ?? null, ...account })), "account_taken");
});

test("channel.link-hijack: a session by a login that is only said to be somebody's makes no firm login", async () => {
  await using idp = await MockProvider.open();
  const said = `{ issuer: "${idp.config.issuer}", subject: u-ann, strength: L2 }`;
  const directory = edited(DIRECTORY, `{ issuer: "https://idp.example.com", subject: 00u-ann, strength: L4 }`, said);
  await using house = await House.open({ directory, signIn: [idp.config] });
  const visitor = new Visitor(house);
  assert.equal((await visitor.signIn("mock", idp.pass))["status"], "signed_in");
  idp.claims = { sub: "u-second" };
  const second = await new Visitor(house).signIn("mock", idp.pass);
  const { issuer, subject } = second["login"] as { issuer: string; subject: string };
  const answer = await visitor.post("/v1/links", { code: second["code"] ?? null, issuer, subject });
  assert.equal(codeOf(answer), "link_too_weak");
});

test("a provider that is down, redirects, or is not what it says it is, is a clear message and no way in", async () => {
  const down = providerConfig({ name: "down", issuer: "http://127.0.0.1:9" });
  await using house = await House.open({ signIn: [down] });
  const answer = await new Visitor(house).post("/v1/sign-in/oidc/down", {});
  assert.deepEqual([answer.status, codeOf(answer)], [503, "provider_unavailable"]);
  assert.equal((await new Visitor(house).post("/v1/sign-in/oidc/nobody", {})).status, 404);
  // The one-time link is still there.
  const visitor = new Visitor(house);
  await visitor.open(house, "ann");
  assert.equal((await visitor.get("/v1/me")).status, 200);
});

test("channel.link-hijack: what a session opens for another device is no fresher, no longer and no safer from its end than itself", async () => {
  await using idp = await MockProvider.open();
  const clock = new HandClock(Date.now());
  await using house = await House.open({ signIn: [idp.config], clock });
  const open = async (code: string): Promise<Client> => {
    const { body, status, text } = await house.anyone.post("/v1/sign-in", { code, client: "cli" });
    assert.equal(status, 200, text);
    return house.as(textAt(body, "session"));
  };
  const handOut = async (client: Client): Promise<string> =>
    textAt((await client.post("/v1/me/sign-in-code", {})).body, "url").split("#code=")[1] ?? "";
  const isSpent = async (code: string): Promise<boolean> =>
    (await house.anyone.post("/v1/sign-in", { code, client: "cli" })).status === 401;

  // Whoever finds an old session does not make a fresh one of it, and joins no login of theirs.
  const ann = await house.person("ann");
  clock.pass(20 * MINUTE);
  const second = await open(await handOut(ann));
  idp.claims = { sub: "u-mallory" };
  const unlinked = await new Visitor(house).signIn("mock", idp.pass);
  const { issuer, subject } = unlinked["login"] as { issuer: string; subject: string };
  const said = { code: unlinked["code"] ?? null, issuer, subject };
  for (const client of [ann, second]) assert.equal(codeOf(await client.post("/v1/links", said)), "sign_in_again");
  assert.equal(house.people.holderOf(issuer, subject), undefined);

  // Not even through a third one does it outlive the first.
  const third = await open(await handOut(second));
  for (let hour = 0; hour < 12; hour++) {
    assert.equal((await third.get("/v1/me")).status, 200, `hour ${hour}`);
    assert.equal((await ann.get("/v1/me")).status, 200, `hour ${hour}`);
    if (hour < 11) clock.pass(HOUR);
  }
  clock.pass(40 * MINUTE + 1);
  for (const client of [ann, second, third]) assert.equal((await client.get("/v1/me")).status, 401);

  // A code falls with the session that made it, however that ends.
  const ends: readonly (readonly [what: string, end: (client: Client) => Promise<Answer>])[] = [
    ["signed out", (client) => client.post("/v1/sign-out", {})],
    ["ended by an administrator", () => house.operator.post("/v1/people/bob/sessions/end", {})],
  ];
  for (const [what, end] of ends) {
    const bob = await house.person("bob");
    const code = await handOut(bob);
    assert.equal((await end(bob)).status, 200);
    assert.equal(await isSpent(code), true, what);
  }
});

test("credentials that are made often are forgotten some days after their end", async () => {
  const clock = new HandClock();
  await using house = await House.open({ clock });
  const kept = async (): Promise<number> => (await house.store.documents("credential")).length;
  const before = await kept();
  for (let i = 0; i < 5; i++) await house.person("ann");
  assert.equal(await kept(), before + 10, "a code and a session each");
  clock.pass(10 * 24 * HOUR);
  await house.person("ann");
  assert.equal(await kept(), before + 2);
  assert.equal((await house.store.documents("session_seen")).length, 0);
});

test("input.csrf: nobody is signed out, linked or unlinked by a form of another site", async () => {
  await using place = await houseOfAnn();
  const visitor = new Visitor(place.house);
  await visitor.open(place.house, "ann");
  const cookie = `keyturn_session=${visitor.cookie("keyturn_session")}`;
  for (const path of ["/v1/sign-out", "/v1/links", "/v1/me/accounts/unlink", "/v1/me/sign-in-code", "/v1/sign-in"]) {
    const headers = { cookie, origin: "https://evil.example", "content-type": "application/x-www-form-urlencoded" };
    const answer = await place.house.anyone.send("POST", path, "a=b", { headers });
    assert.ok([403, 415].includes(answer.status), `${path}: ${answer.text}`);
  }
  assert.equal((await visitor.get("/v1/me")).status, 200);
});
