import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { cliPage } from "../../tools/cli-page.ts";

test("docs/cli.md says what the commands say", async () => {
  assert.equal(readFileSync("docs/cli.md", "utf8"), await cliPage(), "run `node tools/cli-page.ts`");
});
