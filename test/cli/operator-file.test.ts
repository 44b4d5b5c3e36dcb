import assert from "node:assert/strict";
import { appendFileSync, chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { dispatch } from "../../src/cli/dispatch.ts";
import { start } from "../../src/server/compose.ts";
import type { Running } from "../../src/server/compose.ts";
import { loadConfig } from "../../src/server/config.ts";
import { screen } from "./terminal.ts";
import type { Screen } from "./terminal.ts";

// An installation whose keys and operator's token are outside its data directory.

type Installation = { readonly folder: string; readonly here: Screen; readonly server: Running };

const made: Installation[] = [];
let away: Installation;
let plain: Installation;

async function install(keys: string): Promise<Installation> {
  const folder = mkdtempSync(join(tmpdir(), "operator-file-"));
  const here = screen({ cwd: folder });
  assert.equal(await dispatch(["init"], here), 0);
  const path = join(folder, "keyturn.yaml");
  appendFileSync(path, keys);
  const config = loadConfig(path, { data: undefined, listen: "127.0.0.1:0" });
  const server = await start({ config, log: () => undefined });
  writeFileSync(path, readFileSync(path, "utf8").replace("127.0.0.1:7117", new URL(server.url).host));
  here.taken();
  const installation = { folder, here, server };
  made.push(installation);
  return installation;
}

before(async () => {
  away = await install("keys: { permit: ./away-permit.pem, ledger: ./away-ledger.pem, operator: ./away.token }\n");
  plain = await install("");
});

after(async () => {
  for (const { server, folder } of made) {
    await server.close();
    rmSync(folder, { recursive: true });
  }
});

async function keyturn({ here }: Installation, ...argv: readonly string[]): Promise<readonly [number, string]> {
  const code = await dispatch(argv, here);
  const { out, err } = here.taken();
  return [code, `${out}${err}`];
}

test("every command of the operator finds the token where keyturn.yaml says that it is", async () => {
  assert.ok(!existsSync(join(away.folder, "data/operator.token")));
  const commands: readonly (readonly string[])[] = [
    ["verify"],
    ["verify", "--data", join(away.folder, "data")],
    ["verify", "--config", join(away.folder, "keyturn.yaml")],
    ["doctor"],
    ["token", "list"],
    ["requests"],
    ["people", "list"],
    ["ledger", "checkpoint"],
    ["ledger", "receipt", "0"],
    ["ledger", "publish", join(away.folder, "published")],
    ["evidence", "--from", "2026-01-01", "--out", join(away.folder, "pack.tar")],
    ["people", "sign-in", "ann"],
  ];
  for (const argv of commands) {
    const [code, said] = await keyturn(away, ...argv);
    assert.equal(code, 0, `${argv.join(" ")}: ${said}`);
  }
});

test("a data directory that is named and holds a token goes before keyturn.yaml of this folder", async () => {
  const [code, said] = await keyturn(
    away,
    "token",
    "list",
    "--url",
    plain.server.url,
    "--data",
    `${plain.folder}/data`,
  );
  assert.equal(code, 0, said);
  const [refused] = await keyturn(away, "token", "list", "--url", plain.server.url);
  assert.equal(refused, 1, "the token of this folder's server is no token of another one");
});

test("doctor looks at the modes of that file, and a lost one is named", async () => {
  const file = join(away.folder, "away.token");
  const token = readFileSync(file, "utf8");
  chmodSync(file, 0o644);
  assert.match((await keyturn(away, "doctor"))[1], /away\.token can be read by others/);
  rmSync(file);
  const [code, said] = await keyturn(away, "verify");
  assert.equal(code, 1);
  assert.match(said, /no operator token: .*\/away\.token is not there/);
  writeFileSync(file, token, { mode: 0o600 });
});
