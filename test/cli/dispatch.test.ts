import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { SECTIONS } from "../../src/cli/commands.ts";
import { dispatch, nearest } from "../../src/cli/dispatch.ts";
import { checkNode } from "../../src/cli/node.ts";
import { serverUrl, signedInUrl } from "../../src/cli/settings.ts";
import { screen } from "./terminal.ts";

type Written = { code: number; out: string; err: string };

async function keyturn(
  argv: readonly string[],
  env: Record<string, string> = {},
  cwd: string = tmpdir(),
): Promise<Written> {
  const terminal = screen({ cwd, env });
  return { code: await dispatch(argv, terminal), ...terminal.taken() };
}

test("every command has a page that names itself and stays within 120 columns", async () => {
  for (const { name, load } of SECTIONS.flatMap((section) => section.commands)) {
    const { help } = await load();
    assert.ok(help.startsWith(`keyturn ${name}`), name);
    assert.ok(help.endsWith("\n") && !help.endsWith("\n\n"), name);
    for (const line of help.split("\n")) assert.ok([...line].length <= 120, `${name}: ${line}`);
    for (const argv of [
      ["help", name],
      [name, "--help"],
      [name, "-h"],
    ])
      assert.equal((await keyturn(argv)).out, help);
  }
});

test("a wrong command line is exit code 2 and says what is wrong", async () => {
  const cases: readonly (readonly [argv: readonly string[], says: RegExp])[] = [
    [["reviwe"], /There is no command `reviwe`\. Did you mean `review`\?/],
    [["--wrong"], /There is no command `--wrong`\. `keyturn help` lists what there is/],
    [["a\u001b[2J"], /no command `a\\u\{1b\}\[2J`/],
    [["help", "nothing"], /There is no command `nothing`/],
    [["review"], /ID is missing\.\nSee `keyturn help review`/],
    [["review", "arq_1"], /`arq_1` is no request: .*26 characters/],
    [["review", "arq_00000000000000000000000000", "maybe"], /approve or deny, not `maybe`/],
    [["requests", "--what"], /Unknown option '--what'/],
    [["requests", "--status", "open"], /--status is pending, decided, all, not `open`/],
    [["requests", "--limit", "0"], /--limit is 1 to 500/],
    [["sign-out", "now"], /`now` is one argument too many/],
    [["token", "make"], /`token make` does not exist/],
    [["token", "create", "--agent", "a"], /Name the agent and the gate/],
    [["people", "fly", "x"], /`people fly` does not exist/],
    [["people", "list", "x"], /`x` is one argument too many/],
    [["policy", "test"], /`policy test` does not exist/],
    [["version", "--url", "x"], /Unknown option '--url'/],
  ];
  for (const [argv, says] of cases) {
    const { code, out, err } = await keyturn(argv);
    assert.deepEqual([code, out], [2, ""], argv.join(" "));
    assert.match(err, says);
  }
});

test("exec keeps out of the exit codes of what it wraps", async () => {
  const cases: readonly (readonly [argv: readonly string[], says: RegExp])[] = [
    [["exec", "ls"], /Write `--` before the command/],
    [["exec", "--"], /There is no command after `--`/],
    [["exec", "--env", "KEYTURN_TOKEN", "--", "ls"], /KEYTURN_TOKEN stays with keyturn/],
    [["exec", "--", "ls", "--json", "--help"], /^keyturn: Set KEYTURN_TOKEN to the token of this agent/],
    [["exec", "--token", "kto_x", "--", "ls"], /is not the token of an agent/],
    [["exec", "--url", "x", "--token", "kt_x", "--", "ls"], /`x`: the url of the Keyturn server is not a URL/],
  ];
  for (const [argv, says] of cases) {
    const { code, out, err } = await keyturn(argv);
    assert.deepEqual([code, out], [125, ""], argv.join(" "));
    assert.match(err, says);
  }
});

test("with --json errors are JSON too", async () => {
  const { code, err } = await keyturn(["requests", "--json"], {
    KEYTURN_URL: "http://127.0.0.1:1",
    KEYTURN_TOKEN: "kto_x",
  });
  assert.equal(code, 1);
  assert.deepEqual(JSON.parse(err), {
    error: {
      code: "unavailable",
      message:
        "No Keyturn server answers at http://127.0.0.1:1. Start one with `keyturn serve`, or name another with --url.",
    },
  });
});

test("a missing credential says where one comes from", async () => {
  const cases: readonly (readonly [argv: readonly string[], env: Record<string, string>, says: RegExp])[] = [
    [
      ["token", "list"],
      {},
      /There is no operator token: .*\/data\/operator\.token is not there .*name the data directory/,
    ],
    [["token", "list"], { KEYTURN_TOKEN: "kt_x" }, /There is no operator token/],
    [["token", "list", "--token", "kt_x"], {}, /those begin with `kto_`/],
    [["requests"], {}, /or sign in with `keyturn sign-in LINK`/],
  ];
  for (const [argv, env, says] of cases) {
    const { code, err } = await keyturn(argv, env);
    assert.equal(code, 1);
    assert.match(err, says);
  }
});

test("the server is found by --url, KEYTURN_URL, keyturn.yaml, the last sign-in, the default", () => {
  const home = mkdtempSync(join(tmpdir(), "home-"));
  const settings = { listen: null, data: home };
  const bare = screen({ cwd: home });
  assert.equal(serverUrl({}, settings, bare), "http://127.0.0.1:7117");
  mkdirSync(join(home, ".config/keyturn"), { recursive: true });
  writeFileSync(
    join(home, ".config/keyturn/session.json"),
    JSON.stringify({ current: "https://last.example", servers: {} }),
  );
  assert.equal(serverUrl({}, settings, bare), "https://last.example");
  const listening = { ...settings, listen: "0.0.0.0:7200" };
  assert.equal(serverUrl({}, listening, bare), "http://127.0.0.1:7200");
  const named = screen({ cwd: home, env: { KEYTURN_URL: "https://env.example/" } });
  assert.equal(serverUrl({}, listening, named), "https://env.example");
  assert.equal(serverUrl({ url: "https://flag.example/" }, listening, named), "https://flag.example");
  rmSync(home, { recursive: true });
});

test("a person signed in at public_url is found from the server's own folder", () => {
  const home = mkdtempSync(join(tmpdir(), "home-"));
  const settings = { listen: "127.0.0.1:7200", publicUrl: "https://keyturn.example/" };
  const here = screen({ cwd: home });
  const named = screen({ cwd: home, env: { KEYTURN_URL: "https://env.example" } });
  const signedInAt = (...urls: readonly string[]): void => {
    const servers = urls.map((url) => [url, { person: "ann", name: "Ann", session: "kts_x" }]);
    mkdirSync(join(home, ".config/keyturn"), { recursive: true });
    const text = JSON.stringify({ current: null, servers: Object.fromEntries(servers) });
    writeFileSync(join(home, ".config/keyturn/session.json"), text);
  };
  const loopback = "http://127.0.0.1:7200";
  assert.equal(signedInUrl({}, settings, here), loopback, "nobody is signed in");
  signedInAt("https://keyturn.example");
  assert.equal(signedInUrl({}, settings, here), "https://keyturn.example");
  assert.equal(signedInUrl({}, { ...settings, publicUrl: null }, here), loopback);
  assert.equal(signedInUrl({}, settings, named), "https://env.example");
  assert.equal(signedInUrl({ url: "https://flag.example/" }, settings, here), "https://flag.example");
  signedInAt("https://keyturn.example", loopback);
  assert.equal(signedInUrl({}, settings, here), loopback);
  rmSync(home, { recursive: true });
});

test("parts of the server ask for a newer Node in a sentence", () => {
  assert.throws(() => checkNode({ name: "serve", needsServerNode: true }, "20.20.2"), {
    code: "node_too_old",
    message: /`keyturn serve` needs Node 24 or later, and this is Node 20\.20\.2\./,
  });
  checkNode({ name: "serve", needsServerNode: true }, "24.0.0");
  checkNode({ name: "review", needsServerNode: false }, "20.20.2");
});

test("mistyped words are recognised, far ones are not", () => {
  const known = ["review", "requests", "serve"];
  assert.deepEqual(
    ["reviw", "reqests", "req", "srve", "x", "something", ""].map((word) => nearest(word, known)),
    ["review", "requests", "requests", "serve", null, null, null],
  );
});

test("shown.differs: an action that is not the one under its digest is not shown for approval", async () => {
  // A double of a server that lies: the text is harmless, the digest is another action's.
  const canonical =
    '{"action":{"name":"customers.read"},"environment":null,"resource":{"id":"x","type":"t"},"subject":{"id":"a","type":"agent"},"v":1}';
  const view = {
    id: "arq_00000000000000000000000000",
    status: "pending",
    digest: `sha256:${"0".repeat(64)}`,
    canonical,
    opened_at: "2026-11-21T12:00:00Z",
    expires_at: "2026-11-21T13:00:00Z",
    subject: {},
    agent: { id: "a", owners: [] },
    on_behalf_of: [],
    action: { name: "customers.read" },
    resource: { type: "t", id: "x" },
    effects: [],
    facts: [],
    opaque: [],
    traits: [],
    risk: { score: 0, level: "low", contributions: [], floors: [] },
    holds: [],
    terms: [],
    reviews: [],
    barred: [],
    claim: { reason: null },
    gate: "g",
  };
  const received: string[] = [];
  const double = createServer((request, response) => {
    received.push(`${request.method} ${request.url}`);
    response.setHeader("content-type", "application/json").end(JSON.stringify(view));
  });
  await new Promise<void>((resolve) => double.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(double.address() as AddressInfo).port}`;
  const home = mkdtempSync(join(tmpdir(), "home-"));
  mkdirSync(join(home, ".config/keyturn"), { recursive: true });
  const session = { person: "ann", name: "Ann", session: "kts_x" };
  writeFileSync(
    join(home, ".config/keyturn/session.json"),
    JSON.stringify({ current: url, servers: { [url]: session } }),
  );
  const { code, out, err } = await keyturn(["review", view.id, "approve", "--yes"], { HOME: home });
  double.close();
  rmSync(home, { recursive: true });
  assert.deepEqual([code, out, received], [1, "", [`GET /v1/requests/${view.id}`]]);
  assert.match(err, /is not the one under its digest .*Do not approve it/);
});

test("the binary runs, and prints no colour into a pipe", () => {
  const main = ["src/cli/main.ts"];
  const version = spawnSync(process.execPath, [...main, "--version"], { encoding: "utf8" });
  assert.match(version.stdout, /^keyturn \d+\.\d+\.\d+ \(Node \d/);
  const help = spawnSync(process.execPath, main, { encoding: "utf8" });
  assert.equal(help.status, 0);
  assert.equal(help.stdout.includes("\u001b"), false);
  const wrong = spawnSync(process.execPath, [...main, "nothing"], { encoding: "utf8" });
  assert.deepEqual([wrong.status, wrong.stdout], [2, ""]);
});
