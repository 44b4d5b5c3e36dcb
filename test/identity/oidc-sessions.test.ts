import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../../src/core/action/index.ts";
import type { Instant } from "../../src/core/brand.ts";
import { codeOf } from "../support/flow.ts";
import { House, type Client, type HouseOptions } from "../support/house.ts";
import { at, textAt } from "../support/json.ts";
import { MockProvider } from "../support/mock-provider.ts";
import { DIRECTORY, edited } from "../support/rules.ts";
import { Visitor } from "../support/visitor.ts";

type Place = AsyncDisposable & { readonly house: House; readonly idp: MockProvider };

/** A house in which `u-ann` of a provider is Ann. */
async function place(part: Parameters<typeof MockProvider.open>[0] = {}, options: HouseOptions = {}): Promise<Place> {
  const idp = await MockProvider.open(part);
  const account = `{ issuer: "${idp.config.issuer}", subject: u-ann, strength: L4 }`;
  const directory = edited(DIRECTORY, `{ issuer: "https://idp.example.com", subject: 00u-ann, strength: L4 }`, account);
  const house = await House.open({ directory, ...options, signIn: [idp.config] });
  return {
    house,
    idp,
    [Symbol.asyncDispose]: async () => {
      await house[Symbol.asyncDispose]();
      await idp[Symbol.asyncDispose]();
    },
  };
}

async function signedIn({ house, idp }: Place): Promise<Visitor> {
  const visitor = new Visitor(house);
  assert.equal((await visitor.signIn("mock", idp.pass))["status"], "signed_in");
  return visitor;
}

async function sessionsOf(client: Pick<Client, "get">): Promise<readonly JsonObject[]> {
  return (await client.get("/v1/sessions")).body["sessions"] as JsonObject[];
}

test("a session says how its person was proven, and the ledger keeps it", async () => {
  await using here = await place();
  const authTime = Math.floor(Date.now() / 1000) - 60;
  here.idp.claims = { acr: "urn:mace:incommon:iap:silver", amr: ["pwd", "otp"], auth_time: authTime, sid: "s-1" };
  const visitor = await signedIn(here);
  const [session] = await sessionsOf(visitor);
  assert.deepEqual(
    [session?.["by"], session?.["acr"], session?.["amr"], session?.["authenticated_at"], session?.["current"]],
    ["mock", "urn:mace:incommon:iap:silver", ["pwd", "otp"], new Date(authTime * 1000).toISOString(), true],
  );
  const opened = (await here.house.entries()).filter(({ type }) => type === "session.opened");
  assert.deepEqual(at(opened.at(-1)?.payload ?? {}, "proof"), {
    provider: "mock",
    acr: "urn:mace:incommon:iap:silver",
    amr: ["pwd", "otp"],
    authTime,
    sub: "u-ann",
    sid: "s-1",
  });
});

test("signing in again gives another secret and ends the session before", async () => {
  await using here = await place();
  const visitor = await signedIn(here);
  const before = visitor.cookie("keyturn_session");
  await visitor.signIn("mock", here.idp.pass);
  assert.notEqual(visitor.cookie("keyturn_session"), before);
  assert.equal((await here.house.as(before).get("/v1/me")).status, 401);
  assert.equal((await sessionsOf(visitor)).length, 1);
});

test("people end their own sessions, nobody ends another's, and the operator ends everybody's", async () => {
  await using here = await place();
  const { house } = here;
  const one = await signedIn(here);
  const two = await signedIn(here);
  const bob = await house.person("bob");
  const [other] = (await sessionsOf(one)).filter(({ current }) => current === false);
  const id = textAt(other ?? {}, "id");
  assert.equal(codeOf(await bob.post(`/v1/sessions/${id}/end`, {})), "session_unknown");
  assert.equal((await one.post(`/v1/sessions/${id}/end`, {})).status, 200);
  assert.equal((await two.get("/v1/me")).status, 401);
  assert.equal((await one.get("/v1/me")).status, 200);
  assert.equal((await bob.get("/v1/people/ann/sessions")).status, 403);
  assert.equal((await house.operator.get("/v1/people/ann/sessions")).body["sessions"] instanceof Array, true);
  assert.deepEqual((await house.operator.post("/v1/people/ann/sessions/end", {})).body, { ended: 1 });
  assert.equal((await one.get("/v1/me")).status, 401);
});

test("whoever is deactivated, or loses the login, loses the session for good, and the ledger says why", async () => {
  await using here = await place();
  const { house } = here;
  const visitor = await signedIn(here);
  const secret = visitor.cookie("keyturn_session");
  await house.operator.post("/v1/people/ann/active", { active: false });
  assert.equal((await visitor.get("/v1/me")).status, 401);
  await house.operator.post("/v1/people/ann/active", { active: true });
  await eventually(async () => (await closed(house)).length === 1);
  assert.equal((await house.as(secret).get("/v1/me")).status, 401, "it does not wake up again");
  assert.match(textAt((await closed(house))[0] ?? {}, "because"), /deactivated/);

  const again = await signedIn(here);
  await house.change({ directory: DIRECTORY });
  assert.equal((await again.get("/v1/me")).status, 401, "the login is not Ann's any more");
  await eventually(async () => (await closed(house)).length === 2);
});

async function closed(house: House): Promise<readonly JsonObject[]> {
  const entries = await house.entries();
  return entries.flatMap(({ type, payload }) => (type === "session.closed" ? [payload as JsonObject] : []));
}

async function eventually(what: () => Promise<boolean>): Promise<void> {
  for (let round = 0; round < 200; round++) {
    if (await what()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail("it did not happen within two seconds");
}

test("a session that is not used ends after two hours, a used one after twelve", async () => {
  let now = Date.now() as Instant;
  await using house = await House.open({ clock: { now: () => now } });
  const pass = (minutes: number): void => {
    now = (now + minutes * 60_000) as Instant;
  };
  const [idle, busy] = [await house.person("ann"), await house.person("bob")];
  for (let hour = 0; hour < 11; hour++) {
    pass(60);
    assert.equal((await busy.get("/v1/me")).status, 200, `after ${hour + 1} hours`);
  }
  assert.equal((await idle.get("/v1/me")).status, 401);
  pass(61);
  assert.equal((await busy.get("/v1/me")).status, 401);
});

test("groups follow the claims: mapped ones alone, and out again when the claim goes", async () => {
  const groups = {
    claim: "realm_access.roles",
    map: new Map([
      ["Data", ["data-owners"]],
      ["Sec", ["security", "duty"]],
    ]),
  };
  await using here = await place({ groups });
  const { house, idp } = here;
  const mine = (): readonly string[] => [...house.people.groupsOf("oidc:mock", "ann" as never)].toSorted();
  idp.claims = { realm_access: { roles: ["Sec", "unmapped", 7] } };
  const visitor = await signedIn(here);
  assert.deepEqual(mine(), ["duty", "security"]);
  idp.claims = { realm_access: { roles: ["Data"] } };
  await visitor.signIn("mock", idp.pass);
  assert.deepEqual(mine(), ["data-owners"]);
  idp.claims = {};
  await visitor.signIn("mock", idp.pass);
  assert.deepEqual(mine(), []);
  assert.ok((await visitor.get("/v1/me")).text.includes("security"), "what the file says stays");
});

test("a login without the claims that are required is refused", async () => {
  await using here = await place({ require: { hd: "example.com", email_verified: "true" } });
  const attempt = async (): Promise<string> => {
    const visitor = new Visitor(here.house);
    const answer = await visitor.finish("mock", await here.idp.pass(await visitor.begin("mock")));
    return answer.status === 200 ? textAt(answer.body, "status") : codeOf(answer);
  };
  assert.equal(await attempt(), "login_refused");
  here.idp.claims = { hd: "example.com.evil.example", email_verified: true };
  assert.equal(await attempt(), "login_refused");
  here.idp.claims = { hd: "example.com", email_verified: true };
  assert.equal(await attempt(), "signed_in");
});

test("a code from one's own session signs in the command line, as the same login, once", async () => {
  await using here = await place();
  const visitor = await signedIn(here);
  const { body } = await visitor.post("/v1/me/sign-in-code", {});
  const code = textAt(body, "url").split("#code=")[1] ?? "";
  const cli = await here.house.anyone.post("/v1/sign-in", { code, client: "cli" });
  const client = here.house.as(textAt(cli.body, "session"));
  const accounts = (await client.get("/v1/me/accounts")).body["accounts"] as JsonObject[];
  assert.deepEqual(
    accounts.filter(({ current }) => current === true).map(({ subject }) => subject),
    ["u-ann"],
  );
  assert.equal((await here.house.anyone.post("/v1/sign-in", { code, client: "cli" })).status, 401);
});

const EVENT = { "http://schemas.openid.net/event/backchannel-logout": {} };

test("login.logout: a provider ends the sessions it names, once, and nobody else can", async () => {
  await using here = await place();
  const { house, idp } = here;
  idp.claims = { sid: "s-1" };
  const one = await signedIn(here);
  idp.claims = { sid: "s-2" };
  const two = await signedIn(here);
  const iat = Math.floor(Date.now() / 1000);
  const right = {
    iss: idp.config.issuer,
    aud: "keyturn",
    iat,
    exp: iat + 120,
    jti: "j-0",
    events: EVENT,
    sub: "u-ann",
  };
  const send = async (claims: Record<string, unknown>, alter = (token: string): string => token): Promise<unknown> => {
    const body = `logout_token=${alter(await idp.token(claims))}`;
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const answer = await house.anyone.send("POST", "/v1/sign-in/oidc/mock/logout", body, { headers });
    return answer.status === 200 ? answer.body["ended"] : codeOf(answer);
  };
  const wrong: readonly (readonly [string, Record<string, unknown>])[] = [
    ["a nonce, like an ID token's", { ...right, nonce: "n" }],
    ["no event", { ...right, events: undefined }],
    ["another event", { ...right, events: { "http://schemas.openid.net/event/other": {} } }],
    ["nobody", { ...right, sub: undefined }],
    ["no jti", { ...right, jti: undefined }],
    ["another audience", { ...right, aud: "another" }],
    ["another issuer", { ...right, iss: "https://evil.example" }],
    ["old", { ...right, iat: iat - 3600, exp: iat + 120 }],
    ["over", { ...right, exp: iat - 3600 }],
  ];
  for (const [what, claims] of wrong) assert.equal(await send(claims), "logout_token_invalid", what);
  assert.equal(
    await send(right, (token) => `${token.slice(0, -6)}AAAAAA`),
    "logout_token_invalid",
    "another signature",
  );
  assert.equal((await one.get("/v1/me")).status, 200);
  assert.equal((await house.anyone.post("/v1/sign-in/oidc/mock/logout", { logout_token: "x" })).status, 415, "JSON");

  assert.equal(await send({ ...right, jti: "j-1", sid: "s-1" }), 1);
  assert.equal((await one.get("/v1/me")).status, 401);
  assert.equal((await two.get("/v1/me")).status, 200, "the other session there goes on");
  const replayed = await signedIn(here);
  assert.equal(await send({ ...right, jti: "j-1" }), 0, "the same token again ends nothing");
  assert.equal((await replayed.get("/v1/me")).status, 200);
  assert.equal(await send({ ...right, jti: "j-2" }), 2, "all of the person");
  assert.equal((await two.get("/v1/me")).status, 401);
});
