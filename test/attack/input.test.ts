// Everything that is sent is hostile: it is refused by its place, and leaves no trace. Through the real server.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { exportRows, readRows } from "../support/actions.ts";
import { codeOf, hold, permitFor, approve, redeem, statusOf } from "../support/flow.ts";
import { House, type Client } from "../support/house.ts";

let house: House;
let gate: Client;
before(async () => {
  house = await House.open();
  gate = await house.gate();
});
after(() => house[Symbol.asyncDispose]());

const EVALUATION = "/access/v1/evaluation";

/** A question whose text has one piece replaced. */
function text(from: string, to: string): string {
  const json = JSON.stringify(readRows(1));
  assert.equal(json.split(from).length, 2, from);
  return json.replace(from, () => to);
}

async function assertRefused(
  rows: readonly (readonly [what: string, body: string, status: number, code: string, pointer?: string])[],
  path = EVALUATION,
  client = gate,
): Promise<void> {
  const size = await house.size();
  for (const [what, body, status, code, pointer] of rows) {
    const answer = await client.send("POST", path, body);
    assert.deepEqual([answer.status, codeOf(answer)], [status, code], `${what}: ${answer.text.slice(0, 300)}`);
    if (pointer !== undefined) assert.equal(answer.body["pointer"], pointer, what);
  }
  assert.equal(await house.size(), size, "something was written");
}

test("input.oversize: bodies, texts, names and depths beyond their limits", async () => {
  const mebibyte = 1024 * 1024;
  const reason = (bytes: number): string => JSON.stringify(readRows(1, { context: { reason: "ä".repeat(bytes / 2) } }));
  await assertRefused([
    ["a body of a byte too much", `{"a":"${"x".repeat(mebibyte - 7)}"}`, 413, "json_too_large"],
    ["a body of ten", "x".repeat(10 * mebibyte), 413, "json_too_large"],
    ["a reason", reason(2050), 400, "question_invalid", "/context/reason"],
    ["a name", text("customers.read", "a".repeat(513)), 400, "question_invalid", "/action/name"],
    ["a resource", text('"id":"customers"', `"id":"${"a".repeat(513)}"`), 400, "question_invalid", "/resource/id"],
    ["depth", text('"limit":1', `"limit":${"[".repeat(70)}${"]".repeat(70)}`), 400, "json_too_deep"],
    ["much depth", `{"a":${"[".repeat(500_000)}`, 400, "json_too_deep"],
    [
      "effects",
      JSON.stringify(readRows(1, { context: { declared: { effects: Array<string>(33).fill("read") } } })),
      400,
      "question_invalid",
      "/context/declared/effects",
    ],
  ]);
  assert.equal((await gate.send("POST", EVALUATION, reason(2048))).status, 200);
});

test("input.oversize: the largest question that is taken goes all the way to its permit", async () => {
  const padding = '\\"\u0001ä€'.repeat(50_000); // what grows most when it is written as JSON inside JSON
  const question = { ...exportRows(101), action: { name: "customers.export", properties: { limit: 101, padding } } };
  assert.ok(Buffer.byteLength(JSON.stringify(question)) > 700_000);
  const held = await hold(gate, question);
  await approve(await house.person("ann"), held);
  const permit = await permitFor(gate, question, held);
  assert.equal((await redeem(gate, permit, held.digest)).status, 200);
});

test("input.oversize: what people and gates send besides", async () => {
  const held = await hold(gate, exportRows(12_000));
  const ann = await house.person("ann");
  const review = { verdict: "approve", digest: held.digest, nonce: "12345678" };
  await assertRefused(
    [
      ["a reason", JSON.stringify({ ...review, reason: "ä".repeat(1025) }), 400, "question_invalid", "/reason"],
      ["a nonce", JSON.stringify({ ...review, nonce: "a".repeat(201) }), 400, "question_invalid", "/nonce"],
      ["a short nonce", JSON.stringify({ ...review, nonce: "a" }), 400, "question_invalid", "/nonce"],
      ["a verdict", JSON.stringify({ ...review, verdict: "maybe" }), 400, "question_invalid", "/verdict"],
      ["no verdict", JSON.stringify({ digest: held.digest, nonce: "12345678" }), 400, "question_invalid", "/verdict"],
      [
        "a digest in capitals",
        JSON.stringify({ ...review, digest: held.digest.toUpperCase() }),
        400,
        "question_invalid",
        "/digest",
      ],
      ["no body", "null", 400, "question_invalid"],
      ["a list", "[]", 400, "question_invalid"],
    ],
    `/v1/requests/${held.id}/reviews`,
    ann,
  );
  const redemption = { permit: "a.b.c", digest: held.digest, attempt: "12345678" };
  await assertRefused(
    [
      ["a permit", JSON.stringify({ ...redemption, permit: "a".repeat(8193) }), 400, "question_invalid", "/permit"],
      ["an attempt", JSON.stringify({ ...redemption, attempt: "a b c d e" }), 400, "question_invalid", "/attempt"],
      ["more", JSON.stringify({ ...redemption, force: true }), 400, "question_invalid", "/force"],
    ],
    "/v1/permits/redeem",
  );
  const details = { status: "succeeded", details: { text: "a".repeat(17_000) } };
  await assertRefused(
    [["details", JSON.stringify(details), 400, "question_invalid", "/details"]],
    `/v1/permits/${held.id.replace("arq_", "prm_")}/outcome`,
  );
  const key = await gate.post(
    "/access/v1/requests",
    { ...exportRows(12_000), denial: { evaluation_id: held.evaluation } },
    { headers: { "idempotency-key": "a".repeat(201) } },
  );
  assert.equal(key.status, 400);
  assert.equal(await statusOf(gate, held), "pending");
});

test("input.duplicate-keys: a member that stands twice is refused, wherever it stands", async () => {
  await assertRefused([
    ["at the top", text('"subject":', '"subject":null,"subject":'), 400, "json_duplicate_key", "/subject"],
    [
      "a parameter",
      text('"limit":1', '"limit":1,"limit":1000000'),
      400,
      "json_duplicate_key",
      "/action/properties/limit",
    ],
    ["the same twice", text('"limit":1', '"limit":1,"limit":1'), 400, "json_duplicate_key", "/action/properties/limit"],
    [
      "spelled with an escape",
      text('"limit":1', '"limit":1,"\\u006cimit":1000000'),
      400,
      "json_duplicate_key",
      "/action/properties/limit",
    ],
    [
      "an approval",
      text('"environment":', '"approval":{"id":"a"},"approval":{"id":"b"},"environment":'),
      400,
      "json_duplicate_key",
      "/context/approval",
    ],
  ]);
});

test("input.proto: prototypes cannot be reached, nor can what objects inherit", async () => {
  await assertRefused([
    [
      "__proto__ of a parameter",
      text('"limit":1', '"limit":1,"__proto__":{"admin":true}'),
      400,
      "json_forbidden_key",
      "/action/properties/__proto__",
    ],
    ["__proto__ with an escape", text('"limit":1', '"limit":1,"__pro\\u0074o__":{}'), 400, "json_forbidden_key"],
    [
      "__proto__ of the question",
      text('"subject":', '"__proto__":{"subject":{}},"subject":'),
      400,
      "json_forbidden_key",
    ],
    ["a question that is all inherited", "{}", 400, "question_invalid", "/subject"],
    ["a subject called by an inherited name", text('"id":"report-bot"', '"id":"toString"'), 400, "unknown_subject"],
    ["the wrong kind of object", "[]", 400, "question_invalid"],
    ["null", "null", 400, "question_invalid"],
  ]);
  const named = await gate.send(
    "POST",
    EVALUATION,
    text('"limit":1', '"limit":1,"constructor":{"prototype":{"polluted":true}},"toString":"x"'),
  );
  assert.equal(named.status, 200, "such names are only names");
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
  const action = await gate.send("POST", EVALUATION, text('"customers.read"', '"constructor"'));
  assert.equal(action.body["decision"], false, "a catalogue has no inherited actions");
});

test("whatever is malformed is refused with the member that is wrong", async () => {
  const { subject: _, ...rest } = readRows(1);
  await assertRefused([
    ["no subject", JSON.stringify(rest), 400, "question_invalid", "/subject"],
    ["an empty id", text('"id":"report-bot"', '"id":""'), 400, "question_invalid", "/subject/id"],
    ["a number for an id", text('"id":"report-bot"', '"id":7'), 400, "question_invalid", "/subject/id"],
    [
      "a member that binds nothing",
      text('"id":"report-bot"', '"id":"report-bot","name":"x"'),
      400,
      "question_invalid",
      "/subject/name",
    ],
    ["control characters", text('"customers.read"', '"customers\\u0007read"'), 400, "question_invalid", "/action/name"],
    [
      "half a character",
      text('"limit":1', '"limit":"\\ud800"'),
      400,
      "json_lone_surrogate",
      "/action/properties/limit",
    ],
    ["a NUL", text('"limit":1', '"limit":"\\u0000"'), 400, "json_nul", "/action/properties/limit"],
    [
      "a number that no double holds",
      text('"limit":1', '"limit":9007199254740993'),
      400,
      "json_unsafe_number",
      "/action/properties/limit",
    ],
    ["trailing text", `${JSON.stringify(readRows(1))} {}`, 400, "json_malformed"],
    ["a byte order mark", `\ufeff${JSON.stringify(readRows(1))}`, 400, "json_malformed"],
    [
      "an approval that is none",
      text('"environment":', '"approval":{"id":"apr_1"},"environment":'),
      400,
      "id_invalid",
      "/context/approval/id",
    ],
    ["an unknown subject", text('"id":"report-bot"', '"id":"mallory"'), 400, "unknown_subject"],
  ]);
  const held = await hold(gate, exportRows(14_000));
  const request = (denial: object | null): string =>
    JSON.stringify({ ...exportRows(14_000), ...(denial === null ? {} : { denial }) });
  await assertRefused(
    [
      ["no denial", request(null), 400, "question_invalid", "/denial"],
      ["a denial of nothing", request({}), 400, "id_invalid", "/denial/evaluation_id"],
      [
        "a client that is no object",
        JSON.stringify({ ...exportRows(14_000), denial: { evaluation_id: held.evaluation }, client: "me" }),
        400,
        "question_invalid",
        "/client",
      ],
    ],
    "/access/v1/requests",
  );
  const bytes = Buffer.from(text('"limit":1', '"limit":"?"'));
  bytes[bytes.indexOf("?")] = 0xff;
  const broken = await gate.send("POST", EVALUATION, new Uint8Array(bytes));
  assert.deepEqual([broken.status, codeOf(broken)], [400, "json_malformed"]);
});

test("input.csrf: a browser's cookie changes something from our own page only", async () => {
  const signedIn = await house.anyone.post("/v1/sign-in", { code: await house.code("ann") });
  assert.equal(signedIn.body["session"], undefined, "a browser never sees its secret");
  const [cookie = ""] = (signedIn.headers.get("set-cookie") ?? "").split(";");
  const host = new URL(house.url).host;
  const held = await hold(gate, exportRows(15_000));
  const path = `/v1/requests/${held.id}/reviews`;
  const body = JSON.stringify({ verdict: "approve", digest: held.digest, nonce: "12345678" });
  const rows: readonly (readonly [what: string, headers: Record<string, string>, status: number])[] = [
    ["another site", { origin: "https://evil.example", "sec-fetch-site": "cross-site" }, 403],
    ["another site without fetch metadata", { origin: "https://evil.example" }, 403],
    ["another site that claims to be ours", { origin: "https://evil.example", "sec-fetch-site": "same-origin" }, 403],
    ["a sibling of our site", { origin: "http://127.0.0.1:1", "sec-fetch-site": "same-site" }, 403],
    ["a sandboxed page", { origin: "null", "sec-fetch-site": "cross-site" }, 403],
    ["a hidden origin", { origin: "null" }, 403],
    ["an origin that begins like ours", { origin: `http://${host}.evil.example` }, 403],
    ["an origin with our name as user", { origin: `http://${host}@evil.example` }, 403],
    ["no word of where it comes from", {}, 403],
    ["no origin, from another site", { "sec-fetch-site": "cross-site" }, 403],
    ["typed by the user", { "sec-fetch-site": "none" }, 403],
    ["our origin, called cross-site by the browser", { origin: `http://${host}`, "sec-fetch-site": "cross-site" }, 403],
  ];
  const size = await house.size();
  for (const [what, headers, status] of rows) {
    const answer = await house.anyone.send("POST", path, body, { headers: { cookie, ...headers } });
    assert.deepEqual([answer.status, codeOf(answer)], [status, "cross_site"], what);
    const out = await house.anyone.send("POST", "/v1/sign-out", null, { headers: { cookie, ...headers } });
    assert.equal(out.status, status, `${what}, to sign out`);
  }
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]) {
    const form = await house.anyone.send("POST", path, body, {
      headers: { cookie, origin: `http://${host}`, "content-type": type },
    });
    assert.equal(form.status, 415, `${type}: what a form can send is not read`);
    assert.equal(
      (
        await house.anyone.send("POST", "/v1/sign-in", JSON.stringify({ code: await house.code("bob") }), {
          headers: { "content-type": type },
        })
      ).status,
      415,
    );
  }
  assert.equal(await statusOf(gate, held), "pending");
  assert.equal((await house.entries(size)).filter(({ type }) => type !== "sign_in.offered").length, 0);
  const own = await house.anyone.send("POST", path, body, {
    headers: { cookie, origin: `http://${host}`, "sec-fetch-site": "same-origin" },
  });
  assert.equal(own.status, 200, own.text);
  const answer = await house.anyone.get("/v1/me", { headers: { origin: "https://evil.example", cookie } });
  assert.equal(answer.headers.get("access-control-allow-origin"), null, "and nobody else's page reads an answer");
});

test("input.csrf: the cookie is out of reach for scripts and for other sites", async () => {
  for (const [publicUrl, secure] of [
    [undefined, false],
    ["https://keyturn.example", true],
  ] as const) {
    await using other = await House.open(publicUrl === undefined ? {} : { publicUrl });
    const { headers } = await other.anyone.post("/v1/sign-in", { code: await other.code("ann") });
    const flags = (headers.get("set-cookie") ?? "").split("; ").slice(1).toSorted();
    assert.deepEqual(
      flags,
      ["HttpOnly", "Max-Age=43200", "Path=/", "SameSite=Strict", ...(secure ? ["Secure"] : [])].toSorted(),
    );
  }
});
