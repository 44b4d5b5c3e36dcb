// Events on their way to a SIEM: signed, in order, none missing, and never to where nobody pointed.
import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Instant } from "../../src/core/brand.ts";
import { isPrivateAddress } from "../../src/channels/webhook/index.ts";
import { eventsFrom } from "../../src/server/export/events.ts";
import { WebhookExport } from "../../src/server/export/webhook.ts";
import { deleteAudit, exportRows, readRows } from "../support/actions.ts";
import { approve, hold } from "../support/flow.ts";
import { House } from "../support/house.ts";
import { screen } from "../cli/terminal.ts";
import { run } from "../../src/cli/export.ts";
import { assertOcsf } from "./ocsf.ts";

const folder = mkdtempSync(join(tmpdir(), "keyturn-export-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const SECRET = randomBytes(32);
const secretFile = join(folder, "secret");
writeFileSync(secretFile, `whsec_${SECRET.toString("base64")}\n`);

type Got = { readonly headers: IncomingHttpHeaders; readonly body: string };
type Sent = { readonly data: { readonly from: number; readonly next: number; readonly events: readonly Event[] } };
type Event = { readonly metadata: { readonly uid: string; readonly sequence: number } };

/** A receiver that answers as told, the last answer for ever. */
class Receiver implements AsyncDisposable {
  readonly got: Got[] = [];
  readonly #server: Server;
  readonly #answers: number[];

  private constructor(answers: readonly number[]) {
    this.#answers = [...answers];
    this.#server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        this.got.push({ headers: request.headers, body });
        const status = this.#answers.length > 1 ? this.#answers.shift() : this.#answers[0];
        response.writeHead(status ?? 200, { location: this.url }).end();
      });
    });
  }

  static async open(answers: readonly number[] = [200]): Promise<Receiver> {
    const receiver = new Receiver(answers);
    await new Promise<void>((resolve) => receiver.#server.listen(0, "127.0.0.1", resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/events`;
  }

  get events(): readonly Event[] {
    return this.got.flatMap(({ body }) => (JSON.parse(body) as Sent).data.events);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function webhook(
  house: House,
  url: string,
  allowPrivate: readonly string[] = ["127.0.0.1"],
  more: { readonly since?: "beginning" | "now" } = {},
): WebhookExport {
  return new WebhookExport({
    config: { url, secretFile, allowPrivate, ...more },
    store: house.store,
    source: { origin: "keyturn.example/ledger/a/1", version: "0" },
    clock: { now: () => Date.now() as Instant },
    log: (_level, message) => void house.log.push(message),
    pollMs: 5,
  });
}

const EVENTS = 6;
let rows = 200;
/** Six events, of another action each time. */
async function act(house: House): Promise<void> {
  const gate = await house.gate();
  await gate.post("/access/v1/evaluation", readRows(5));
  await gate.post("/access/v1/evaluation", deleteAudit());
  await approve(await house.person("ann"), await hold(gate, exportRows((rows += 1))));
}

const never = new AbortController().signal;

test("a webhook is signed as Standard Webhooks says, and carries every event once, in order", async () => {
  await using house = await House.open();
  await using receiver = await Receiver.open();
  await act(house);
  const sender = webhook(house, receiver.url);
  while (await sender.step(never));
  await act(house);
  while (await sender.step(never));
  assert.equal(await sender.step(never), false);
  for (const { headers, body } of receiver.got) {
    const id = headers["webhook-id"];
    const seconds = headers["webhook-timestamp"];
    const expected = createHmac("sha256", SECRET)
      .update(`${String(id)}.${String(seconds)}.${body}`)
      .digest("base64");
    assert.equal(headers["webhook-signature"], `v1,${expected}`);
    assert.ok(Math.abs(Number(seconds) - Date.now() / 1000) < 60);
    assert.equal(headers["authorization"], undefined);
  }
  const { events } = await eventsFrom(house.store, { origin: "o", version: "0" }, 0);
  assert.ok(events.length === 2 * EVENTS);
  for (const event of events) assertOcsf(event);
  const sequences = receiver.events.map(({ metadata }) => metadata.sequence);
  assert.deepEqual(
    sequences,
    events.map(({ metadata }) => metadata.sequence),
  );
});

test("since: now tells nothing of what was before, and all that comes, also what comes while nobody answers", async () => {
  await using house = await House.open();
  await using receiver = await Receiver.open([503, 200]);
  await act(house);
  const since = { since: "now" } as const;
  assert.equal(await webhook(house, receiver.url, undefined, since).step(never), false);
  await act(house);
  await assert.rejects(webhook(house, receiver.url, undefined, since).step(never), /503/);
  while (await webhook(house, receiver.url, undefined, since).step(never));
  assert.equal(receiver.events.length, 2 * EVENTS, "six, told twice");
  assert.equal(new Set(receiver.events.map(({ metadata }) => metadata.uid)).size, EVENTS);
});

test("a receiver that fails makes events late: the same id and body again, none missing, over a restart", async () => {
  await using house = await House.open();
  await using receiver = await Receiver.open([500, 302, 200]);
  await act(house);
  const sender = webhook(house, receiver.url);
  await assert.rejects(sender.step(never), /500/);
  await assert.rejects(sender.step(never), /302/, "a redirect is not followed");
  await act(house);
  const restarted = webhook(house, receiver.url);
  while (await restarted.step(never));
  const [first, second, third] = receiver.got;
  assert.equal(first?.headers["webhook-id"], second?.headers["webhook-id"]);
  assert.ok(third !== undefined);
  const sequences = (JSON.parse(third.body) as Sent).data.events.map(({ metadata }) => metadata.sequence);
  const all = (await eventsFrom(house.store, { origin: "o", version: "0" }, 0)).events;
  assert.deepEqual(
    sequences,
    all.map(({ metadata }) => metadata.sequence),
  );
});

test("the server itself tells its webhook, once it is configured", async () => {
  await using receiver = await Receiver.open();
  const config = { url: receiver.url, secretFile, allowPrivate: ["127.0.0.1"] };
  await using house = await House.open({ export: config });
  await act(house);
  for (let round = 0; round < 100 && receiver.events.length < EVENTS; round++) await sleep(50);
  assert.ok(receiver.events.length === EVENTS);
  assert.equal(new Set(receiver.events.map(({ metadata }) => metadata.uid)).size, receiver.events.length);
  await assert.rejects(House.open({ export: { ...config, secretFile: join(folder, "none") } }), {
    code: "config_invalid",
  });
});

test("input.ssrf: no event goes to an address of this machine or network that nobody named", async () => {
  await using house = await House.open();
  await using receiver = await Receiver.open();
  await act(house);
  const port = new URL(receiver.url).port;
  for (const host of ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0x7f000001", "2130706433", "127.1"]) {
    const sender = webhook(house, `http://${host}:${port}/`, []);
    await assert.rejects(sender.step(never), { code: "address_private" }, host);
  }
  assert.equal(receiver.got.length, 0);
  await webhook(house, `http://localhost:${port}/`, ["localhost"]).step(never);
  assert.equal(receiver.got.length, 1);
  const rows: readonly (readonly [address: string, isPrivate: boolean])[] = [
    ["10.1.2.3", true],
    ["172.16.0.1", true],
    ["172.32.0.1", false],
    ["192.168.1.1", true],
    ["169.254.169.254", true],
    ["100.64.0.1", true],
    ["0.0.0.0", true],
    ["255.255.255.255", true],
    ["8.8.8.8", false],
    ["::1", true],
    ["::", true],
    ["fe80::1", true],
    ["fd00::1", true],
    ["::ffff:10.0.0.1", true],
    ["::ffff:a00:1", true],
    ["64:ff9b::a00:1", true],
    ["64:ff9b:1::a00:1", true],
    ["fec0::1", true],
    ["2606:4700::1", false],
    ["not an address", true],
  ];
  for (const [address, expected] of rows) assert.equal(isPrivateAddress(address), expected, address);
});

test("keyturn export --follow goes on from its cursor, and what is exported is itself an entry", async () => {
  await using house = await House.open();
  await act(house);
  const out = join(folder, "events.jsonl");
  const cursor = join(folder, "cursor");
  const options = ["--url", house.url, "--token", house.operator.token ?? ""];
  const follow = async (until: number): Promise<void> => {
    const running = run(
      ["--format", "ocsf", "--follow", "--out", out, "--cursor", cursor, ...options],
      screen({ cwd: folder }),
    );
    for (let round = 0; round < 200; round++) {
      await sleep(20);
      if (linesOf(out).length >= until) break;
    }
    process.emit("SIGINT");
    assert.equal(await running, 0);
  };
  await follow(EVENTS);
  const first = linesOf(out).length;
  await act(house);
  await follow(first + EVENTS);
  const sequences = linesOf(out).map((line) => (JSON.parse(line) as Event).metadata.sequence);
  const all = (await eventsFrom(house.store, { origin: "o", version: "0" }, 0)).events;
  assert.deepEqual(
    sequences,
    all.map(({ metadata }) => metadata.sequence),
  );
  const table = join(folder, "all.csv");
  assert.equal(await run(["--format", "csv", "--out", table, ...options], screen({ cwd: folder })), 0);
  assert.equal(
    readFileSync(table, "utf8")
      .split("\r\n")
      .filter((line) => line.includes("customers.export")).length,
    2,
  );
  const exports = (await house.entries()).filter(({ type }) => type === "export.created");
  assert.deepEqual(
    exports.map(({ publics }) => publics["format"]),
    ["ocsf", "ocsf", "csv"],
  );
});

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line !== "");
  } catch {
    return [];
  }
}
