import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { crc32 } from "node:zlib";
import { run } from "../../../src/cli/teams.ts";
import { checkTeams, CLOUDS, issuerOf } from "../../../src/channels/teams/index.ts";
import { ConfigError } from "../../../src/ports/config.ts";
import { loadConfig, type Config } from "../../../src/server/config.ts";
import { screen } from "../../cli/terminal.ts";
import { HandClock } from "../../support/clock.ts";
import { APP, TENANT, Tenant } from "./tenant.ts";

let tenant: Tenant;
const folder = mkdtempSync(join(tmpdir(), "keyturn-teams-setup-"));
before(async () => {
  tenant = await Tenant.open();
});
after(async () => {
  await tenant[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

function read(text: string): Config {
  const path = join(folder, "keyturn.yaml");
  writeFileSync(path, text);
  return loadConfig(path);
}

function teamsYaml(secretFile = tenant.secretFile): string {
  return `notify:
  teams:
    app: ${APP.toUpperCase()}
    tenant: ${TENANT}
    secret_file: ${secretFile}
    places: { payments: "19:payments@thread.tacv2" }
    channels: [payments]
    endpoints:
      metadata_url: ${tenant.url}openid
      login_url: ${tenant.url}
      service_url: ${tenant.serviceUrl}
`;
}

test("the page's settings are read as written, and mistakes are named", () => {
  const page = readFileSync("docs/channels/teams.md", "utf8");
  const blocks = [...page.matchAll(/^( *)```yaml\n([^]*?)```/gm)].map(([, indent = "", text = ""]) =>
    text.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
  );
  assert.equal(blocks.length, 2);
  const [short, long] = blocks.map((text) => read(text).notify?.teams);
  assert.deepEqual([short?.direct, short?.tenants], ["unrouted", ["55555555-6666-7777-8888-999999999999"]]);
  assert.deepEqual(long?.places.get("payments"), { kind: "channel", id: "19:a1b2c3@thread.tacv2" });
  assert.deepEqual(long?.places.get("oncall"), { kind: "chat", id: "19:d4e5f6@thread.v2" });
  assert.equal(long?.cloud.serviceUrl, "https://smba.trafficmanager.net/teams/");
  assert.equal(read(teamsYaml()).notify?.teams?.app, APP, "ids are compared in small letters");
  const rows: readonly (readonly [from: string | RegExp, to: string, said: RegExp])[] = [
    [/app: .*/, "app: keyturn", /as Entra ID shows it/],
    ["19:payments@thread.tacv2", "#payments", /the link that Teams gives/],
    ["channels: [payments]", "channels: [finance]", /nothing is called `finance`/],
    [/service_url: .*/, "service_url: http://evil.example/", /https address/],
    ["channels:", "chanels:", /chanels/],
  ];
  for (const [from, to, said] of rows) {
    assert.throws(
      () => read(teamsYaml().replace(from, to)),
      (error) => error instanceof ConfigError && said.test(error.message),
      String(from),
    );
  }
});

test("an account of Teams is the account of Entra ID, as a sign-in there names it", () => {
  const rows = [
    ["public", `https://login.microsoftonline.com/${TENANT}/v2.0`],
    ["gcc-high", `https://login.microsoftonline.us/${TENANT}/v2.0`],
  ] as const;
  for (const [cloud, issuer] of rows) assert.equal(issuerOf({ cloud: CLOUDS[cloud] }, TENANT), issuer);
});

test("teams manifest writes a package that says what the bot may do, and overwrites nothing", async () => {
  const args = ["manifest", "--app", APP.toUpperCase(), "--public", "https://keyturn.example.com"];
  const terminal = screen({ cwd: folder });
  assert.equal(await run(args, terminal), 0);
  assert.match(terminal.taken().out, /messaging endpoint is https:\/\/keyturn\.example\.com\/v1\/channels\/teams\n$/);
  const files = unzipped(readFileSync(join(folder, "keyturn-teams.zip")));
  assert.deepEqual([...files.keys()], ["manifest.json", "color.png", "outline.png"]);
  const manifest = JSON.parse(files.get("manifest.json")?.toString("utf8") ?? "") as Record<string, unknown>;
  assert.deepEqual(manifest["bots"], [
    { botId: APP, scopes: ["personal", "team", "groupChat"], supportsFiles: false, isNotificationOnly: false },
  ]);
  assert.deepEqual([manifest["id"], manifest["validDomains"]], [APP, ["keyturn.example.com"]]);
  for (const [name, side] of [
    ["color.png", 192],
    ["outline.png", 32],
  ] as const) {
    assert.equal(files.get(name)?.readUInt32BE(16), side);
  }
  await assert.rejects(run(args, screen({ cwd: folder })), /is there already/);
  await assert.rejects(run([...args, "--name", "x".repeat(31)], screen({ cwd: folder })), /1 to 30/);
  for (const wrong of ["http://keyturn.example.com", "https://keyturn.example.com/x", "keyturn"]) {
    await assert.rejects(run([...args.slice(0, 3), "--public", wrong], screen({ cwd: folder })), /public address/);
  }
});

test("teams check says what is wrong, and writes to nobody", async () => {
  const wrongFile = join(folder, "wrong");
  writeFileSync(wrongFile, "not-the-secret\n");
  const clock = new HandClock();
  const rows: readonly (readonly [more: Parameters<Tenant["config"]>[0], problem: RegExp | null])[] = [
    [{}, null],
    [{ secretFile: wrongFile }, /401 \(invalid_client\).*client secret/],
    [{ secretFile: join(folder, "nowhere") }, /cannot be read/],
  ];
  for (const [more, problem] of rows) {
    const [signIn, keys] = await checkTeams(tenant.config(more), clock);
    if (problem === null) assert.equal(signIn?.problem, null);
    else assert.match(signIn?.problem ?? "", problem);
    assert.equal(keys?.problem, null);
  }
  assert.equal(tenant.count("POST", "/v3/"), 0);
  read(teamsYaml());
  const terminal = screen({ cwd: folder });
  assert.equal(await run(["check"], terminal), 0);
  assert.match(
    terminal.taken().out,
    /^ok {2}the app's id.*\nok {2}the keys.*\nok {2}accounts in directory\.yaml have the issuer /,
  );
  read("listen: 127.0.0.1:0\n");
  await assert.rejects(run(["check"], screen({ cwd: folder })), /has no `notify: teams:`/);
});

/** Reads a zip of stored files by its own directory, and checks every sum (APPNOTE 6.3.10). */
function unzipped(zip: Buffer): ReadonlyMap<string, Buffer> {
  const end = zip.length - 22;
  assert.equal(zip.readUInt32LE(end), 0x06054b50);
  const files = new Map<string, Buffer>();
  let at = zip.readUInt32LE(end + 16);
  for (let n = 0; n < zip.readUInt16LE(end + 10); n += 1) {
    assert.equal(zip.readUInt32LE(at), 0x02014b50);
    const [sum, size, length] = [zip.readUInt32LE(at + 16), zip.readUInt32LE(at + 24), zip.readUInt16LE(at + 28)];
    const local = zip.readUInt32LE(at + 42);
    assert.equal(zip.readUInt32LE(local), 0x04034b50);
    const start = local + 30 + zip.readUInt16LE(local + 26);
    const bytes = zip.subarray(start, start + size);
    assert.equal(crc32(bytes), sum);
    files.set(zip.toString("utf8", at + 46, at + 46 + length), bytes);
    at += 46 + length;
  }
  return files;
}
