import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { delimiter, dirname, join, relative, sep } from "node:path";
import { after, before, test } from "node:test";
import type { TestContext } from "node:test";
import { review } from "../support/flow.ts";
import { Installation, Launched, ROOT } from "../support/process.ts";
import type { Ended, Served } from "../support/process.ts";

// What `npm pack` makes, installed where nothing of this repository is near.

const dir = mkdtempSync(join(tmpdir(), "keyturn-package-"));
const app = join(dir, "app");
const installed = join(app, "node_modules", "keyturn");
const MAIN = join(installed, "dist", "cli", "main.js");
let tarball = "";
/** What somebody downloads to try it; more means that something slipped in. */
const TARBALL_BYTES_MAX = 4 * 1024 * 1024;

/** The Node of this test first, and then whatever npm itself needs: its registry, its cache, its proxy. */
const environment: Record<string, string> = {};
for (const [name, value] of Object.entries(process.env)) {
  // What `npm exec -c` was called with is not for the npm that is called here.
  if (value !== undefined && name !== "npm_config_call") environment[name] = value;
}
environment["PATH"] = [dirname(process.execPath), process.env["PATH"] ?? ""].join(delimiter);

async function run(command: string, args: readonly string[], cwd: string = app): Promise<Ended> {
  await using launched = new Launched(command, args, { cwd, env: environment });
  return await launched.ended; // awaited here: on return it is disposed
}

async function ran(command: string, args: readonly string[], cwd?: string): Promise<Ended> {
  const ended = await run(command, args, cwd);
  assert.equal(ended.code, 0, `${command} ${args.join(" ")}\n${ended.out}${ended.err}`);
  return ended;
}

before(async () => {
  // From a copy: packing builds, and whoever runs on the console of this clone meanwhile must not see it go.
  const copy = join(dir, "copy");
  const left = new Set(["node_modules", "dist", ".git", ".keyturn", "data"]);
  const wanted = (path: string): boolean =>
    !relative(ROOT, path)
      .split(sep)
      .some((part) => left.has(part));
  cpSync(ROOT, copy, { recursive: true, filter: wanted });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  await ran("npm", ["pack", "--pack-destination", dir, "--loglevel=error"], copy);
  const [name] = readdirSync(dir).filter((file) => file.endsWith(".tgz"));
  tarball = join(dir, name ?? "");
  mkdirSync(app);
  writeFileSync(join(app, "package.json"), '{ "private": true, "type": "module" }\n');
  await ran("npm", [
    "install",
    "--prefer-offline",
    "--no-audit",
    "--no-fund",
    "--omit=dev",
    "--loglevel=error",
    tarball,
  ]);
});

after(() => rmSync(dir, { recursive: true, force: true }));

/** The system's Node 20, if there is one: not the one that npm brought. */
function node20(t: TestContext): string | null {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
  for (const path of folders.map((folder) => join(folder, "node")).filter((candidate) => existsSync(candidate))) {
    if (execFileSync(path, ["-p", "process.versions.node"], { encoding: "utf8" }).startsWith("20.")) return path;
  }
  t.skip("NOT PROVEN HERE: there is no Node 20 in PATH, so nobody tried the package on it");
  return null;
}

test("the tarball holds what is needed to run, and nothing of the machine that made it", () => {
  const files = readdirSync(installed, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(installed, join(entry.parentPath, entry.name)).split(sep).join("/"));
  const needed = `package.json LICENSE README.md SECURITY.md CHANGELOG.md spec/canonical-form.md dist/cli/main.js
    dist/gates/sdk/index.js dist/gates/sdk/index.d.ts dist/stores/sqlite/worker.js dist/console/index.html
    dist/cli/demo/house/directory.yaml`;
  for (const file of needed.split(/\s+/)) assert.ok(files.includes(file), `${file} is missing`);
  const unwanted = files.filter((file) => {
    const source = /\.[cm]?tsx?$/.test(file) && !file.endsWith(".d.ts");
    return (
      source ||
      /(^|\/)(src|test|tests|bench|tools|docs|node_modules|fixture)\/|\.test\.|\.map$|\.tsbuildinfo$|\.db$|\.pem$/.test(
        file,
      )
    );
  });
  assert.deepEqual(unwanted, []);
  const { size } = statSync(tarball);
  assert.ok(size < TARBALL_BYTES_MAX, `the tarball has ${size} bytes`);

  const registries = /\bregistry\.(?!npmjs\.org\b)[a-z0-9-]+\.[a-z.]+|"resolved" *:|_authToken/i;
  // The home of root is the same everywhere, and a word of the shell classifier.
  const places = [ROOT, dir, ...(homedir() === "/root" ? [] : [`${homedir()}/`])];
  for (const file of files) {
    const text = readFileSync(join(installed, file), "utf8");
    for (const place of places) assert.ok(!text.includes(place), `${file} names ${place}`);
    assert.doesNotMatch(text, registries, file);
  }
});

test("the package is lint-free, and a consumer's compiler finds its types", async () => {
  const bin = (name: string): string => join(ROOT, "node_modules", ".bin", name);
  const lint = await ran(bin("publint"), ["run", tarball, "--strict"]);
  assert.match(lint.out, /All good!/);
  const use = `
import { connect, Denied } from "keyturn/sdk";
import { connect as same } from "keyturn";
import { createClient, type View } from "keyturn/client";
import { verifyLedger, type Report } from "keyturn/verify";
import { runExec } from "keyturn/exec";

const keyturn = connect({ url: "http://127.0.0.1:7117", token: "kt_x", environment: "production" });
const resource = { type: "table", id: "customers" };
export const read: (wanted: { limit: number }) => Promise<number> = keyturn.guard(
  async ({ limit }: { limit: number }) => limit,
  { action: "customers.read", resource, facts: ({ limit }) => ({ rows: limit }) },
);
// @ts-expect-error: a guarded function takes what the function takes
export const wrong = read({ limit: "many" });
export const view = (id: string): Promise<View> => createClient({ url: "http://127.0.0.1:7117" }).view(id);
export const passed = ({ passed: yes }: Report): boolean => yes;
export const rest = [Denied, same, verifyLedger, runExec];
`;
  writeFileSync(join(app, "use.ts"), use);
  // With `skipLibCheck: false` our own declarations are checked as well.
  const compilerOptions = {
    module: "nodenext",
    target: "es2022",
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    types: [],
  };
  writeFileSync(join(app, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["use.ts"] }));
  await ran(bin("tsc"), ["-p", "."]);
});

test("npx keyturn demo runs from the installed package", async () => {
  const { out } = await ran("npx", ["keyturn", "demo", "--unattended"]);
  assert.match(out, /report-bot is admin now/);
  assert.match(out, /Everything held, was decided by the right people, ran once, and is proven\.\n$/);
  const version = await ran(join(app, "node_modules", ".bin", "keyturn"), ["--version"]);
  assert.match(version.out, /^keyturn \d+\.\d+\.\d+ \(Node 2[4-9]/);
});

test("a second demo on the same data finds the state of the first", async () => {
  const data = join(dir, "demo");
  const demo = async (): Promise<{ readonly kinds: Record<string, string>; readonly entries: number }> => {
    const { out } = await ran(process.execPath, [MAIN, "demo", "--unattended", "--data", data, "--json"]);
    const events = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const told = events.filter(({ event }) => event === "agent").map(({ step, kind }) => [step, kind]);
    const summary = events.at(-1);
    assert.deepEqual([summary.event, summary.passed], ["summary", true], out);
    const ledger = summary.checks.find(({ what }: { what: string }) => what.startsWith("ledger: completeness"));
    return { kinds: Object.fromEntries(told), entries: Number(/(\d+) entries/.exec(ledger.what)?.[1]) };
  };
  const first = await demo();
  assert.deepEqual(first.kinds, { read: "done", audit: "refused", export: "done", grant: "done", drop: "done" });
  const second = await demo();
  const earlier = { export: "earlier", grant: "earlier", drop: "earlier" };
  assert.deepEqual(second.kinds, { read: "done", audit: "refused", ...earlier });
  assert.ok(second.entries > first.entries, "one ledger over both");
});

/** An agent on another Node: one action that passes, one to be approved, one to be denied, one that nobody may approve. */
const AGENT = `
import { connect, Denied } from "keyturn/sdk";
const say = (line) => console.log(JSON.stringify(line));
const keyturn = connect({ url: process.env.KEYTURN_URL, token: process.env.KEYTURN_TOKEN, environment: "production" });
const ran = [];
const guarded = (action, id) => keyturn.guard(
  ({ limit }) => { ran.push(limit); return limit; },
  { action, resource: { type: "table", id }, onHeld: ({ id, digest }) => say({ held: id, digest }) },
);
const outcome = (call) => call.then((value) => value, (error) => (error instanceof Denied ? error.code : String(error)));
const read = guarded("customers.read", "customers");
const exported = guarded("customers.export", "customers");
const outcomes = [
  await outcome(read({ limit: 20 })),
  await outcome(exported({ limit: 5001 })),
  await outcome(exported({ limit: 5002 })),
  await outcome(guarded("audit.delete", "audit_log")({ limit: 1 })),
];
say({ node: process.versions.node, outcomes, ran });
keyturn.close();
`;

type Told = { readonly held?: string; readonly digest: string };

/** The n-th request that a process told of. */
async function heldBy(agent: Launched, n: number): Promise<{ id: string; digest: string }> {
  return agent.seen(({ out }) => {
    const lines = out
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Told);
    const told = lines.filter(({ held }) => held !== undefined)[n];
    return told?.held === undefined ? null : { id: told.held, digest: told.digest };
  });
}

async function pending(server: Served): Promise<{ id: string; digest: string } | undefined> {
  const { body } = await server.operator.get("/v1/requests?status=pending");
  return (body["requests"] as { id: string; digest: string }[])[0];
}

test("on Node 20 everything but the server imports, and a guard works", async (t) => {
  const node = node20(t);
  if (node === null) return;
  const names = ["keyturn", "keyturn/sdk", "keyturn/client", "keyturn/verify", "keyturn/exec"];
  const importing = `for (const name of ${JSON.stringify(names)}) if (Object.keys(await import(name)).length < 3) throw name;`;
  const { err } = await ran(node, ["--input-type=module", "-e", importing]);
  assert.equal(err, "", "not even a warning");

  await using home = new Installation({}, MAIN);
  await using server = await home.serve();
  const ann = await server.person("ann");
  writeFileSync(join(app, "agent.mjs"), AGENT);
  const env = { KEYTURN_URL: server.url, KEYTURN_TOKEN: await server.token("report-bot") };
  await using agent = new Launched(node, ["agent.mjs"], { cwd: app, env });
  assert.equal((await review(ann, await heldBy(agent, 0))).status, 200);
  assert.equal((await review(ann, await heldBy(agent, 1), "deny")).status, 200);
  const { code, out, err: said } = await agent.ended;
  assert.deepEqual([code, said], [0, ""]);
  const told = JSON.parse(out.trimEnd().split("\n").at(-1) ?? "");
  assert.match(told.node, /^20\./);
  assert.deepEqual(
    [told.outcomes, told.ran],
    [
      [20, 5001, "denied_by_person", "forbidden"],
      [20, 5001],
    ],
  );
});

test("on Node 20 keyturn exec holds a command, and keyturn serve asks for a newer Node in a sentence", async (t) => {
  const node = node20(t);
  if (node === null) return;
  const serve = await run(node, [MAIN, "serve"]);
  assert.deepEqual([serve.code, serve.out], [1, ""]);
  assert.match(serve.err, /^keyturn: `keyturn serve` needs Node 24 or later, and this is Node 20\.\S+\. [^\n]+\n$/);

  await using home = new Installation({}, MAIN);
  await using server = await home.serve();
  const ann = await server.person("ann");
  const env = { KEYTURN_URL: server.url, KEYTURN_TOKEN: await server.token("report-bot", "exec") };
  await using command = new Launched(node, [MAIN, "exec", "--", node, "-p", "process.exitCode = 7"], { cwd: app, env });
  await command.seen(({ err }) => (/review: http/.test(err) ? true : null));
  const listed = await home.keyturn(["requests", "--json", "--url", server.url]);
  const held = (await pending(server)) ?? assert.fail();
  assert.equal(JSON.parse(listed.out).requests[0].id, held.id);
  assert.equal((await review(ann, held)).status, 200);
  const { code, out, err } = await command.ended;
  assert.deepEqual([code, out], [7, "7\n"], err);
});
