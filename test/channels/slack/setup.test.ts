import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "../../../src/cli/slack.ts";
import { checkSlack } from "../../../src/channels/slack/index.ts";
import { ConfigError } from "../../../src/ports/config.ts";
import { loadConfig, type Config } from "../../../src/server/config.ts";
import { House } from "../../support/house.ts";
import { edited, POLICIES } from "../../support/rules.ts";
import { HandClock } from "../../support/clock.ts";
import { screen } from "../../cli/terminal.ts";
import { Workspace } from "./workspace.ts";

let workspace: Workspace;
const folder = mkdtempSync(join(tmpdir(), "keyturn-slack-setup-"));
before(async () => {
  workspace = await Workspace.open();
});
after(async () => {
  await workspace[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

function read(text: string): Config {
  const path = join(folder, "keyturn.yaml");
  writeFileSync(path, text);
  return loadConfig(path);
}

function slackYaml(change: (text: string) => string = (text) => text): string {
  const { app, team, botTokenFile, appTokenFile, apiUrl } = workspace.config({ by: "socket" });
  return change(`notify:
  slack:
    app: ${app}
    team: ${team}
    bot_token_file: ${botTokenFile}
    app_token_file: ${appTokenFile}
    channels: ["#approvals"]
    api_url: ${apiUrl}
`);
}

test("the page's settings are read as written, and mistakes are named", () => {
  const page = readFileSync("docs/channels/slack.md", "utf8");
  const blocks = [...page.matchAll(/```yaml\n(notify:[^]*?)```/g)].map(([, text = ""]) => read(text).notify?.slack);
  assert.ok(blocks.length >= 2 && blocks.every((slack) => slack?.team === "T0123456789"));
  const rows: readonly (readonly [from: string | RegExp, to: string, said: RegExp])[] = [
    ["app: A0KEYTURN1", "app: keyturn", /write the app's id/],
    [/ {4}app_token_file: .*\n/, "", /one of the two/],
    ['["#approvals"]', "[approvals]", /write `#name`/],
    [/api_url: .*/, "api_url: http://slack.example/api/", /https address/],
    ["channels", "chanels", /chanels/],
  ];
  for (const [from, to, said] of rows) {
    assert.throws(
      () => read(slackYaml((text) => text.replace(from, to))),
      (error) => error instanceof ConfigError && said.test(error.message),
      String(from),
    );
  }
});

test("slack manifest asks for what is used and for nothing else, with a socket or an address", async () => {
  const terminal = screen({ cwd: folder });
  assert.equal(await run(["manifest"], terminal), 0);
  const manifest = JSON.parse(terminal.taken().out) as {
    settings: Record<string, unknown>;
    oauth_config: { scopes: { bot: string[] } };
  };
  assert.equal(manifest.settings["socket_mode_enabled"], true);
  assert.deepEqual(manifest.oauth_config.scopes.bot.toSorted(), [
    "channels:read",
    "chat:write",
    "groups:read",
    "im:write",
    "usergroups:read",
    "users:read",
    "users:read.email",
  ]);
  const http = screen({ cwd: folder });
  assert.equal(await run(["manifest", "--http", "https://keyturn.example.com/"], http), 0);
  assert.match(http.taken().out, /"request_url": "https:\/\/keyturn\.example\.com\/v1\/channels\/slack"/);
  await assert.rejects(run(["manifest", "--http", "http://keyturn.example.com"], http), /public address/);
});

test("slack check says what is wrong, writes to nobody, and answers with its exit code", async () => {
  const path = join(folder, "keyturn.yaml");
  writeFileSync(path, slackYaml());
  const terminal = screen({ cwd: folder });
  workspace.calls.length = 0;
  const code = await run(["check", "--config", path], terminal);
  const { out } = terminal.taken();
  assert.equal(code, 0, out);
  assert.match(out, /ok {2}accounts in directory\.yaml have the issuer https:\/\/slack\.com\/T000000001/);
  assert.equal(workspace.calls.filter(({ method }) => method.startsWith("chat.")).length, 0);
  const clock = new HandClock();
  const wrong = await checkSlack(workspace.config({ team: "T0OTHER", channels: ["#nowhere"] }), clock);
  assert.deepEqual(
    wrong.map(({ problem }) => problem),
    [
      "the token is of T000000001; write `team: T000000001`",
      "there is no channel #nowhere that the app can see; invite the app, or write the channel's id",
      null,
    ],
  );
});

test("the doctor finds a policy's place that no channel serves, and clicks that do not come in", async () => {
  const policies = edited(POLICIES, '@id("hold-drop")', '@id("hold-drop") @notify("slack:#payments, pager:oncall")');
  const gone = workspace.config({ by: "socket", apiUrl: "http://127.0.0.1:9/api/" });
  await using house = await House.open({
    policies,
    notify: { giveUpAfterMs: 60_000, webhooks: [], mail: null, slack: gone },
  });
  const doctor = async (): Promise<string> => (await house.operator.get("/v1/doctor")).text;
  assert.match(await doctor(), /wants `pager:oncall` told, and there is no such channel/);
  assert.doesNotMatch(await doctor(), /slack:#payments/);
  for (let n = 0; n < 400 && !(await doctor()).includes("clicks_unheard"); n += 1) await sleep(10);
  assert.match(await doctor(), /clicks in `slack` do not come in: /);
});
