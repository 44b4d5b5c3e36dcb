import assert from "node:assert/strict";
import { chmod, mkdir, realpath, symlink, writeFile } from "node:fs/promises";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Progress } from "../../src/gates/exec/progress.ts";
import type { Task } from "../../src/client/index.ts";
import { Double, problem, sha256Hex } from "./double.ts";
import { folder, run, shown, start } from "./exec-run.ts";

async function allowing(): Promise<Double> {
  const double = await new Double().start();
  double.rule = "allow";
  return double;
}

async function script(path: string, text: string): Promise<void> {
  await writeFile(path, text);
  await chmod(path, 0o755);
}

test("the action binds binary, argv, cwd, the whole environment, files, stdin and user", async () => {
  await using double = await allowing();
  await using at = await folder();
  await writeFile(join(at.path, "plan.json"), "{}");
  const options = {
    argv: ["sh", "-c", 'echo "$KIND"; cat plan.json; cat'],
    cwd: at.path,
    envNames: ["KIND"],
    bindFiles: ["plan.json"],
    stdin: true,
    environment: "production",
    reason: "the release",
  };
  const { code, stdout } = await run(double, options, { KIND: "blue", OTHER: "never" }, "typed");
  assert.deepEqual([code, stdout], [0, "blue\n{}typed"]);
  const cwd = await realpath(at.path);
  const { binary, ...rest } = shown(double) as { binary: { path: string; sha256: string } };
  assert.match(binary.path, /^\/.*\/(dash|bash|sh|busybox)$/);
  assert.match(binary.sha256, /^[0-9a-f]{64}$/);
  assert.deepEqual(rest, {
    argv: options.argv,
    cwd,
    env: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: "/nowhere", KIND: "blue" },
    files: [{ path: join(cwd, "plan.json"), sha256: sha256Hex("{}") }],
    stdin: { sha256: sha256Hex("typed"), bytes: 5 },
    user: userInfo().username,
  });
  const sent = double.asked;
  assert.deepEqual(sent["resource"], { type: "host", id: hostname() });
  assert.deepEqual(sent["context"], { environment: "production", reason: "the release" });
});

test("the child gets exactly the environment that was shown, and /dev/null where stdin was not bound", async () => {
  await using double = await allowing();
  const env = { LANG: "C.UTF-8", KIND: "blue", NODE_OPTIONS: "--no-warnings", LD_LIBRARY_PATH: "/tmp" };
  const { stdout } = await run(
    double,
    { argv: ["sh", "-c", "env; cat"], envNames: ["KIND"] },
    env,
    "not for the child",
  );
  const got: Record<string, string> = {};
  for (const line of stdout.trim().split("\n")) got[line.split("=")[0] ?? ""] = line.slice(line.indexOf("=") + 1);
  for (const own of ["PWD", "OLDPWD", "SHLVL", "_"]) delete got[own]; // the shell's own
  assert.deepEqual(got, shown(double)["env"]);
  assert.deepEqual(Object.keys(got).sort(), ["HOME", "KIND", "LANG", "PATH"]);
  assert.equal(shown(double)["stdin"], null);
});

test("exit codes and signals are those of the command", async () => {
  const table = [
    ["exit 0", 0, "succeeded", { exit_code: 0, signal: null }],
    ["exit 3", 3, "failed", { exit_code: 3, signal: null }],
    ["kill -TERM $$", 143, "failed", { exit_code: null, signal: "SIGTERM" }],
    ["kill -KILL $$", 137, "failed", { exit_code: null, signal: "SIGKILL" }],
  ] as const;
  for (const [line, code, status, details] of table) {
    await using double = await allowing();
    assert.equal((await run(double, { argv: ["sh", "-c", line] })).code, code, line);
    const { duration_ms: ms, ...told } = double.outcome.details;
    assert.equal(double.outcome.status, status);
    assert.deepEqual(told, details);
    assert.ok(typeof ms === "number" && ms >= 0);
  }
});

test("exit codes of its own: 124 expired, 125 failed, 126 denied, 127 not found", async () => {
  await using at = await folder();
  await script(join(at.path, "plain"), "echo no line at the top\n");
  await script(join(at.path, "crlf"), "#!/bin/sh\r\necho\r\n");
  await script(join(at.path, "odd"), "#!/usr/bin/env -Ssh ls\necho\n");
  await script(join(at.path, "gone"), "#!/nowhere/interpreter\n");
  await writeFile(join(at.path, "not-executable"), "#!/bin/sh\n");
  type Lie = (double: Double) => void;
  const table: readonly [string, readonly string[], number, RegExp, Lie?][] = [
    ["denied", ["true"], 126, /denied by policy test-rule/, (double) => (double.rule = "deny")],
    [
      "expired",
      ["true"],
      124,
      /nobody decided in time/,
      (double) => ((double.rule = "hold"), (double.lifeMs = -4_950)),
    ],
    ["no such command", ["no-such-command"], 127, /no such program/],
    ["no such path", ["./no-such"], 127, /no such program/],
    ["not executable", ["./not-executable"], 127, /may not be executed/],
    ["a folder", ["./"], 127, /no such program/],
    ["empty", [""], 127, /no such program/],
    ["nothing", [], 127, /no command/],
    ["neither binary nor script", ["./plain"], 125, /through its interpreter/],
    ["interpreter is missing", ["./gone"], 127, /no such program/],
    ["carriage return", ["./crlf"], 127, /\\u\{d\}/],
    ["options of env", ["./odd"], 125, /not understood/],
    [
      "unknown token",
      ["true"],
      125,
      /token/,
      (double) => double.instead.push({ path: /whoami/, reply: problem(401, "unauthorized", "no") }),
    ],
    ["a file that is not there", ["true"], 125, /cannot be bound/],
    ["a variable that is not set", ["true"], 125, /`MISSING` is not set/],
  ];
  for (const [what, argv, code, message, lie] of table) {
    await using double = await allowing();
    lie?.(double);
    const own = what.includes("file that")
      ? { bindFiles: ["nowhere"] }
      : what.includes("variable")
        ? { envNames: ["MISSING"] }
        : {};
    const ended = await run(double, { argv, cwd: at.path, ...own });
    assert.equal(ended.code, code, `${what}: ${ended.stderr}`);
    assert.match(ended.stderr, message, what);
    assert.equal(double.count(/redeem/), 0);
  }
});

test("a script binds its interpreter, and what `env` starts", async () => {
  await using at = await folder();
  await mkdir(join(at.path, "bin"));
  await script(join(at.path, "bin", "greet"), "#!/bin/sh\necho hello $1 from $0\n");
  await script(join(at.path, "by-env"), "#!/usr/bin/env sh\necho by env\n");
  await script(join(at.path, "nested"), `#!${join(at.path, "bin", "greet")} -x\n`);
  await symlink(join(at.path, "bin", "greet"), join(at.path, "link"));
  const table: readonly [readonly string[], string, number][] = [
    [["greet", "you"], "hello you", 1],
    [["./link", "you"], "hello you", 1],
    [["./by-env"], "by env", 2],
    [["./nested"], "hello -x", 2],
  ];
  for (const [argv, said, interpreters] of table) {
    await using double = await allowing();
    const ended = await run(double, { argv, cwd: at.path }, { PATH: `${join(at.path, "bin")}:/usr/bin:/bin` });
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(ended.stdout, new RegExp(said));
    const properties = shown(double) as { binary: { path: string }; interpreters: { path: string; sha256: string }[] };
    assert.equal(properties.interpreters.length, interpreters, argv.join(" "));
    if (argv[0] === "./link") assert.match(properties.binary.path, /bin\/greet$/);
  }
});

test("signals reach the command, and its end is its own", async () => {
  await using double = await allowing();
  const line = 'trap "echo hung up; exit 7" HUP; echo ready; while :; do sleep 0.05; done';
  const running = start(double, { argv: ["sh", "-c", line] });
  while (!running.stdout().includes("ready")) await sleep(10);
  running.process.kill("SIGHUP");
  const { code, stdout } = await running.done;
  assert.deepEqual([code, stdout], [7, "ready\nhung up\n"]);
});

test("while it is held, a line tells who is needed and where to review; it goes on by itself when approved", async () => {
  await using double = await new Double().start();
  await using at = await folder();
  await writeFile(join(at.path, "deploy.sh"), "echo deployed\n");
  const running = start(double, { argv: ["sh", "deploy.sh"], cwd: at.path });
  const id = await double.task();
  while (!running.stderr().includes("review")) await sleep(10);
  assert.match(running.stderr(), /`deploy\.sh` is not bound/);
  assert.match(
    running.stderr(),
    new RegExp(`held ${id}, needs 2 of security \\(0 so far\\), .*left, review: http.*/requests/${id}`),
  );
  while (double.streams === 0) await sleep(5);
  double.decide(id, "pending");
  while (!running.stderr().includes("1 so far")) await sleep(10);
  assert.equal(running.stdout(), "");
  double.decide(id, "approved");
  const { code, stdout, stderr } = await running.done;
  assert.deepEqual([code, stdout], [0, "deployed\n"]);
  assert.equal(stderr.trim().split("\n").length, 3, "a line for the hint, and one for each change");
  assert.deepEqual([double.count(/redeem/), double.outcomes.length], [1, 1]);
});

test("standard input beyond the limit is refused before anything is asked", async () => {
  await using double = await allowing();
  const running = start(double, { argv: ["true"], stdin: true }, {}, null);
  running.process.stdin.on("error", () => undefined);
  running.process.stdin.end(Buffer.alloc(16 * 1024 * 1024 + 1));
  const { code, stderr } = await running.done;
  assert.equal(code, 125);
  assert.match(stderr, /--bind/);
  assert.equal(double.count(/evaluation/), 0);
});

const TASK: Task = {
  id: "arq_1",
  status: "pending",
  expires_at: "2026-01-01T01:02:03Z",
  digest: "sha256:0",
  progress: {
    terms: [
      { group: "security", quorum: 2, filled: 1 },
      { group: "data\u202eowners\n", quorum: 1, filled: 0 },
    ],
  },
  links: { review: "https://keyturn.example/requests/arq_1" },
};

test("progress: on a terminal one line that is drawn anew and never wraps; text of others cannot move the cursor", () => {
  const written: string[] = [];
  const screen = { isTTY: true, columns: 72, write: (text: string) => written.push(text) };
  const progress = new Progress(screen, () => Date.parse("2026-01-01T00:00:00Z"));
  progress.held(TASK);
  progress.held(TASK);
  progress.end();
  const [link = "", first = "", second = "", last] = written;
  assert.equal(link, "keyturn: held for review at https://keyturn.example/requests/arq_1\n");
  assert.equal(first, second);
  assert.ok(first.startsWith("\r\u001B[Kkeyturn: 1:02:03 left, needs 2 of security (1 so far)"), first);
  assert.ok(first.length - "\r\u001B[K".length < 72);
  assert.equal(last, "\r\u001B[K");

  const lines: string[] = [];
  new Progress({ write: (text: string) => lines.push(text) }, () => 0).held(TASK);
  assert.match(lines.join(""), /data\\u\{202e\}owners\\u\{a\} \(0 so far\)/);
});
