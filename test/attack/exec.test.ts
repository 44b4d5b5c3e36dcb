import assert from "node:assert/strict";
import { chmod, mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Double, ok, problem } from "../gates/double.ts";
import { folder, run, shown, start } from "../gates/exec-run.ts";
import type { Running } from "../gates/exec-run.ts";

async function script(path: string, text: string): Promise<void> {
  await writeFile(path, text);
  await chmod(path, 0o755);
}

/** Waits until the command is held and its gate listens. */
async function held(double: Double, running: Running): Promise<string> {
  const id = await Promise.race([double.task(), running.done.then(({ stderr }) => assert.fail(stderr))]);
  while (double.streams === 0) await sleep(5);
  return id;
}

test("shown.differs: argv reaches the command byte for byte, through no shell (exec)", async () => {
  await using double = await new Double().start();
  double.rule = "allow";
  const words = [" a ", "$(id)", "`id`", "a;b", "*", "~", "", "\u200b", "'\"", "-n", "\\", "é", "a\nb", "--", "$HOME"];
  const { stdout } = await run(double, { argv: ["printf", "%s\\0", ...words] });
  assert.deepEqual(stdout.split("\0").slice(0, -1), words);
  assert.deepEqual(shown(double)["argv"], ["printf", "%s\\0", ...words]);
});

test("shown.differs: a variable that nobody was shown never reaches the command (exec)", async () => {
  await using double = await new Double().start();
  double.rule = "allow";
  const hostile = {
    LD_PRELOAD: "/tmp/evil.so",
    BASH_ENV: "/tmp/evil",
    NODE_OPTIONS: "--no-warnings",
    GIT_SSH_COMMAND: "evil",
  };
  const { stdout } = await run(double, { argv: ["env"] }, hostile);
  assert.doesNotMatch(stdout, /evil|NODE_OPTIONS/);
  assert.match(stdout, /^PATH=/m);
});

test("shown.differs: another program of the same name earlier in PATH is another action (exec)", async () => {
  await using at = await folder();
  await mkdir(join(at.path, "bin"));
  await script(join(at.path, "bin", "true"), "#!/bin/sh\necho evil\n");
  const paths: unknown[] = [];
  for (const PATH of ["/usr/bin:/bin", `${at.path}/bin:/usr/bin:/bin`, "bin:/usr/bin:/bin"]) {
    await using double = await new Double().start();
    double.rule = "allow";
    await run(double, { argv: ["true"], cwd: at.path }, { PATH });
    paths.push(
      (shown(double)["binary"] as { path: string }).path.endsWith("/bin/true") &&
        shown(double)["interpreters"] !== undefined,
    );
  }
  assert.deepEqual(paths, [false, true, true], "what would run is what is shown");
});

test("shown.differs: a server that understood another command gets nothing run (exec)", async () => {
  await using double = await new Double().start();
  await using at = await folder();
  double.rule = "allow";
  double.bend = (context) => ({ ...context, digest: `sha256:${"0".repeat(64)}` });
  const { code, stderr } = await run(double, { argv: ["touch", "ran"], cwd: at.path });
  assert.equal(code, 125);
  assert.match(stderr, /understood another action/);
  assert.equal(existsSync(join(at.path, "ran")), false);
});

test("shown.file-changed: whatever was bound and has changed while held stops the command, by name (exec)", async () => {
  type Change = (at: string) => Promise<void>;
  const table: readonly [string, readonly string[], Change, string][] = [
    ["the script", ["./deploy"], (at) => script(join(at, "deploy"), "#!/bin/sh\ntouch ran evil\n"), "deploy"],
    ["its interpreter line", ["./deploy"], (at) => script(join(at, "deploy"), "#!/bin/cat\n"), "deploy"],
    ["a bound file", ["./deploy"], (at) => writeFile(join(at, "plan.json"), "{} "), "plan.json"],
    ["a bound file is gone", ["./deploy"], (at) => rm(join(at, "plan.json")), "plan.json"],
    [
      "a link that leads elsewhere",
      ["./link"],
      async (at) => {
        await rm(join(at, "link"));
        await script(join(at, "other"), "#!/bin/sh\ntouch ran\n");
        await symlink("other", join(at, "link"));
      },
      "deploy",
    ],
    [
      "the working directory",
      ["./deploy"],
      async (at) => {
        await rename(at, `${at}-moved`);
        await symlink(`${at}-moved`, at);
      },
      "working directory",
    ],
  ];
  for (const [what, argv, change, name] of table) {
    await using double = await new Double().start();
    await using outer = await folder();
    const at = join(outer.path, "work");
    await mkdir(at);
    await script(join(at, "deploy"), "#!/bin/sh\ntouch ran\n");
    await symlink("deploy", join(at, "link"));
    await writeFile(join(at, "plan.json"), "{}");
    const running = start(double, { argv, cwd: at, bindFiles: ["plan.json"] });
    const id = await held(double, running);
    await change(at);
    double.decide(id, "approved");
    const { code, stderr } = await running.done;
    assert.equal(code, 126, `${what}: ${stderr}`);
    assert.ok(stderr.includes(name), `${what}: ${stderr}`);
    assert.equal(existsSync(join(at, "ran")), false, what);
    assert.equal(double.count(/redeem/), 0, `${what}: the permit is not used up`);
  }
});

test("shown.file-changed: a change between redemption and start stops the command and is reported (exec)", async () => {
  await using double = await new Double().start();
  await using at = await folder();
  await script(join(at.path, "deploy"), "#!/bin/sh\ntouch ran\n");
  double.instead.push({
    path: /redeem/,
    reply: async (exchange) => {
      await script(join(at.path, "deploy"), "#!/bin/sh\ntouch ran evil\n");
      return double.reply(exchange);
    },
  });
  const running = start(double, { argv: ["./deploy"], cwd: at.path });
  double.decide(await held(double, running), "approved");
  const { code } = await running.done;
  assert.equal(code, 126);
  assert.equal(existsSync(join(at.path, "ran")), false);
  const { status, details } = double.outcome;
  assert.deepEqual([status, details], ["failed", { executed: false, error: "ExecError", code: "shown.file-changed" }]);
});

test("shown.file-changed: also what passes at once is looked at again before it starts (exec)", async () => {
  await using double = await new Double().start();
  await using at = await folder();
  double.rule = "allow";
  await script(join(at.path, "deploy"), "#!/bin/sh\ntouch ran\n");
  double.instead.push({
    path: /evaluation$/,
    reply: async (exchange) => {
      await script(join(at.path, "deploy"), "#!/bin/sh\ntouch ran evil\n");
      return double.reply(exchange);
    },
  });
  assert.equal((await run(double, { argv: ["./deploy"], cwd: at.path })).code, 126);
  assert.equal(existsSync(join(at.path, "ran")), false);
  assert.equal(double.outcome.status, "failed");
});

test("permit.late-execution: a signal while held withdraws the request, and an approval comes too late (exec)", async () => {
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const) {
    await using double = await new Double().start();
    await using at = await folder();
    const running = start(double, { argv: ["touch", "ran"], cwd: at.path });
    const id = await held(double, running);
    running.process.kill(signal);
    const ended = await running.done;
    assert.equal(ended.code, code, ended.stderr);
    assert.equal(double.held.get(id)?.status, "cancelled");
    double.decide(id, "approved");
    await sleep(50);
    assert.equal(existsSync(join(at.path, "ran")), false);
  }
});

test("permit.late-execution: a signal at the moment of redemption starts nothing (exec)", async () => {
  await using double = await new Double().start();
  await using at = await folder();
  const running = start(double, { argv: ["touch", "ran"], cwd: at.path });
  double.instead.push({
    path: /redeem/,
    reply: async (exchange) => {
      running.process.kill("SIGINT");
      await sleep(50);
      return double.reply(exchange);
    },
  });
  double.decide(await held(double, running), "approved");
  assert.equal((await running.done).code, 130);
  assert.equal(existsSync(join(at.path, "ran")), false);
});

test("permit.late-execution: a signal while standard input is read asks nobody (exec)", async () => {
  await using double = await new Double().start();
  const running = start(double, { argv: ["cat"], stdin: true }, {}, null);
  // More than a pipe holds: once it is written, the gate is reading.
  await new Promise((resolve) => running.process.stdin.write(Buffer.alloc(1 << 20), resolve));
  running.process.kill("SIGINT");
  assert.equal((await running.done).code, 130);
  assert.equal(double.count(/evaluation|requests/), 0);
});

test("default.server-down: no server, a lost redemption or nonsense runs nothing and exits 125 (exec)", async () => {
  type Fault = (double: Double) => Promise<void> | void;
  const always = (double: Double, path: RegExp, reply: Double["instead"][number]["reply"]): void => {
    for (let again = 0; again < 50; again++) double.instead.push({ path, reply });
  };
  const table: readonly [string, Fault][] = [
    ["no server", (double) => double.stop()],
    ["no whoami", (double) => always(double, /whoami/, "drop")],
    ["no evaluation", (double) => always(double, /evaluation$/, problem(503, "store_failed", "the store failed"))],
    ["nonsense", (double) => always(double, /evaluation$/, ok({ decision: true }))],
  ];
  for (const [what, fault] of table) {
    await using double = await new Double().start();
    await using at = await folder();
    double.rule = "allow";
    await fault(double);
    assert.equal((await run(double, { argv: ["touch", "ran"], cwd: at.path })).code, 125, what);
    assert.equal(existsSync(join(at.path, "ran")), false, what);
  }
  await using double = await new Double().start();
  await using at = await folder();
  always(double, /redeem/, "handle-then-drop");
  const running = start(double, { argv: ["touch", "ran"], cwd: at.path });
  double.decide(await held(double, running), "approved");
  assert.equal((await running.done).code, 125);
  assert.equal(existsSync(join(at.path, "ran")), false);
});

test("secrets.logged: a secret variable reaches the command and nobody else (exec)", async () => {
  await using double = await new Double().start();
  const options = {
    argv: ["sh", "-c", 'test "$PGPASSWORD" = hunter2-s3cr3t && echo same'],
    secretEnvNames: ["PGPASSWORD"],
  };
  const running = start(double, options, { PGPASSWORD: "hunter2-s3cr3t" });
  double.decide(await held(double, running), "approved");
  const { code, stdout, stderr } = await running.done;
  assert.deepEqual([code, stdout], [0, "same\n"]);
  assert.doesNotMatch(stderr, /s3cr3t|kt_test/);
  assert.doesNotMatch(JSON.stringify(double.seen.map(({ body }) => body)).replace(/"argv":\[[^\]]*\]/g, ""), /s3cr3t/);
  const env = shown(double)["env"] as { PGPASSWORD: { $secret: string } };
  assert.match(env.PGPASSWORD.$secret, /^sha256:[0-9a-f]{64}$/);
});
