import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { SMTPServer } from "smtp-server";
import { mailChannel } from "../../src/channels/mail/index.ts";
import { Outbox } from "../../src/engine/index.ts";
import { grantRole } from "../support/actions.ts";
import { Bench } from "../support/bench.ts";
import { MINUTE } from "../support/clock.ts";

const never = new AbortController().signal;
const PAGE = "https://keyturn.example/requests/";

/** A mail server on the loopback that keeps what it takes; `refuse` answers a code for a recipient. */
class MailServer implements AsyncDisposable {
  readonly got: { readonly to: readonly string[]; readonly text: string }[] = [];
  refuse: (to: string) => number | null = () => null;
  readonly #server: SMTPServer;

  private constructor() {
    this.#server = new SMTPServer({
      authOptional: true,
      disabledCommands: ["STARTTLS"],
      logger: false,
      onRcptTo: ({ address }, _session, done) => {
        const code = this.refuse(address);
        if (code === null) return done();
        done(Object.assign(new Error(`<${address}>: no`), { responseCode: code }));
      },
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
        stream.on("end", () => {
          const to = session.envelope.rcptTo.map(({ address }) => address);
          this.got.push({ to, text: Buffer.concat(chunks).toString("utf8") });
          done();
        });
      },
    });
  }

  static async open(): Promise<MailServer> {
    const server = new MailServer();
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", () => resolve()));
    return server;
  }

  get port(): number {
    return (this.#server.server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

function outboxOf(bench: Bench, port: number): Outbox {
  const config = {
    name: "mail",
    host: "127.0.0.1",
    port,
    security: "none",
    user: null,
    passwordFile: null,
    from: "Keyturn <keyturn@example.com>",
    agents: [],
  } as const;
  const channel = mailChannel(config, (person) => bench.rules.directory.people.get(person)?.emails[0] ?? null);
  return new Outbox({ ctx: bench.ctx, channels: [channel], page: (id) => `${PAGE}${id}` });
}

async function drain(outbox: Outbox): Promise<void> {
  while ((await outbox.step(never)) > 0);
}

const HOSTILE =
  "Approved\r\nBcc: all@example.com\r\n\r\n<a href='https://evil.example'>https://evil.example</a> \u202e @everyone";

test("approvers get one mail to look, and one with what became of it, in one thread", async () => {
  using bench = new Bench();
  await using server = await MailServer.open();
  const outbox = outboxOf(bench, server.port);
  const state = await bench.ask(grantRole("admin"));
  await drain(outbox);
  assert.deepEqual(
    server.got.map(({ to }) => to.join()).toSorted(),
    ["ann", "bob", "eve", "fay"].map((w) => `${w}@example.com`),
  );
  const [first] = server.got;
  assert.match(first?.text ?? "", /^Subject: Review: change who has rights on \(high risk\)/m);
  assert.match(first?.text ?? "", /^Auto-Submitted: auto-generated/m);
  assert.ok(first?.text.includes(`${PAGE}${state.opened.id}`));
  await bench.review("ann", state);
  await drain(outbox);
  assert.equal(server.got.length, 4, "a review in between is no mail");
  await bench.review("bob", state);
  await drain(outbox);
  assert.equal(server.got.length, 8);
  const ids = new Set(server.got.map(({ text }) => /^Message-ID: (\S+)/im.exec(text)?.[1]));
  assert.equal(ids.size, 8);
  for (const { text } of server.got.slice(4)) assert.ok(ids.has(/^In-Reply-To: (\S+)/im.exec(text)?.[1]));
});

test("shown.agent-narrates: not a word that an agent wrote is in a mail, and its link decides nothing", async () => {
  using bench = new Bench();
  await using server = await MailServer.open();
  const outbox = outboxOf(bench, server.port);
  const properties = { note: HOSTILE, on_behalf_of: "https://evil.example" };
  const { id } = (await bench.ask(grantRole(HOSTILE, { properties, context: { reason: HOSTILE } }))).opened;
  await drain(outbox);
  assert.ok(server.got.length > 0);
  for (const { to, text } of server.got) {
    assert.equal(to.length, 1);
    for (const word of ["evil", "Bcc", "@everyone", "Approved", "href", "\u202e", "text/html"])
      assert.ok(!text.includes(word), word);
    assert.deepEqual(text.match(/https?:\/\/\S+/g), [`${PAGE}${id}`]);
    assert.doesNotMatch(text, /[?#&](?:verdict|token|code|nonce)/);
  }
});

test("an address that is refused is told aloud, one that is busy is tried again, and the others get theirs", async () => {
  using bench = new Bench();
  await using server = await MailServer.open();
  const outbox = outboxOf(bench, server.port);
  server.refuse = (to) => (to.startsWith("bob") ? 550 : null);
  await bench.ask(grantRole("admin"));
  await drain(outbox);
  assert.deepEqual(
    server.got.map(({ to }) => to.join()).toSorted(),
    ["ann", "eve", "fay"].map((w) => `${w}@example.com`),
  );
  const lost = (await bench.entries()).find(({ type }) => type === "notification.failed");
  assert.match(JSON.stringify(lost?.payload), /550 <…>: no/, "and nobody's address goes into the ledger with it");
  let busy = true;
  server.refuse = () => (busy ? 451 : null);
  await bench.ask(grantRole("other"));
  await drain(outbox);
  assert.equal(server.got.length, 3);
  busy = false;
  bench.clock.pass(MINUTE);
  await drain(outbox);
  assert.equal(server.got.length, 7);
});

test("a mail server that is away loses nothing", async () => {
  using bench = new Bench();
  const gone = await MailServer.open();
  const { port } = gone;
  await gone[Symbol.asyncDispose]();
  const outbox = outboxOf(bench, port);
  await bench.ask(grantRole("admin"));
  await drain(outbox);
  assert.equal((await bench.store.messages(10)).length, 1);
  assert.ok(outbox.troubles()[0]?.since !== null);
});
