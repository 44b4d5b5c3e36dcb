// `keyturn mcp inspect` on servers that others wrote, and what it writes in front of a server of ours.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { JsonObject } from "../../src/core/action/index.ts";
import { Place } from "../gates/mcp/places.ts";
import { Launched, MAIN } from "../support/process.ts";
import type { Ended } from "../support/process.ts";
import { CATALOGUE, POLICIES } from "../support/rules.ts";
import { EVERYTHING, FILESYSTEM } from "./stage.ts";

async function inspect(place: Place, args: readonly string[], token = place.token): Promise<Ended> {
  await using launched = new Launched(process.execPath, [MAIN, "mcp", "inspect", ...args], {
    cwd: place.files,
    env: { KEYTURN_URL: place.house.url, ...(token === "" ? {} : { KEYTURN_TOKEN: token }) },
  });
  return await launched.ended;
}

type Tool = { readonly tool: string; readonly suggested: { effects: string[] }; readonly policy: JsonObject | null };

const toolsOf = ({ out, err }: Ended): readonly Tool[] => {
  assert.ok(out.startsWith("{"), `${out}\n${err}`);
  return (JSON.parse(out) as { tools: readonly Tool[] }).tools;
};

test("tools, what they seem to do, and what policy says, before and after the rules that it writes are in force", async () => {
  await using place = await Place.open();
  const server = ["--name", "mine", "--json", "--", "node", FILESYSTEM, place.files];
  const before = toolsOf(await inspect(place, server));
  assert.ok(before.length > 10);
  // Nobody declared them: opaque, whatever their server says of them.
  assert.ok(before.every(({ policy }) => policy?.["outcome"] === "require_approval"));
  const dir = place.path("rules");
  const written = await inspect(place, ["--name", "mine", "--write", dir, "--", "node", FILESYSTEM, place.files], "");
  assert.equal(written.code, 0, written.err);
  assert.match(written.out, /Policy was not asked/);
  const again = await inspect(place, ["--name", "mine", "--write", dir, "--", "node", FILESYSTEM, place.files], "");
  assert.deepEqual([again.code, /is there already/.test(again.err)], [1, true], again.err);
  const catalogue = readFileSync(join(dir, "mcp-mine.catalogue.yaml"), "utf8");
  const entries = catalogue.slice(catalogue.indexOf("actions:\n") + "actions:\n".length);
  const policies = readFileSync(join(dir, "mcp-mine.cedar"), "utf8");
  const changed = await place.house.change({
    catalogue: CATALOGUE.replace("resources:", `${entries}resources:`),
    policies: POLICIES + policies,
  });
  assert.equal(changed.status, 200, changed.text);
  const after = new Map(toolsOf(await inspect(place, server)).map((tool) => [tool.tool, tool]));
  const table: readonly [string, string, string][] = [
    ["read_text_file", "read", "allow"],
    ["list_directory", "read", "allow"],
    ["create_directory", "write", "require_approval"],
    ["move_file", "delete", "require_approval"],
  ];
  for (const [name, effect, outcome] of table) {
    const tool = after.get(name);
    assert.ok(tool !== undefined && tool.suggested.effects.includes(effect), `${name}: ${JSON.stringify(tool)}`);
    assert.equal(tool.policy?.["outcome"], outcome, `${name}: ${JSON.stringify(tool)}`);
  }
});

test("a table for people, of a server that others wrote, without a token", async () => {
  await using place = await Place.open();
  const { out, err, code } = await inspect(place, ["--", "node", EVERYTHING], "");
  assert.equal(code, 0, err);
  assert.match(out, /^tool +seems to +by\n/);
  assert.match(out, /echo/);
  assert.match(out, /tools of index, which speaks 2025-11-25\. Policy was not asked/);
  const missing = await inspect(place, ["--", "node", "-e", "process.exit(3)"], "");
  assert.equal(missing.code, 1);
  assert.match(missing.err, /ended \(3\)|gone/);
});
