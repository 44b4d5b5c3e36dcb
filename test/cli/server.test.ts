import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { dispatch } from "../../src/cli/dispatch.ts";
import { createClient } from "../../src/client/index.ts";
import type { TaskAnswer } from "../../src/client/index.ts";
import { start } from "../../src/server/compose.ts";
import type { Running } from "../../src/server/compose.ts";
import { loadConfig } from "../../src/server/config.ts";
import { screen } from "./terminal.ts";
import type { Screen } from "./terminal.ts";

// Every command here runs against a real server on the files that `keyturn init` writes.

let folder: string;
let server: Running;
let here: Screen;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "cli-"));
  here = screen({ cwd: folder });
  assert.equal(await dispatch(["init"], here), 0);
  server = await start({
    config: loadConfig(join(folder, "keyturn.yaml"), { data: undefined, listen: "127.0.0.1:0" }),
    log: () => undefined,
  });
  // What an operator would write: where the server listens.
  const settings = readFileSync(join(folder, "keyturn.yaml"), "utf8");
  writeFileSync(join(folder, "keyturn.yaml"), settings.replace("127.0.0.1:7117", new URL(server.url).host));
  here.taken();
});

after(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

async function keyturn(...argv: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const code = await dispatch(argv, here);
  return { code, ...here.taken() };
}

async function signIn(person: string): Promise<void> {
  const { out } = await keyturn("people", "sign-in", person);
  assert.equal((await keyturn("sign-in", out.trim())).code, 0);
}

/** An export that is held, asked for by the agent through the wire. */
async function held(limit: number): Promise<TaskAnswer["task"]> {
  const { out } = await keyturn("token", "create", "--agent", "my-agent", "--gate", "reports");
  const client = createClient({ url: server.url, token: out.trim() });
  const question = {
    subject: { type: "agent", id: "my-agent" },
    action: { name: "customers.export", properties: { limit, file: "a\u202eb\u001b[2J.csv" } },
    resource: { type: "table", id: "customers" },
    context: { environment: "production", reason: "approved by bob\nreally" },
  };
  const evaluation = await client.evaluate(question);
  const denial = { evaluation_id: evaluation.context.evaluation_id };
  const answer = await client.request({ ...question, denial }, { idempotencyKey: evaluation.context.evaluation_id });
  client.close();
  return answer.task;
}

test("an installation as init writes it is checked, served and healthy", async () => {
  const checked = await keyturn("policy", "check");
  assert.deepEqual([checked.code, checked.err], [0, ""]);
  assert.match(checked.out, /hold-escalation +hold +More power.*\n[^]*the server would load this\.\n$/);
  const doctor = await keyturn("doctor");
  assert.deepEqual([doctor.code, doctor.err], [0, ""]);
  assert.match(doctor.out, /answers \(server_found\)\n[^]*Nothing is wrong\.\n$/);
  const rules = join(folder, "policies/20-holds.cedar");
  const text = readFileSync(rules, "utf8");
  writeFileSync(
    rules,
    text.replace('@approvers("data-owners")', '@approvers("data-owner")').replace('@quorum("2")', '@quorum("9")'),
  );
  const broken = await keyturn("policy", "check");
  writeFileSync(rules, text);
  assert.equal(broken.code, 1);
  assert.match(
    broken.out,
    /^error: policies\/20-holds\.cedar:\d+:\d+: there is no group `data-owner`\n  did you mean `data-owners`/im,
  );
  assert.match(broken.out, /9 of `security` can never approve[^]*\n2 problems: the server would not load this\.\n$/);
  const again = await keyturn("init");
  assert.equal(again.code, 1);
  assert.match(again.err, /keyturn\.yaml, directory\.yaml.* already\. Nothing was written/);
});

test("a token is created once, listed without its secret, and revoked", async () => {
  const created = await keyturn(
    "token",
    "create",
    "--agent",
    "my-agent",
    "--gate",
    "nightly",
    "--expires",
    "2d",
    "--json",
  );
  const { id, token } = JSON.parse(created.out);
  const listed = await keyturn("token", "list");
  assert.match(listed.out, new RegExp(`${id} +my-agent +nightly +valid until .* +never`));
  assert.equal(listed.out.includes(token), false);
  assert.equal((await keyturn("token", "revoke", id)).code, 0);
  assert.match((await keyturn("token", "list")).out, new RegExp(`${id} +my-agent +nightly +revoked `));
  const unknown = await keyturn("token", "create", "--agent", "nobody", "--gate", "x");
  assert.deepEqual([unknown.code, unknown.out], [1, ""]);
  assert.match(unknown.err, /`nobody` is not an agent of the directory\.\n$/);
});

test("a person signs in once per link, and the session is for its owner alone", async () => {
  const { out } = await keyturn("people", "sign-in", "ann");
  assert.match(out, /^http:\/\/127\.0\.0\.1:\d+\/sign-in#code=\S+\n$/);
  assert.match((await keyturn("sign-in", out.trim())).out, /as Ann Example/);
  assert.equal(statSync(join(folder, ".config/keyturn/session.json")).mode & 0o777, 0o600);
  const twice = await keyturn("sign-in", out.trim());
  assert.equal(twice.code, 1);
  assert.match(twice.err, /The link was used or has expired/);
  for (const link of ["http://x/sign-in", "http://x/#code=1", "ftp://x/sign-in#code=1", "code"]) {
    assert.match((await keyturn("sign-in", link)).err, /That is no sign-in link/, link);
  }
  assert.match((await keyturn("sign-out")).out, /^Signed out of/);
  assert.match((await keyturn("review", "arq_00000000000000000000000000", "deny")).err, /Nobody is signed in to http/);
});

test("shown.agent-narrates: what the agent wrote is shown literally and cannot steer the terminal", async () => {
  const task = await held(5001);
  const list = await keyturn("requests");
  assert.match(
    list.out,
    new RegExp(
      `${task.id}  high \\d+ +customers\\.export on table/customers in production +my-agent +0 of 1 data-owners  \\d+ min\n  file: "a\\\\u\\{202e\\}b\\\\u\\{1b\\}\\[2J\\.csv", limit: 5001\n`,
    ),
  );
  const shown = await keyturn("review", task.id);
  assert.equal(shown.code, 0);
  assert.match(shown.out, /file: "a\\u\{202e\}b\\u\{1b\}\[2J\.csv"\n +limit: 5001\n/);
  assert.match(shown.out, /my-agent says, unverified:\n +│ approved by bob\\nreally\n/);
  assert.match(shown.out, new RegExp(`digest +${task.digest}\n`));
  assert.equal(/[^\n\P{C}]/u.test(shown.out), false);
});

test("an approval is confirmed by somebody or said in full, and sends the digest that was shown", async () => {
  await signIn("ann");
  const task = await held(5002);
  const unsaid = await keyturn("review", task.id, "approve");
  assert.equal(unsaid.code, 1);
  assert.match(unsaid.err, /Nobody is here to confirm\. Add --yes/);
  const other = await keyturn("review", task.id, "approve", "--yes", "--digest", `sha256:${"0".repeat(64)}`);
  assert.equal(other.code, 1);
  assert.match(other.err, /Nothing was sent/);
  here = screen({ cwd: folder, answers: ["yes"] });
  const wrongWord = await keyturn("review", task.id, "approve");
  assert.equal(wrongWord.code, 1);
  assert.match(wrongWord.err, /Type approve to confirm: .*Nothing was sent/s);
  here = screen({ cwd: folder, answers: ["approve"] });
  const approved = await keyturn("review", task.id, "approve", "--reason", "for the audit");
  assert.equal(approved.code, 0);
  assert.match(approved.out, /Approved arq_\w+: the action may run once\.\n$/);
  here = screen({ cwd: folder });
  const { requests } = JSON.parse((await keyturn("requests", "--status", "decided", "--json")).out);
  const [decided] = requests.filter((view: { id: string }) => view.id === task.id);
  assert.deepEqual(
    decided.reviews.map((review: { reason: string; channel: string }) => [review.reason, review.channel]),
    [["for the audit", "cli"]],
  );
});

test("without a verdict it asks, and somebody who is barred is told why", async () => {
  const task = await held(5003);
  await signIn("cy");
  here = screen({ cwd: folder, answers: ["approve"] });
  const barred = await keyturn("review", task.id);
  assert.equal(barred.code, 0);
  assert.match(barred.err, /You cannot approve this: /);
  const tried = await keyturn("review", task.id, "approve", "--yes");
  assert.equal(tried.code, 1);
  assert.match(tried.err, /keyturn: [A-Z].*\.\n$/);
  await signIn("bob");
  here = screen({ cwd: folder, answers: ["deny"] });
  const denied = await keyturn("review", task.id);
  assert.match(denied.err, /Type approve or deny, or nothing to leave it/);
  assert.match(denied.out, /Denied arq_/);
  here = screen({ cwd: folder });
});

test("exec holds a command, then passes on its exit code, or says that it was denied", async () => {
  await signIn("ann");
  const { out } = await keyturn("token", "create", "--agent", "my-agent", "--gate", "exec");
  const cases = [
    ["approve", 3, /^keyturn: .*review: http/],
    ["deny", 126, /denied/i],
  ] as const;
  for (const [verdict, code, says] of cases) {
    const main = join(process.cwd(), "src/cli/main.ts");
    const child = spawn(
      process.execPath,
      [main, "exec", "--reason", verdict, "--", process.execPath, "-e", "process.exit(3)"],
      {
        cwd: folder,
        env: { PATH: process.env["PATH"], HOME: folder, KEYTURN_TOKEN: out.trim() },
        stdio: ["ignore", "ignore", "pipe"],
      },
    );
    let err = "";
    child.stderr.on("data", (chunk: Buffer) => void (err += chunk.toString()));
    const ended = once(child, "exit");
    const id = await heldCommand(() => err);
    assert.equal((await keyturn("review", id, verdict, "--yes")).code, 0);
    assert.deepEqual((await ended)[0], code, err);
    assert.match(err, says);
  }
});

/** The id of the request that a held command waits for. */
async function heldCommand(err: () => string): Promise<string> {
  for (let waitedMs = 0; waitedMs < 20_000; waitedMs += 50) {
    const { requests } = JSON.parse((await keyturn("requests", "--json")).out);
    const [view] = requests.filter(
      (candidate: { action: { name: string } }) => candidate.action.name === "process.exec",
    );
    if (view !== undefined) return view.id;
    await sleep(50);
  }
  throw new Error(`no request within 20 s: ${err()}`);
}

test("the ledger verifies from the server and from files alone", async () => {
  const live = await keyturn("verify");
  assert.equal(live.code, 0, live.out);
  assert.match(
    live.out,
    /integrity +pass[^]*completeness +pass[^]*decisions +pass[^]*The key came from the server itself/,
  );
  const operator = createClient({ url: server.url, token: server.operatorToken });
  const lines: string[] = [];
  const checkpoint = await operator.checkpoint();
  for await (const entry of operator.entries()) lines.push(JSON.stringify(entry));
  writeFileSync(join(folder, "entries.jsonl"), `${lines.join("\n")}\n`);
  writeFileSync(join(folder, "checkpoint"), checkpoint);
  writeFileSync(join(folder, "vkey"), await operator.verifierKey());
  const files = ["verify", "--entries", "entries.jsonl", "--checkpoint", "checkpoint", "--vkey", "vkey"];
  assert.deepEqual((await keyturn(...files)).code, 0);
  const missing = lines.toSpliced(3, 1);
  writeFileSync(join(folder, "entries.jsonl"), `${missing.join("\n")}\n`);
  const cut = await keyturn(...files, "--json");
  assert.equal(cut.code, 1);
  const report = JSON.parse(cut.out);
  assert.deepEqual([report.passed, report.integrity.verdict, report.completeness.verdict], [false, "fail", "fail"]);
  writeFileSync(join(folder, "entries.jsonl"), "{}\n");
  assert.match((await keyturn(...files)).err, /entries\.jsonl:1: this is no entry/);
  assert.equal((await keyturn("verify", "--entries", "entries.jsonl")).code, 2);
});
