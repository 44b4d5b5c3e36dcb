// The way from a pipeline to a gate's token: as GitHub gives it, by file, by variable; with the client and the command.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { run } from "../../src/cli/token.ts";
import { createClient, exchangeToken, githubToken } from "../../src/client/index.ts";
import { loadConfig } from "../../src/server/config.ts";
import { screen } from "../cli/terminal.ts";
import { House } from "../support/house.ts";
import { AUDIENCE, Issuer, rulesOf } from "../support/workload.ts";

let issuer: Issuer;
let house: House;
before(async () => {
  issuer = await Issuer.open();
  house = await House.open({
    workloads: rulesOf({ name: "ci", issuer: issuer.url, match: { repository: "acme/shop" } }),
  });
});
after(async () => {
  await house[Symbol.asyncDispose]();
  await issuer[Symbol.asyncDispose]();
});

const token = (): Promise<string> => issuer.token({ repository: "acme/shop" });

test("the client exchanges, and says by name why not", async () => {
  const made = await exchangeToken(await token(), { url: `${house.url}/` });
  assert.deepEqual([made.type, made.agent, made.gate, made.expiresInMs], ["Bearer", "deploy-bot", "ci", 900_000]);
  const client = createClient({ url: house.url, token: made.token });
  assert.equal((await client.whoami()).gate, "ci");
  await assert.rejects(exchangeToken("x", { url: house.url }), {
    name: "WireError",
    code: "token_malformed",
    status: 400,
  });
  await assert.rejects(exchangeToken("x", { url: "http://127.0.0.1:1" }), { code: "unreachable" });
});

test("a job of GitHub Actions gets its token by the address that it is given", async () => {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url, request.headers.authorization);
    response.setHeader("content-type", "application/json");
    void token().then((value) => response.end(JSON.stringify({ value })));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const env = {
      ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${port}/token?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: "of-the-job",
    };
    const given = await githubToken(AUDIENCE, env);
    assert.equal((await exchangeToken(given ?? "", { url: house.url })).agent, "deploy-bot");
    assert.deepEqual(asked, [`/token?api-version=2.0&audience=${encodeURIComponent(AUDIENCE)}`, "Bearer of-the-job"]);
    assert.equal(await githubToken(AUDIENCE, {}), null);
    const terminal = screen({ cwd: house.files.dir, env });
    assert.equal(await run(["exchange", "--url", house.url, "--audience", AUDIENCE], terminal), 0);
    assert.match(terminal.taken().out, /^kt_[0-9a-z]{26}_[A-Za-z0-9_-]{43}\n$/);
  } finally {
    server.close();
  }
});

test("keyturn token exchange takes the token from a file or a variable", async () => {
  const path = join(house.files.dir, "platform.token");
  writeFileSync(path, `${await token()}\n`);
  const byFile = screen({ cwd: house.files.dir });
  assert.equal(await run(["exchange", "--url", house.url, "--token-file", "platform.token"], byFile), 0);
  const { out, err } = byFile.taken();
  assert.match(out, /^kt_/);
  assert.match(err, /15 min, deploy-bot acts with it through the gate ci/);
  const byVariable = screen({ cwd: house.files.dir, env: { KEYTURN_ID_TOKEN: await token() } });
  assert.equal(await run(["exchange", "--url", house.url, "--json"], byVariable), 0);
  const said = JSON.parse(byVariable.taken().out) as Record<string, unknown>;
  assert.deepEqual([said["agent"], said["type"], said["expires_in_ms"]], ["deploy-bot", "Bearer", 900_000]);
  const none = screen({ cwd: house.files.dir });
  await assert.rejects(run(["exchange", "--url", house.url], none), { code: "no_credential" });
});

test("keyturn.yaml names clients and rules, and what is wrong with them", () => {
  const path = join(house.files.dir, "keyturn.yaml");
  writeFileSync(
    path,
    `
scim:
  - name: okta
    issuer: https://example.okta.com
    groups:
      Data Owners: data-owners
workloads:
  - name: deploy
    issuer: https://token.actions.githubusercontent.com
    audience: https://keyturn.example.com
    match:
      repository_id: 74
      job_workflow_ref: acme/shop/.github/workflows/deploy.yml@refs/heads/*
    agent: deploy-bot
    gate: ci
`,
  );
  const { scim = [], workloads = [] } = loadConfig(path);
  assert.deepEqual([...(scim[0]?.groups ?? [])], [["Data Owners", "data-owners"]]);
  const [rule] = workloads;
  assert.deepEqual([rule?.platform, rule?.tokenMs, rule?.keys], ["github", 900_000, { from: "discovery" }]);
  assert.deepEqual([...(rule?.match ?? [])][0], ["repository_id", ["74"]]);
  writeFileSync(path, "scim:\n  - { name: a, issuer: x }\n  - { name: a, issuer: y }\n");
  assert.throws(() => loadConfig(path), /same name/);
  writeFileSync(
    path,
    "workloads:\n  - { name: a, issuer: 'https://gitlab.com', audience: a, match: { ref: main }, agent: a, gate: g }\n",
  );
  assert.throws(() => loadConfig(path), /everybody has tokens/);
});
