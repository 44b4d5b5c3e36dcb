import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

// A double of npm: it notes what it was asked for, warns on stderr as npm does, and leaves what npm leaves.
const NPM_DOUBLE = `
const { appendFileSync, mkdirSync, writeFileSync } = require("node:fs");
appendFileSync("calls.txt", process.argv.slice(2, 4).join(" ") + "\\n");
console.error("npm warn something harmless");
if (process.env.NPM_FAILS !== undefined) { console.error(process.env.NPM_FAILS); process.exit(7); }
if (process.argv[2] === "ci") mkdirSync("node_modules/node/bin", { recursive: true });
if (process.argv[2] === "ci") writeFileSync("node_modules/node/bin/node", "");
if (process.argv[2] === "run") mkdirSync("console/dist", { recursive: true });
`;

type Clone = {
  readonly root: string;
  setUp(env?: Record<string, string>): { status: number | null; stderr: string };
  calls(): string[];
};

function clone(): Clone & Disposable {
  const root = mkdtempSync(join(tmpdir(), "setup-"));
  for (const folder of ["tools", "console/src/model"]) mkdirSync(join(root, folder), { recursive: true });
  copyFileSync("tools/setup.mjs", join(root, "tools/setup.mjs"));
  for (const [path, text] of [
    ["package.json", "{}"],
    ["package-lock.json", "{}"],
    ["console/index.html", "<p>"],
    ["console/src/model/a.ts", "1"],
    ["npm-cli.js", NPM_DOUBLE],
  ] as const) {
    writeFileSync(join(root, path), text);
  }
  return {
    root,
    setUp: (env = {}) => {
      const { npm_node_execpath: _ignored, ...inherited } = process.env;
      return spawnSync(process.execPath, ["tools/setup.mjs"], {
        cwd: root,
        encoding: "utf8",
        env: { ...inherited, npm_execpath: join(root, "npm-cli.js"), ...env },
      });
    },
    calls: () => {
      const path = join(root, "calls.txt");
      const lines = existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
      rmSync(path, { force: true });
      return lines;
    },
    [Symbol.dispose]: () => rmSync(root, { recursive: true }),
  };
}

test("the first run installs and builds, the second is silent", () => {
  using here = clone();
  const first = here.setUp();
  assert.equal(first.status, 0, first.stderr);
  assert.match(first.stderr, /^keyturn: installing dependencies .*\nkeyturn: building the console.*\n$/);
  assert.deepEqual(here.calls(), ["ci --include=dev", "run build"]);
  const second = here.setUp();
  assert.deepEqual([second.status, second.stderr, here.calls()], [0, "", []]);
});

test("each change repeats what depends on it and nothing else", () => {
  using here = clone();
  here.setUp();
  here.calls();
  const cases: readonly (readonly [path: string, change: string | null, expected: readonly string[]])[] = [
    ["console/src/model/a.ts", "2", ["run build"]],
    ["console/src/model/b.ts", "", ["run build"]],
    ["console/src/model/b.ts", null, ["run build"]],
    ["package-lock.json", '{"lockfileVersion":3}', ["ci --include=dev", "run build"]],
    ["package.json", '{"name":"keyturn"}', ["ci --include=dev"]],
    ["node_modules", null, ["ci --include=dev"]],
    ["console/dist", null, ["run build"]],
    ["README.md", "changed", []],
  ];
  for (const [path, change, expected] of cases) {
    if (change === null) rmSync(join(here.root, path), { recursive: true });
    else writeFileSync(join(here.root, path), change);
    assert.equal(here.setUp().status, 0);
    assert.deepEqual(here.calls(), expected, `${path} → ${change}`);
  }
});

test("a failing npm is shown, explained, and tried again the next time", () => {
  using here = clone();
  const failed = here.setUp({ NPM_FAILS: "npm error code EACCES" });
  assert.equal(failed.status, 1);
  assert.match(failed.stderr, /npm error code EACCES\n[^]*`npm ci .*` failed \(exit code 7\).*change their owner/);
  here.calls();
  assert.equal(here.setUp().status, 0);
  assert.deepEqual(here.calls(), ["ci --include=dev", "run build"]);
});

test("a missing npm is a sentence", () => {
  using here = clone();
  const { status, stderr } = here.setUp({ npm_execpath: "", PATH: here.root });
  assert.equal(status, 1);
  assert.match(stderr, /npm was not found: install npm/);
});
