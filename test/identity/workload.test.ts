// Pipelines and workloads: whose token lets in whom, and each refusal by its name.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import type { Json } from "../../src/core/action/index.ts";
import { fitsPattern, WorkloadsWritten } from "../../src/identity/workload/index.ts";
import { exportRows } from "../support/actions.ts";
import { approve, codeOf, hold, permitFor, redeem, review } from "../support/flow.ts";
import { House } from "../support/house.ts";
import { at, textAt } from "../support/json.ts";
import { AUDIENCE, exchange, Issuer, Prover, rulesOf } from "../support/workload.ts";

const GITHUB = {
  repository: "acme/shop",
  repository_id: "74",
  repository_owner_id: "65",
  job_workflow_ref: "acme/shop/.github/workflows/deploy.yml@refs/heads/main",
  ref: "refs/heads/main",
  event_name: "push",
  actor: "cy-codes",
  actor_id: "4711",
  run_id: "1",
  run_attempt: "1",
  sub: "repo:acme/shop:ref:refs/heads/main",
};
const GITLAB = {
  project_id: "22",
  project_path: "acme/shop",
  namespace_id: "72",
  ref_protected: "true",
  pipeline_source: "push",
  user_login: "dee",
  user_email: "dee@example.com",
  user_id: "9",
  job_id: "302",
};

let issuer: Issuer;
let house: House;
before(async () => {
  issuer = await Issuer.open();
  const from = { issuer: issuer.url };
  house = await House.open({
    workloads: rulesOf(
      {
        ...from,
        name: "github",
        platform: "github",
        match: { repository_id: "74", job_workflow_ref: "acme/shop/.github/workflows/deploy.yml@refs/heads/*" },
      },
      { ...from, name: "gitlab", platform: "gitlab", match: { project_id: 22, ref_protected: true } },
      {
        ...from,
        name: "kube",
        platform: "kubernetes",
        match: { "/kubernetes.io/namespace": "prod", "/kubernetes.io/serviceaccount/name": ["deployer", "migrator-*"] },
      },
      { ...from, name: "person", match: { client_id: "helper" } },
      { ...from, name: "bound", match: { client_id: "bound" }, require_dpop: true },
      { ...from, name: "long", match: { client_id: "long" }, audience: "long", accept_long_tokens: true },
      { ...from, name: "twin-a", match: { client_id: "twin" } },
      { ...from, name: "twin-b", match: { client_id: "tw*" } },
      { ...from, name: "stale", match: { client_id: "stale" }, agent: "retired-bot" },
      { issuer: "http://127.0.0.1:1", name: "down", match: { client_id: "x" } },
    ),
  });
});
after(async () => {
  await house[Symbol.asyncDispose]();
  await issuer[Symbol.asyncDispose]();
});

test("a platform's token is exchanged for a short token of one agent at one gate", async (t) => {
  for (const [platform, claims] of [
    ["GitHub Actions", GITHUB],
    ["GitLab CI", GITLAB],
    [
      "Kubernetes",
      {
        "kubernetes.io": { namespace: "prod", serviceaccount: { name: "migrator-7", uid: "u" } },
        sub: "system:serviceaccount:prod:migrator-7",
      },
    ],
    ["any other", { client_id: "helper", sub: "x", email: "fay@example.com" }],
    ["an audience as a list of one", { ...GITHUB, aud: [AUDIENCE] }],
    ["without a jti", { ...GITHUB, jti: undefined, run_id: "2" }],
  ] as const) {
    await t.test(platform, async () => {
      const answer = await exchange(house, await issuer.token(claims));
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(
        [answer.body["token_type"], answer.body["expires_in"], answer.body["issued_token_type"]],
        ["Bearer", 900, "urn:ietf:params:oauth:token-type:access_token"],
      );
      const gate = house.as(textAt(answer.body, "access_token"));
      const who = await gate.get("/v1/whoami");
      assert.deepEqual(who.body, { agent: { type: "pipeline", id: "deploy-bot" }, gate: "ci" });
    });
  }
});

test("each refusal has its name", async (t) => {
  const now = Math.floor(Date.now() / 1000);
  const { privateKey } = await generateKeyPair("RS256");
  const stranger = await new SignJWT({ ...GITHUB, iss: issuer.url, aud: AUDIENCE, iat: now, exp: now + 60 })
    .setProtectedHeader({ alg: "RS256" })
    .sign(privateKey);
  const secret = new TextEncoder().encode("k".repeat(32));
  const symmetric = await new SignJWT({ ...GITHUB, iss: issuer.url, aud: AUDIENCE, iat: now, exp: now + 60 })
    .setProtectedHeader({ alg: "HS256" })
    .sign(secret);
  const part = (value: string): string => Buffer.from(value).toString("base64url");
  const none = `${part('{"alg":"none"}')}.${part(JSON.stringify({ ...GITHUB, iss: issuer.url, aud: AUDIENCE, iat: now, exp: now + 60 }))}.${part("x")}`;
  const good = await issuer.token(GITHUB);
  const [head = "", body = "", signature = ""] = good.split(".");
  const other = JSON.parse(Buffer.from(body, "base64url").toString()) as Record<string, unknown>;
  const swapped = `${head}.${part(JSON.stringify({ ...other, repository_id: "74", actor: "ann" }))}.${signature}`;
  const twice = `${head}.${part(`{"iss":"${issuer.url}","iss":"x"}`)}.${signature}`;
  const of = (claims: Readonly<Record<string, unknown>>, header = {}): Promise<string> =>
    issuer.token({ ...GITHUB, ...claims }, header);
  const cases: readonly (readonly [what: string, token: string, code: string])[] = [
    ["no token", "x", "token_malformed"],
    ["a token of two parts", "a.b", "token_malformed"],
    ["a claim that stands twice", twice, "token_malformed"],
    ["an issuer that no rule names", await of({ iss: "https://evil.example" }), "issuer_unknown"],
    ["no issuer", await of({ iss: undefined }), "token_malformed"],
    ["a stranger's key", stranger, "signature_invalid"],
    ["claims that were changed", swapped, "signature_invalid"],
    ["a shared secret", symmetric, "algorithm_refused"],
    ["no signature", none, "algorithm_refused"],
    ["another audience", await of({ aud: "https://other.example" }), "audience_wrong"],
    ["an audience beside ours", await of({ aud: [AUDIENCE, "https://other.example"] }), "audience_wrong"],
    ["an audience that only begins like ours", await of({ aud: `${AUDIENCE}/` }), "audience_wrong"],
    ["an old token", await of({ iat: now - 400, exp: now - 61 }), "token_expired"],
    ["a token from the future", await of({ iat: now + 120, exp: now + 240 }), "token_not_yet"],
    ["a token that is not yet good", await of({ nbf: now + 120 }), "token_not_yet"],
    ["a token that lives long", await of({ exp: now + 601 }), "token_too_long"],
    ["no end", await of({ exp: undefined }), "token_malformed"],
    ["an end that is a text", await of({ exp: String(now + 60) }), "token_malformed"],
    ["another repository", await of({ repository_id: "75" }), "no_rule"],
    ["a branch that goes on", await of({ job_workflow_ref: `${GITHUB.job_workflow_ref}/x` }), "no_rule"],
    ["a strangers' event", await of({ event_name: "pull_request_target" }), "pull_request_target_refused"],
    [
      "a merge request",
      await issuer.token({ ...GITLAB, pipeline_source: "merge_request_event" }),
      "merge_request_refused",
    ],
    ["a logout token", await of({}, { typ: "logout+jwt" }), "token_malformed"],
    ["two rules", await issuer.token({ client_id: "twin" }), "ambiguous"],
    ["an agent that is gone", await issuer.token({ client_id: "stale" }), "agent_unknown"],
    ["an issuer that is down", await issuer.token({ iss: "http://127.0.0.1:1", client_id: "x" }), "keys_unavailable"],
    ["no proof where one is wanted", await issuer.token({ client_id: "bound" }), "proof_missing"],
    [
      "a long token too late",
      await issuer.token({ client_id: "long", aud: "long", iat: now - 700, exp: now + 3000 }),
      "token_expired",
    ],
  ];
  for (const [what, token, code] of cases) {
    await t.test(what, async () => {
      const answer = await exchange(house, token);
      assert.equal(answer.body["code"], code, answer.text);
      assert.equal(answer.status, code === "keys_unavailable" ? 503 : 400);
      assert.equal(typeof answer.body["error"], "string");
      assert.ok(!answer.text.includes(token) || token.length < 5);
    });
  }
});

test("a token is exchanged once, with a jti or without, however often it is tried at once", async (t) => {
  for (const claims of [GITHUB, { ...GITHUB, jti: undefined, run_id: "33" }]) {
    await t.test(`jti ${"jti" in claims ? "left out" : "there"}`, async () => {
      const token = await issuer.token(claims);
      const answers = await Promise.all([1, 2, 3, 4].map(() => exchange(house, token)));
      assert.deepEqual(
        answers.map(({ status }) => status).toSorted((a, b) => a - b),
        [200, 400, 400, 400],
      );
      assert.equal((await exchange(house, token)).body["code"], "token_reused");
    });
  }
  // Another token under the same jti is the same token.
  const jti = "the-same";
  assert.equal((await exchange(house, await issuer.token({ ...GITHUB, jti }))).status, 200);
  assert.equal(
    (await exchange(house, await issuer.token({ ...GITHUB, jti, run_id: "9" }))).body["code"],
    "token_reused",
  );
});

test("a token that lives long is taken in its first minutes, where the rule says so", async () => {
  const now = Math.floor(Date.now() / 1000);
  const answer = await exchange(house, await issuer.token({ client_id: "long", aud: "long", exp: now + 3600 }));
  assert.equal(answer.status, 200, answer.text);
});

test("the form is OAuth's", async (t) => {
  for (const [what, fields, error] of [
    ["another grant", { grant_type: "client_credentials" }, "unsupported_grant_type"],
    ["another kind of token", { subject_token_type: "urn:ietf:params:oauth:token-type:saml2" }, "invalid_request"],
    ["an actor beside it", { actor_token: "x" }, "invalid_request"],
    ["another wish", { requested_token_type: "urn:ietf:params:oauth:token-type:refresh_token" }, "invalid_request"],
  ] as const) {
    await t.test(what, async () => {
      const answer = await exchange(house, await issuer.token(GITHUB), { fields });
      assert.deepEqual([answer.status, answer.body["error"]], [400, error], answer.text);
    });
  }
  const json = await house.anyone.post("/v1/token", { grant_type: "x" });
  assert.equal(json.status, 415);
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const twice = await house.anyone.send("POST", "/v1/token", "grant_type=a&grant_type=b", { headers: form });
  assert.deepEqual([twice.status, twice.body["error"]], [400, "invalid_request"]);
});

test("self.ci-actor: whoever the platform vouches for is barred, whatever the question says", async () => {
  const answer = await exchange(house, await issuer.token(GITHUB));
  const gate = house.as(textAt(answer.body, "access_token"));
  // cy, by the login cy-codes; the owners cy and eve are barred anyway, so dee's GitLab login proves the rest.
  const lab = house.as(textAt((await exchange(house, await issuer.token(GITLAB))).body, "access_token"));
  const silent = exportRows(6100, { agent: "deploy-bot", type: "pipeline" });
  const held = await hold(lab, silent);
  const refused = await review(await house.person("dee"), held);
  assert.deepEqual([refused.status, codeOf(refused)], [403, "person_barred"]);
  const entry = (await house.entries()).findLast(({ type }) => type === "request.opened");
  const barred = at(entry?.payload as Json, "request", "barred") as readonly { readonly [name: string]: Json }[];
  const dee = barred.find(({ person }) => person === "dee");
  assert.equal(dee?.["relation"], "ci_actor");
  assert.match(textAt(dee, "evidence"), /token of the platform/);
  // Names that the question adds push nobody out, and take nobody away.
  const noise = Array.from({ length: 200 }, (_, i) => `stranger-${i}`);
  const loud = exportRows(6101, { agent: "deploy-bot", type: "pipeline", properties: { ci_actor: noise } });
  const again = await hold(lab, loud);
  const still = await review(await house.person("dee"), again);
  assert.deepEqual([still.status, codeOf(still)], [403, "person_barred"]);
  const third = await hold(gate, exportRows(6102, { agent: "deploy-bot", type: "pipeline" }));
  await approve(await house.person("ann"), third);
});

test("self.unknown-initiator: a vouched actor who fits nobody takes two people", async () => {
  const answer = await exchange(house, await issuer.token({ ...GITHUB, actor: "stranger", actor_id: "1" }));
  const gate = house.as(textAt(answer.body, "access_token"));
  const held = await hold(gate, exportRows(6200, { agent: "deploy-bot", type: "pipeline" }));
  await approve(await house.person("ann"), held);
  const task = await gate.get(`/access/v1/requests/${held.id}`);
  assert.deepEqual(
    [at(task.body, "task", "status"), at(task.body, "task", "progress", "terms", 0, "quorum")],
    ["pending", 2],
  );
});

test("a chain of actors that the issuer signed bars everybody in it", async () => {
  const act = { sub: "00u-ann", act: { sub: "bob@example.com" } };
  const answer = await exchange(
    house,
    await issuer.token({ client_id: "helper", sub: "x", email: "fay@example.com", act }),
  );
  const gate = house.as(textAt(answer.body, "access_token"));
  const held = await hold(gate, exportRows(6300, { agent: "deploy-bot", type: "pipeline" }));
  for (const person of ["ann", "bob"]) {
    const refused = await review(await house.person(person), held);
    assert.deepEqual([refused.status, codeOf(refused)], [403, "person_barred"], person);
  }
});

test("approver.agent: a workload's token asks, and reviews nothing", async () => {
  const answer = await exchange(house, await issuer.token(GITHUB));
  const gate = house.as(textAt(answer.body, "access_token"));
  const held = await hold(gate, exportRows(6400, { agent: "deploy-bot", type: "pipeline" }));
  const refused = await review(gate, held);
  assert.deepEqual([refused.status, codeOf(refused)], [403, "not_allowed"]);
  const other = await gate.post("/access/v1/evaluation", exportRows(10));
  assert.deepEqual([other.status, codeOf(other)], [403, "subject_not_yours"]);
});

test("a bound token is worth nothing without its key", async (t) => {
  const [prover, thief] = [await Prover.make(), await Prover.make()];
  const url = `${house.url}/v1/token`;
  const proof = await prover.prove("POST", url, null);
  const token = await issuer.token({ client_id: "bound" });
  const answer = await exchange(house, token, { headers: { dpop: proof } });
  assert.deepEqual([answer.status, answer.body["token_type"]], [200, "DPoP"], answer.text);
  const secret = textAt(answer.body, "access_token");
  const who = `${house.url}/v1/whoami`;
  const call = async (headers: Record<string, string>): Promise<readonly [number, string]> => {
    const said = await house.anyone.get("/v1/whoami", { headers });
    return [said.status, said.status === 200 ? "" : codeOf(said)];
  };
  const dpop = (given: string): Record<string, string> => ({ authorization: `DPoP ${secret}`, dpop: given });
  const once = await prover.prove("GET", who, secret);
  const now = Math.floor(Date.now() / 1000);
  const cases: readonly (readonly [what: string, headers: Record<string, string>, status: number, code: string])[] = [
    ["its key", dpop(once), 200, ""],
    ["the same proof again", dpop(once), 401, "proof_reused"],
    ["no proof", { authorization: `DPoP ${secret}` }, 401, "proof_missing"],
    [
      "as a Bearer token",
      { authorization: `Bearer ${secret}`, dpop: await prover.prove("GET", who, secret) },
      401,
      "proof_missing",
    ],
    ["another key", dpop(await thief.prove("GET", who, secret)), 401, "proof_invalid"],
    ["a proof of another token", dpop(await prover.prove("GET", who, "other")), 401, "proof_invalid"],
    ["a proof of no token", dpop(await prover.prove("GET", who, null)), 401, "proof_invalid"],
    ["a proof of another method", dpop(await prover.prove("POST", who, secret)), 401, "proof_invalid"],
    [
      "a proof of another address",
      dpop(await prover.prove("GET", `${house.url}/v1/other`, secret)),
      401,
      "proof_invalid",
    ],
    ["an old proof", dpop(await prover.prove("GET", who, secret, { iat: now - 90 })), 401, "proof_invalid"],
    ["a proof from the future", dpop(await prover.prove("GET", who, secret, { iat: now + 90 })), 401, "proof_invalid"],
    ["a proof without an id", dpop(await prover.prove("GET", who, secret, { jti: "" })), 401, "proof_invalid"],
    ["another kind of token", dpop(await prover.prove("GET", who, secret, {}, "JWT")), 401, "proof_invalid"],
    ["no token at all", dpop("x"), 401, "proof_invalid"],
  ];
  for (const [what, headers, status, code] of cases)
    await t.test(what, async () => assert.deepEqual(await call(headers), [status, code]));
  const reused = await exchange(house, await issuer.token({ client_id: "bound" }), { headers: { dpop: proof } });
  assert.deepEqual([reused.body["error"], reused.body["code"]], ["invalid_dpop_proof", "proof_reused"]);
});

test("SPIFFE tokens without an issuer are found by their trust domain, with keys from a file", async () => {
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  await using own = await House.open();
  const path = join(own.files.dir, "bundle.json");
  writeFileSync(path, JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: "k1", alg: "ES256" }] }));
  const workloads = rulesOf({
    name: "spire",
    issuer: "spiffe://prod.example",
    jwks_file: path,
    match: { sub: "spiffe://prod.example/ns/*/sa/deployer" },
  });
  await own.stop();
  await using spiffe = await House.over(own.files, { workloads });
  const now = Math.floor(Date.now() / 1000);
  const sign = (sub: string): Promise<string> =>
    new SignJWT({ sub, aud: [AUDIENCE], iat: now, exp: now + 60 })
      .setProtectedHeader({ alg: "ES256", kid: "k1" })
      .sign(privateKey);
  const good = await exchange(spiffe, await sign("spiffe://prod.example/ns/shop/sa/deployer"));
  assert.equal(good.status, 200, good.text);
  for (const [sub, code] of [
    ["spiffe://prod.example/ns/a/b/sa/deployer", "no_rule"],
    ["spiffe://other.example/ns/shop/sa/deployer", "issuer_unknown"],
  ] as const)
    assert.equal((await exchange(spiffe, await sign(sub))).body["code"], code);
});

test("a bound permit flows: evaluation, approval and redemption by the bound token", async () => {
  const token = textAt((await exchange(house, await issuer.token(GITHUB))).body, "access_token");
  const gate = house.as(token);
  const question = exportRows(6500, { agent: "deploy-bot", type: "pipeline" });
  const held = await hold(gate, question);
  await approve(await house.person("bob"), held);
  const done = await redeem(gate, await permitFor(gate, question, held), held.digest);
  assert.equal(done.status, 200, done.text);
});

test("rules that would let strangers in are refused when they are read", () => {
  const github = "https://token.actions.githubusercontent.com";
  const base = { name: "a", audience: "x", agent: "b", gate: "c" };
  const cases: readonly (readonly [what: string, rule: object, message: RegExp | null])[] = [
    ["GitHub without an owner", { issuer: github, match: { ref: "refs/heads/main" } }, /everybody has tokens/],
    ["GitHub with any owner", { issuer: github, match: { repository: "*/shop" } }, /everybody has tokens/],
    ["GitHub by sub", { issuer: github, match: { repository_id: "1", sub: "repo:a/b" } }, /several forms/],
    ["GitHub by an owner", { issuer: github, match: { repository: "acme/*" } }, null],
    ["GitLab without a project", { issuer: "https://gitlab.com", match: { ref: "main" } }, /everybody has tokens/],
    ["no claim", { issuer: "https://idp.example", match: {} }, /at least one claim/],
    ["plain http", { issuer: "http://idp.example", match: { a: "b" } }, /https/],
    [
      "keys over plain http",
      { issuer: "https://idp.example", jwks_uri: "http://idp.example/k", match: { a: "b" } },
      /https/,
    ],
    ["a trust domain without keys", { issuer: "spiffe://prod.example", match: { sub: "x" } }, /no discovery/],
    ["an hour and more", { issuer: "https://idp.example", match: { a: "b" }, token_minutes: 61 }, /60/],
  ];
  for (const [what, rule, message] of cases) {
    const read = WorkloadsWritten.safeParse([{ ...base, ...rule }]);
    if (message === null) assert.equal(read.success, true, what);
    else assert.match(read.error?.message ?? "", message, what);
  }
});

test("patterns", () => {
  for (const [pattern, text, expected] of [
    ["main", "main", true],
    ["main", "mainly", false],
    ["refs/heads/*", "refs/heads/main", true],
    ["refs/heads/*", "refs/heads/a/b", false],
    ["refs/heads/**", "refs/heads/a/b", true],
    ["*", "", true],
    ["a*c", "abbc", true],
    ["a*c", "abbd", false],
    ["a.c", "abc", false],
    ["**/x", "a/b/x", true],
    ["[a]", "a", false],
  ] as const)
    assert.equal(fitsPattern(pattern, text), expected, `${pattern} ~ ${text}`);
  // Many stars against a long text: quickly no.
  assert.equal(fitsPattern(`${"*a".repeat(200)}b`, "a".repeat(1000)), false);
});
