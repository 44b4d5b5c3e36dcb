import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { loadConfig } from "../../src/server/config.ts";
import { House } from "../support/house.ts";

const FOLDER = new URL("../../examples/session/", import.meta.url);
const textOf = (name: string): string => readFileSync(new URL(name, FOLDER), "utf8");

test("examples/session: after sensitive data was read, what leaves is held; the example checks itself", async () => {
  assert.equal(loadConfig(fileURLToPath(new URL("keyturn.yaml", FOLDER))).port, 7117);
  await using house = await House.open({
    directory: textOf("directory.yaml"),
    catalogue: textOf("catalogue.yaml"),
    policies: textOf("policies/session.cedar"),
  });
  const { token } = await house.gate("assistant");
  const env = { ...process.env, KEYTURN_URL: house.url, KEYTURN_TOKEN: token ?? "" };
  const example = fileURLToPath(new URL("agent.ts", FOLDER));
  const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=keyturn-source", example], { env });
  assert.equal(stdout.split("\n").filter((line) => line.startsWith("ok  ")).length, 10, stdout);
});
