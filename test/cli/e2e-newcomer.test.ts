import assert from "node:assert/strict";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { freePort, Launched, MAIN } from "../support/process.ts";
import type { Ended } from "../support/process.ts";

// The way of somebody who has just installed it: the real binary, a process for every command, an empty folder.

let folder: string;
/** Where each person's sign-in is kept: one machine account each. */
const homeOf = (person: string): Record<string, string> => ({ XDG_CONFIG_HOME: join(folder, "home", person) });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "keyturn-e2e-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function launch(args: readonly string[], env: Record<string, string> = {}): Launched {
  return new Launched(process.execPath, [MAIN, ...args], { cwd: folder, env: { ...homeOf("operator"), ...env } });
}

function keyturn(args: readonly string[], env?: Record<string, string>): Promise<Ended> {
  return launch(args, env).ended;
}

/** What a command says with --json: one object on standard output, or its error as the last line of standard error. */
async function json(
  args: readonly string[],
  env?: Record<string, string>,
  expected = 0,
): Promise<Record<string, unknown>> {
  const { code, out, err } = await keyturn([...args, "--json"], env);
  assert.equal(code, expected, `${args.join(" ")}: ${out}${err}`);
  const line = expected === 0 || out !== "" ? out : err.split("\n").slice(-2).join("\n");
  assert.match(line, /^\{.*\}\n$/, `${args.join(" ")} prints one line`);
  return JSON.parse(line) as Record<string, unknown>;
}

/** The code of the error that it ends with. */
async function errorOf(args: readonly string[], env?: Record<string, string>): Promise<string> {
  const { error } = await json(args, env, 1);
  return (error as { code: string }).code;
}

async function serve(): Promise<{ readonly server: Launched; readonly url: string }> {
  const server = launch(["serve", "--json"]);
  const line = await server.seen(({ out }) => /^(\{.*\})\n/.exec(out)?.[1] ?? null);
  const { event, url, pid } = JSON.parse(line);
  assert.deepEqual([event, pid], ["ready", server.pid]);
  return { server, url };
}

/** `init`, with an address that is free here. */
async function initialised(): Promise<void> {
  const { files } = await json(["init"]);
  assert.ok(Array.isArray(files) && files.includes(join(folder, "keyturn.yaml")));
  const settings = readFileSync(join(folder, "keyturn.yaml"), "utf8");
  writeFileSync(join(folder, "keyturn.yaml"), settings.replace("127.0.0.1:7117", `127.0.0.1:${await freePort()}`));
}

/** Signs a person in as the operator's link lets them. */
async function signIn(person: string): Promise<void> {
  const { url } = await json(["people", "sign-in", person]);
  const signedIn = await json(["sign-in", String(url)], homeOf(person));
  assert.equal(signedIn["person"], person);
  assert.equal(statSync(join(folder, "home", person, "keyturn/session.json")).mode & 0o777, 0o600);
}

test("from an empty folder to a command that is held, approved, run once and proven", async () => {
  await initialised();
  const checked = await json(["policy", "check"]);
  assert.deepEqual(checked["problems"], []);
  const { server, url } = await serve();
  await using _ = server;
  const key = await verifierKey(url);
  await signIn("ann");
  await signIn("cy");
  const { id: token, token: secret } = await json(["token", "create", "--agent", "my-agent", "--gate", "shell"]);
  assert.match(String(secret), /^kt_/);
  assert.deepEqual((await json(["requests"], homeOf("ann")))["requests"], []);

  const work = join(folder, "work");
  mkdirSync(work);
  const script = `require("fs").appendFileSync("ran", "x"); console.log(process.argv[1]); process.exit(42)`;
  const env = { KEYTURN_TOKEN: String(secret) };
  const command = ["exec", "--reason", "the first try", "--", process.execPath, "-e", script, "work"];
  await using held = launch(command, env);
  await held.seen(({ err }) => (/review: http:\/\/127\.0\.0\.1:\d+\/requests\/arq_/.test(err) ? true : null));
  assert.equal(existsSync(join(folder, "ran")), false);

  const { requests } = await json(["requests"], homeOf("ann"));
  const [view] = requests as { id: string; digest: string; action: { name: string }; claim: { reason: string } }[];
  assert.ok(view);
  assert.deepEqual([view.action.name, view.claim.reason], ["process.exec", "the first try"]);
  // Cy is of security too, and owns the agent.
  assert.equal(await errorOf(["review", view.id, "approve", "--yes"], homeOf("cy")), "refused");
  const approve = ["review", view.id, "approve", "--yes", "--digest", view.digest, "--reason", "go"];
  assert.equal((await json(approve, homeOf("ann")))["status"], "approved");

  const { code, out, err } = await held.ended;
  assert.deepEqual([code, out], [42, "work\n"], err);
  assert.equal(readFileSync(join(folder, "ran"), "utf8"), "x");
  const after = await json(["review", view.id], homeOf("ann"));
  assert.equal((after["permit"] as { status: string }).status, "redeemed");
  const outcome = after["outcome"] as { status: string; details: { exit_code?: number } };
  assert.deepEqual(outcome.status, "failed");
  assert.match(JSON.stringify(outcome.details), /\b42\b/);

  const report = await json(["verify", "--vkey", key]);
  assert.deepEqual([report["passed"], (report["counts"] as { released: number }).released], [true, 1]);
  const { findings } = await json(["doctor"]);
  assert.deepEqual(
    (findings as { severity: string }[]).filter(({ severity }) => severity === "error"),
    [],
  );

  const { tokens } = await json(["token", "list"]);
  assert.deepEqual(
    (tokens as { id: string }[]).map(({ id }) => id),
    [token],
  );
  assert.deepEqual(await json(["token", "revoke", String(token)]), { revoked: token });
  const refused = await keyturn(command, env);
  assert.equal(refused.code, 125);
  assert.match(refused.err, /does not know this token/);
  assert.equal(readFileSync(join(folder, "ran"), "utf8"), "x");

  await json(["sign-out"], homeOf("ann"));
  assert.equal(await errorOf(["review", view.id, "deny"], homeOf("ann")), "no_credential");
  assert.equal((await json(["version"]))["node"], process.versions.node);
  server.signal("SIGINT");
  assert.equal((await server.ended).code, 0);
  assert.equal(await errorOf(["requests"], homeOf("cy")), "unavailable");
});

/** The key as an auditor would write it down on the first day. */
async function verifierKey(url: string): Promise<string> {
  const token = readFileSync(join(folder, "data/operator.token"), "utf8").trim();
  assert.equal(statSync(join(folder, "data/operator.token")).mode & 0o777, 0o600);
  const response = await fetch(`${url}/v1/ledger/vkey`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(response.status, 200);
  return (await response.text()).trim();
}

test("a denied command never starts, and one whose waiting is given up is withdrawn", async () => {
  await initialised();
  const { server } = await serve();
  await using _ = server;
  await signIn("bob");
  const { token } = await json(["token", "create", "--agent", "my-agent", "--gate", "shell"]);
  const script = `require("fs").writeFileSync("ran", "")`;
  const pendingId = async (): Promise<string> => {
    const { requests } = await json(["requests"], homeOf("bob"));
    return (requests as { id: string }[])[0]?.id ?? assert.fail("nothing is pending");
  };
  const hold = async (argument: string): Promise<Launched> => {
    const started = launch(["exec", "--", process.execPath, "-e", script, argument], { KEYTURN_TOKEN: String(token) });
    await started.seen(({ err }) => (err.includes("review: http") ? true : null));
    return started;
  };

  await using first = await hold("one");
  assert.equal(
    (await json(["review", await pendingId(), "deny", "--reason", "not now"], homeOf("bob")))["status"],
    "denied",
  );
  const denied = await first.ended;
  assert.equal(denied.code, 126);
  assert.match(denied.err, /not now/);

  await using second = await hold("two");
  const id = await pendingId();
  second.signal("SIGINT");
  assert.equal((await second.ended).code, 130);
  assert.equal((await json(["review", id], homeOf("bob")))["status"], "cancelled");
  assert.equal(await errorOf(["review", id, "approve", "--yes"], homeOf("bob")), "refused");
  assert.equal(existsSync(join(folder, "ran")), false);
});

test("a server that cannot start says why in one sentence, and with --json as JSON", async () => {
  const start = async (...args: readonly string[]): Promise<{ code: string; message: string }> => {
    const { error } = await json(["serve", ...args], {}, 1);
    return error as { code: string; message: string };
  };
  const missing = await start();
  assert.deepEqual([missing.code, /`keyturn init` writes one/.test(missing.message)], ["config_invalid", true]);
  await initialised();
  const { server, url } = await serve();
  await using _ = server;
  const taken = await start("--data", "other", "--listen", new URL(url).host);
  assert.deepEqual([taken.code, /another program listens there/.test(taken.message)], ["address_unusable", true]);
  const held = await start("--listen", "127.0.0.1:0");
  assert.deepEqual([held.code, held.message.includes(`process ${server.pid} `)], ["store_locked", true]);

  appendFileSync(join(folder, "policies/30-never.cedar"), "forbid\n");
  const lines = readFileSync(join(folder, "policies/30-never.cedar"), "utf8").split("\n").length;
  const broken = await start("--data", "other", "--listen", "127.0.0.1:0");
  assert.equal(broken.code, "policies_invalid");
  assert.match(broken.message, new RegExp(`30-never\\.cedar:(${lines - 1}|${lines}):\\d+: `));
  const { problems } = await json(["policy", "check"], {}, 1);
  assert.equal((problems as { line: number }[]).length, 1);
});
