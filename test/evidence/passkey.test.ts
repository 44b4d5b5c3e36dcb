// Reviews that a passkey signed, in the hands of those who trust nobody: our verifier, and OpenSSL without us.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { run } from "../../src/cli/evidence.ts";
import type { Json, JsonObject } from "../../src/core/action/index.ts";
import { openEntry, sealEntry, verifierKey } from "../../src/core/ledger/index.ts";
import type { OpenedEntry } from "../../src/core/ledger/index.ts";
import { verifyLedger } from "../../src/verify/index.ts";
import type { LedgerEntry, Report } from "../../src/verify/index.ts";
import { debian, ran } from "../peers/tools.ts";
import { exportRows } from "../support/actions.ts";
import { hold, permitFor, redeem } from "../support/flow.ts";
import { House } from "../support/house.ts";
import { at, textAt } from "../support/json.ts";
import { Key } from "../support/passkey.ts";
import { edited, POLICIES } from "../support/rules.ts";
import { checkpointOf, key as forger } from "../verify/fixture.ts";

const SIGNED = edited(
  POLICIES,
  '@approvers("data-owners") @expires("1h")',
  '@approvers("data-owners") @expires("1h") @assurance("passkey")',
);
const ALGORITHMS = ["ES256", "EdDSA", "RS256"] as const;

let house: House;
let dir: string;
let origin: string;

before(async () => {
  dir = mkdtempSync(join(tmpdir(), "keyturn-signed-"));
  house = await House.open({ policies: SIGNED });
  const gate = await house.gate();
  origin = (await house.operator.get("/v1/ledger/checkpoint")).text.split("\n")[0] ?? "";
  for (const [index, person] of ["ann", "bob", "dee"].entries()) {
    const client = await house.person(person);
    const key = new Key(house, { algorithmIdentifiers: [ALGORITHMS[index] ?? "ES256"] });
    assert.equal((await key.enrol(client)).status, 200);
    const question = exportRows(4_000 + index);
    const held = await hold(gate, question);
    const answer = await key.review(client, held);
    assert.equal(answer.status, 200, answer.text);
    assert.equal((await redeem(gate, await permitFor(gate, question, held), held.digest)).status, 200);
  }
});
after(async () => {
  await house[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

/** The ledger as somebody tells it who holds its key and changes what he likes. */
async function told(
  change: (entry: OpenedEntry) => JsonObject = ({ payload }) => payload as JsonObject,
): Promise<Report> {
  const stored = await house.store.range(0, 100_000);
  const entries = stored.map((entry, index): LedgerEntry => {
    const opened = openEntry(entry.header, entry.payload, entry.salt);
    const { stream, version, type, publics } = opened;
    const salt = entry.salt ?? assert.fail("nothing was erased");
    return { index, ...sealEntry({ stream, version, type, at: opened.at, salt, payload: change(opened), publics }) };
  });
  const checkpoint = checkpointOf(entries, forger, origin);
  return verifyLedger({ entries, checkpoint, vkey: verifierKey(origin, forger.publicKey) });
}

/** Changes the first signed review. */
function proofWith(change: (proof: JsonObject, review: JsonObject) => Json): (entry: OpenedEntry) => JsonObject {
  let isDone = false;
  return ({ type, payload }) => {
    const whole = payload as JsonObject;
    if (isDone || type !== "review.recorded") return whole;
    isDone = true;
    const review = whole["review"] as JsonObject;
    const proof = change(review["proof"] as JsonObject, review);
    const { proof: _, ...bare } = review;
    return { ...whole, review: proof === null ? bare : { ...bare, proof } };
  };
}

const bit = (proof: JsonObject, member: string, byte: number, mask: number): string => {
  const bytes = Buffer.from(textAt(proof, member), "base64url");
  bytes[byte] = (bytes[byte] ?? 0) ^ mask;
  return bytes.toString("base64url");
};
const stated = (name: string, value: Json) => (proof: JsonObject) => ({
  ...proof,
  statement: { ...(proof["statement"] as JsonObject), [name]: value },
});

test("the verifier finds every signature under the key that was enrolled before", async () => {
  const report = await told();
  assert.deepEqual(report.decisions.findings, []);
  assert.equal(report.decisions.verdict, "pass");
  assert.equal(report.counts.released, 3);
});

test("approver.claimed: whoever rewrites the ledger and signs it anew cannot make a passkey's review", async () => {
  const rows: readonly (readonly [what: string, change: (proof: JsonObject) => Json, finding: RegExp])[] = [
    ["no signature", () => null, /claims a passkey and shows no signature/],
    ["another signature", (proof) => ({ ...proof, signature: bit(proof, "signature", 40, 1) }), /is not that of the key/],
    ["nobody verified", (proof) => ({ ...proof, authenticatorData: bit(proof, "authenticatorData", 32, 4) }), /was not verified/],
    ["another domain", (proof) => ({ ...proof, rp: "evil.example" }), /another domain/],
    ["another domain's hash", (proof) => ({ ...proof, authenticatorData: bit(proof, "authenticatorData", 0, 1) }), /another domain/],
    ["a counter set back", (proof) => ({ ...proof, authenticatorData: bit(proof, "authenticatorData", 36, 1) }), /is not that of the key/],
    ["other client data", (proof) => ({ ...proof, clientDataJSON: Buffer.from('{"type":"webauthn.get","challenge":"AAAA","origin":"http://localhost"}').toString("base64url") }), /not the digest of the statement/],
    ["no client data", (proof) => ({ ...proof, clientDataJSON: "%" }), /is not base64url/],
    ["another verdict", stated("verdict", "deny"), /another verdict/],
    ["another action", stated("digest", `sha256:${"0".repeat(64)}`), /about another action/],
    ["another request", stated("request", "arq_00000000000000000000000000"), /about another request/],
    ["another ledger", stated("ledger", "evil.example/ledger/x/1"), /about another ledger/],
    ["another approver", stated("approver", "eve"), /signed for somebody else/],
    ["another card", stated("card", `sha256:${"0".repeat(64)}`), /another card/],
    ["another nonce", stated("nonce", "12345678"), /another review/],
    ["other policies", stated("policies", `sha256:${"0".repeat(64)}`), /policies that were not in force/],
    ["an old statement", stated("not_after", 1), /whose time was over/],
    ["a statement from the future", stated("not_after", Number.MAX_SAFE_INTEGER), /not offered yet/],
    ["another form", stated("v", 2), /a form that this verifier does not know/],
    ["another key", (proof) => ({ ...proof, publicKey: "MCowBQYDK2VwAyEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" }), /was not enrolled/],
    ["a statement that was bent until it fits", (proof) => stated("not_after", Number(at(proof, "statement", "not_after")) - 1)(proof), /not the digest of the statement/],
  ]; // prettier-ignore
  for (const [what, change, finding] of rows) {
    const { decisions } = await told(proofWith(change));
    assert.equal(decisions.verdict, "fail", what);
    assert.match(decisions.findings.map(({ because }) => because).join("\n"), finding, what);
  }
});

test("the evidence alone is enough for OpenSSL, and for Python to find each signature in its entry", async (t) => {
  const missing = debian(["/usr/bin/openssl", "/usr/bin/python3"], ["openssl", "python3"]);
  if (missing !== null) return t.skip(missing);
  const said = { out: "", err: "" };
  const args = [
    "--from",
    "2020-01-01",
    "--out",
    "signed.tar",
    "--url",
    house.url,
    "--token",
    house.operator.token ?? "",
  ];
  const code = await run(args, {
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
    env: { PATH: process.env["PATH"] },
    cwd: dir,
    interactive: false,
    screen: { out: false, err: false },
    colour: { out: false, err: false },
    columns: 80,
    ask: () => Promise.resolve(""),
  });
  assert.equal(code, 0, said.out + said.err);
  const to = mkdtempSync(join(dir, "auditor-"));
  assert.equal(ran("tar", ["-xf", join(dir, "signed.tar"), "-C", to]).code, 0);
  const pack = join(to, readdirSync(to)[0] ?? "");
  const openssl = (): ReturnType<typeof ran> => ran("sh", [join(pack, "verify/signatures.sh")]);
  const python = (): ReturnType<typeof ran> => ran("python3", [join(pack, "verify/disclosures.py")]);
  assert.deepEqual(openssl(), { code: 0, out: "3 signed reviews verified\n", err: "" });
  assert.match(python().out, /3 signatures as their entries have them/);
  assert.match(readFileSync(join(pack, "README.txt"), "utf8"), /sh verify\/signatures\.sh/);

  const path = join(pack, "signatures.txt");
  const kept = readFileSync(path, "utf8");
  const lines = kept.trimEnd().split("\n");
  for (const line of lines) {
    const parts = line.split(" ");
    assert.equal(parts.length, 6);
    for (const place of [1, 2, 3, 4, 5]) {
      const bytes = Buffer.from(parts[place] ?? "", "base64");
      const last = bytes.length - 3;
      bytes[last] = (bytes[last] ?? 0) ^ 1;
      writeFileSync(path, `${parts.with(place, bytes.toString("base64")).join(" ")}\n`);
      assert.notEqual(openssl().code, 0, `part ${place} of entry ${parts[0]}`);
      assert.match(python().err, /FAILED: a line of signatures.txt/);
    }
  }
});
