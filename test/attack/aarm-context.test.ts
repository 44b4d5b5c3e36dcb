// AARM v1.0 R2 to R4: accumulated context, policies that look at it, and all five decisions, through server and SDK.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Instant } from "../../src/core/brand.ts";
import { connect, Denied, type Keyturn } from "../../src/gates/sdk/index.ts";
import { verifyLedger } from "../../src/verify/index.ts";
import { deleteAudit, exportRows, readRows } from "../support/actions.ts";
import { HOUR, MINUTE } from "../support/clock.ts";
import { approve, hold, permitFor, redeem } from "../support/flow.ts";
import { House, type Client } from "../support/house.ts";
import { at, textAt } from "../support/json.ts";
import { CATALOGUE, edited, POLICIES } from "../support/rules.ts";

const catalogue = edited(
  CATALOGUE,
  "  table.drop:",
  `  mail.send: { effects: [network] }
  report.build: { effects: [read], facts: { rows: { from: action.properties.limit, type: integer, optional: true } } }
  dump.write: { effects: [export], facts: { rows: { from: action.properties.limit, type: integer, optional: true } } }
  table.drop:`,
);
const policies = `${POLICIES}
@id("permit-mail") permit (principal, action == Action::"network", resource);
@id("forbid-mail-after-read") @because("What it has read stays here.")
forbid (principal, action == Action::"network", resource)
when { context.session.effects.contains("read") && !context.session.effects.contains("export") };
@id("forbid-after-denials") @because("It was denied too often.")
forbid (principal, action == Action::"network", resource) when { context.session.denied >= 3 };

@id("cap-reports") @because("A report has a thousand rows at most.")
@modify("action.properties.limit <= 1000; remove action.properties.columns; action.properties.mask = true")
forbid (principal, action == Action::"read", resource) when { context.action == "report.build" };
@id("permit-reports") permit (principal, action == Action::"read", resource)
when { context.action == "report.build" && context.facts has rows && context.facts.rows <= 1000 };

@id("wait-for-rows") @because("Nobody knows how much this is.")
@defer("rows") @expires("10m")
forbid (principal, action == Action::"export", resource) unless { context.facts has rows };
`;

let house: House;
let gate: Client;
let sdk: Keyturn;
let ahead = 0;
before(async () => {
  house = await House.open({
    catalogue,
    policies,
    limits: { deferredPerAgent: 3 },
    clock: { now: () => (Date.now() + ahead) as Instant },
  });
  gate = await house.gate();
  sdk = connect({ url: house.url, token: gate.token ?? "", environment: "production" });
});
after(async () => {
  sdk.close();
  await house[Symbol.asyncDispose]();
});

type Wire = ReturnType<typeof readRows>;
const named = (name: string, properties: Wire, id: string, context: Wire = {}): Wire => ({
  ...readRows(1, { context }),
  action: { name, properties },
  resource: { type: "table", id },
});
const mail = (session: string): Wire => named("mail.send", { to: "x" }, "outbox", { session });
const told = async (question: Wire, client = gate): Promise<string> =>
  textAt((await client.post("/access/v1/evaluation", question)).body, "context", "outcome");

test("aarm.R2: a session remembers what it did, what it touched and what was refused, and the entry says what was seen", async () => {
  const context = { session: "r2", prompt: "make the monthly report", provenance: "untrusted" };
  for (const question of [readRows(7, { context }), readRows(8, { context }), deleteAudit({ context })])
    await told(question);
  const size = await house.size();
  const { body } = await gate.post("/access/v1/evaluation", readRows(9, { context: { session: "r2" } }));
  const [entry] = await house.entries(size);
  const moment = at(entry?.payload, "moment");
  assert.deepEqual(at(moment, "session"), {
    actions: 2,
    denied: 1,
    effects: ["read"],
    minutes: 0,
    sensitivities: ["personal"],
    untrusted: true,
  });
  assert.equal(at(moment, "alike", "read"), "3 24 0, 3 24 0, 3 24 0", "three reads of 24 rows, this one with them");
  assert.deepEqual(at(moment, "sensitivities"), ["personal"]);
  const said = (at(entry?.payload, "risk", "contributions") as readonly { id: string }[]).map(({ id }) => id);
  assert.ok(said.includes("moment.untrusted"), "what strangers wrote raises the score of the whole session");
  assert.equal(at(body, "context", "outcome"), "allow");
  const [first] = await house.entries((await house.size()) - 4);
  assert.equal(at(first?.payload, "question", "context", "prompt"), "make the monthly report", "kept as a claim");
});

test("aarm.R3: the same action is allowed, denied and deferred by its context", async () => {
  assert.equal(await told(mail("r3-a")), "allow");
  assert.equal(await told(readRows(3, { context: { session: "r3-a" } })), "allow");
  assert.equal(await told(mail("r3-a")), "deny", "forbidden after a read");
  assert.equal(await told(mail("r3-b")), "allow", "another session read nothing");
  for (let n = 0; n < 3; n++) await told(deleteAudit({ context: { session: "r3-b" } }));
  assert.equal(await told(mail("r3-b")), "deny", "three denials are enough");
  assert.equal(await told(deleteAudit({ context: { session: "r3-c" } })), "deny", "forbidden in every context");
  assert.equal(await told(named("dump.write", { file: "r3" }, "r3")), "defer");
  assert.equal(await told(named("dump.write", { file: "r3", limit: 5 }, "r3")), "require_approval");
});

test("aarm.R4: allow, deny and step-up are recorded, and only two of them ever run", async () => {
  assert.equal(await told(readRows(5)), "allow");
  assert.equal(await told(deleteAudit()), "deny");
  const question = exportRows(12_000);
  const held = await hold(gate, question);
  await approve(await house.person("ann"), held);
  assert.equal((await redeem(gate, await permitFor(gate, question, held), held.digest)).status, 200);
});

test("aarm.R4: modify answers a stricter action with its own digest and evaluation, and the SDK runs exactly that", async () => {
  const question = named("report.build", { limit: 5_000, columns: ["name"], title: "May" }, "reports");
  const size = await house.size();
  const { body } = await gate.post("/access/v1/evaluation", question);
  assert.deepEqual([body["decision"], at(body, "context", "outcome")], [false, "modify"]);
  const modified = at(body, "context", "modified");
  assert.deepEqual(at(modified, "question", "action", "properties"), { limit: 1_000, mask: true, title: "May" });
  assert.equal(at(modified, "outcome"), "allow");
  const entries = await house.entries(size);
  assert.deepEqual(
    entries.map(({ stream, publics }) => [stream, publics["digest"], publics["outcome"]]),
    [
      [`evaluation/${textAt(body, "context", "evaluation_id")}`, at(body, "context", "digest"), "modify"],
      [`evaluation/${textAt(modified, "evaluation_id")}`, at(modified, "digest"), "allow"],
    ],
    "both in one append",
  );
  const outcome = `/v1/evaluations/${textAt(body, "context", "evaluation_id")}/outcome`;
  assert.equal(
    (await gate.post(outcome, { status: "succeeded" })).status,
    409,
    "the first action was never let through",
  );

  const ran: unknown[] = [];
  const tool = (parameters: { limit: number; key: string; columns?: string[] }): number => ran.push(parameters);
  const options = { action: "report.build", resource: { type: "table", id: "reports" }, secrets: ["key"] };
  const strict = sdk.guard(tool, options);
  await assert.rejects(strict({ limit: 5_000, key: "s3cret" }), (error) => {
    assert.ok(error instanceof Denied);
    return error.code === "modified_not_taken" && /cap-reports/.test(error.message);
  });
  assert.deepEqual(ran, []);
  const lenient = sdk.guard(tool, { ...options, takesModified: true });
  await lenient({ limit: 5_000, key: "s3cret", columns: ["name"] });
  assert.deepEqual(ran, [{ limit: 1_000, key: "s3cret", mask: true }], "the secret that was withheld is there again");
});

test("aarm.R4: a modified action that is held is approved, permitted and redeemed under its own digest", async () => {
  const changed = house.change({
    policies: `${policies}
@id("hold-reports") @hold @approvers("data-owners") @expires("1h")
forbid (principal, action == Action::"read", resource) when { context.action == "report.build" };`,
  });
  assert.equal((await changed).status, 200);
  const { body } = await gate.post("/access/v1/evaluation", named("report.build", { limit: 2_000 }, "held"));
  const modified = at(body, "context", "modified");
  assert.equal(at(modified, "outcome"), "require_approval");
  const asked = await gate.post("/access/v1/requests", {
    ...(at(modified, "question") as Wire),
    denial: { evaluation_id: textAt(modified, "evaluation_id") },
  });
  assert.equal(asked.status, 202, asked.text);
  const first = { ...named("report.build", { limit: 2_000 }, "held") };
  const wrong = { ...first, denial: { evaluation_id: textAt(body, "context", "evaluation_id") } };
  assert.equal((await gate.post("/access/v1/requests", wrong)).status, 400, "nobody can be asked for the first action");
  const id = textAt(asked.body, "task", "id");
  const held = { id, digest: textAt(modified, "digest"), evaluation: "", approval: id.replace("arq_", "apr_") };
  await approve(await house.person("ann"), held);
  const permit = await permitFor(gate, at(modified, "question") as Wire, held);
  assert.equal((await redeem(gate, permit, textAt(body, "context", "digest"))).status, 403, "not for the first action");
  assert.equal((await redeem(gate, permit, held.digest)).status, 200);
  await house.change({ policies });
});

test("aarm.R4: defer waits without effect; facts from a source resolve it, and the SDK goes on", async () => {
  const size = await house.size();
  let ran = 0;
  const dump = sdk.guard(({ file }: { file: string }) => `${file} ${++ran}`, {
    action: "dump.write",
    resource: { type: "table", id: "big" },
  });
  const running = dump({ file: "a" });
  const deferred = async (): Promise<string> => {
    for (;;) {
      const opened = (await house.entries(size)).find(({ type }) => type === "deferral.opened");
      if (opened !== undefined) return opened.stream.slice("deferral/".length);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const id = await deferred();
  const waiting = await gate.get(`/v1/deferrals/${id}`);
  assert.deepEqual(
    [at(waiting.body, "deferral", "status"), at(waiting.body, "deferral", "facts")],
    ["waiting", ["rows"]],
  );
  const other = await house.gate("other-bot");
  assert.equal((await other.get(`/v1/deferrals/${id}`)).status, 404, "another agent's wait");
  const facts = { resource: { type: "table", id: "big" }, facts: { rows: 40 }, valid_for: "15m", source: "warehouse" };
  assert.equal((await gate.post("/v1/facts", facts)).status, 403, "an agent states no facts");
  const stated = await house.operator.post("/v1/facts", facts);
  assert.deepEqual(stated.body["resolved"], [id]);
  // Known by now, it is an export like every other: a person is asked.
  const task = await pending();
  await approve(await house.person("ann"), task);
  await running;
  assert.equal(ran, 1);
  const { body } = await gate.get(`/v1/deferrals/${id}?receipt=1`);
  assert.equal(at(body, "deferral", "status"), "resolved");
  assert.ok(textAt(body, "receipt", "proof").length > 0);
  const evaluated = (await house.entries(size)).filter(({ type }) => type === "action.evaluated");
  assert.deepEqual(at(evaluated[1]?.payload, "classification", "facts"), [
    { name: "rows", provenance: "source", value: 40 },
  ]);
});

test("aarm.R4: an auditor's verifier follows changed actions and waits", async () => {
  const checkpoint = (await house.operator.get("/v1/ledger/checkpoint")).text;
  const vkey = (await house.operator.get("/v1/ledger/vkey")).text.trim();
  const entries = await house.store.range(0, 10_000);
  const report = await verifyLedger({ entries, checkpoint, vkey });
  assert.deepEqual(
    [report.integrity.verdict, report.completeness.verdict, report.decisions.verdict],
    ["pass", "pass", "pass"],
    JSON.stringify(report.decisions.findings),
  );
  const types = new Set(entries.map(({ type }) => type));
  for (const type of ["deferral.opened", "deferral.resolved", "facts.stated"]) assert.ok(types.has(type), type);
});

async function pending(): Promise<{ id: string; digest: string; evaluation: string; approval: string }> {
  for (;;) {
    const [row] = await house.store.requests({ status: ["pending"], limit: 1 });
    if (row !== undefined) return { id: row.id, digest: row.digest, evaluation: "", approval: "" };
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test("aarm.R4: a wait without an answer times out to deny, by the clock; joins, limits and a restart change nothing", async () => {
  const ask = (file: string): Wire => named("dump.write", { file }, `nobody-${file}`);
  const first = await gate.post("/access/v1/evaluation", ask("a"));
  const id = textAt(first.body, "context", "deferral", "id");
  const again = await gate.post("/access/v1/evaluation", ask("a"));
  assert.equal(textAt(again.body, "context", "deferral", "id"), id, "the same action waits once");
  assert.equal(await told(ask("b")), "defer");
  const over = await gate.post("/access/v1/evaluation", ask("c"));
  assert.deepEqual([at(over.body, "context", "outcome"), at(over.body, "context", "code")], ["deny", "limit_exceeded"]);

  const { files } = house;
  await house.stop();
  const clock = { now: () => (Date.now() + ahead) as Instant };
  house = await House.over(files, { limits: { deferredPerAgent: 3 }, clock });
  gate = house.as(gate.token);
  assert.equal(at((await gate.get(`/v1/deferrals/${id}`)).body, "deferral", "status"), "waiting");
  const size = await house.size();
  const polled = gate.get(`/v1/deferrals/${id}`, { headers: { prefer: "wait=30" } });
  await new Promise((resolve) => setTimeout(resolve, 100));
  ahead += 10 * MINUTE;
  const denied = await gate.post("/access/v1/evaluation", ask("a"));
  assert.deepEqual(
    [at(denied.body, "context", "outcome"), at(denied.body, "context", "code")],
    ["deny", "deferral_expired"],
  );
  assert.equal(at((await polled).body, "deferral", "status"), "expired", "the poll hears of it");
  while (!(await house.entries(size)).some(({ type }) => type === "deferral.expired")) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const types = (await house.entries(size)).filter(({ stream }) => stream === `deferral/${id}`).map(({ type }) => type);
  assert.deepEqual(types, ["deferral.expired"], "once, and polling wrote nothing");
  ahead += HOUR;
  assert.equal(await told(ask("a")), "defer", "later it may be tried again");
});
