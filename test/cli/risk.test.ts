import assert from "node:assert/strict";
import { test } from "node:test";
import { run } from "../../src/cli/risk.ts";
import { underlined } from "../../src/cli/underline.ts";
import { screen } from "./terminal.ts";

test("risk explain prints effects, traits, the place in the text, points, floors and level", async () => {
  const here = screen({ cwd: "/" });
  assert.equal(await run(["explain", "--kind", "sql", "--pinned", "select 1; delete from orders"], here), 0);
  const out = here.taken().out;
  assert.match(out, /^text +select 1; delete from orders\n +~~~~~~~~ +~~~~~~~~~~~~~~~~~~\n/);
  for (const word of ["delete: ", "unbounded: ", "tables = ", "high, 64 of 100", "+30", "≥ high", "weights     v3 "]) {
    assert.ok(out.includes(word), word);
  }
});

test("risk explain --json is one object", async () => {
  const here = screen({ cwd: "/" });
  await run(["explain", "--kind", "argv", "--json", "--environment", "development", '["ls", "a b"]'], here);
  const { kind, environment, classification, risk } = JSON.parse(here.taken().out);
  assert.deepEqual([kind, environment, risk.level], ["argv", "development", "low"]);
  assert.deepEqual(
    classification.effects.map(({ effect }: { effect: string }) => effect),
    ["read"],
  );
});

test("risk explain refuses an unknown kind, no JSON, and another verb", async () => {
  const refused: readonly (readonly string[])[] = [
    ["explain", "--kind", "zsh", "ls"],
    ["explain", "ls"],
    ["explain", "--kind", "mcp", "{"],
    ["score", "--kind", "sql", "select 1"],
  ];
  for (const args of refused) {
    await assert.rejects(
      run(args, screen({ cwd: "/" })),
      (error) => error instanceof Error && error.name === "Failure",
    );
  }
});

test("marks stand under what the evidence covers, and unseen characters are written out", () => {
  const text = "ab\ncd\u202eef";
  const lines = underlined(text, [{ pointer: "", start: 4, end: 6 }], (_, shown) => shown);
  assert.deepEqual(lines, ["ab", "cd\\u{202e}ef", " ~~~~~~~~~"]);
});
