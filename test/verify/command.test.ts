// `keyturn verify` over what a real server wrote, as files: no server is asked.
import assert from "node:assert/strict";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { dispatch } from "../../src/cli/dispatch.ts";
import { addSignatures } from "../../src/core/ledger/index.ts";
import { screen } from "../cli/terminal.ts";
import { Signer } from "../core/ledger/signers.ts";
import { Published } from "../peers/published.ts";

const witness = new Signer("witness.example/1", 7);
let published: Published;

before(async () => {
  published = await Published.make(300);
  writeFileSync(published.path("vkey"), `${published.vkey}\n`);
});

after(async () => {
  await published[Symbol.asyncDispose]();
});

async function verify(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const here = screen({ cwd: published.dir });
  const code = await dispatch(["verify", ...args], here);
  return { code, ...here.taken() };
}

type Told = {
  readonly passed: boolean;
  readonly from: number;
  readonly integrity: { readonly verdict: string; readonly findings: readonly { readonly because: string }[] };
  readonly counts: { readonly entries: number; readonly erased: number };
  readonly witnessed: readonly { readonly name: string }[];
};
async function report(...args: readonly string[]): Promise<Told> {
  return JSON.parse((await verify("--json", ...args)).out) as Told;
}

test("a published folder is verified with the key that was brought, and says so when it brought its own", async () => {
  const own = await verify("--dir", ".", "--vkey", published.vkey);
  assert.equal(own.code, 0, own.out + own.err);
  assert.match(own.out, /integrity +pass[^]*completeness +pass[^]*decisions +pass[^]*time +pass/);
  assert.match(own.out, new RegExp(`${published.size} entries of .*payloads erased`));
  assert.doesNotMatch(own.out, /came from/);
  assert.match((await verify("--dir", published.dir)).out, /The key came from/);
  const told = await report("--dir", ".", "--vkey", "vkey");
  assert.deepEqual([told.passed, told.from, told.counts.entries], [true, 0, published.size]);
  assert.equal("remember" in told, false);
});

test("--remember goes on from the last time, and tells of a ledger that went back or was rewritten", async () => {
  const older = ["--dir", ".", "--checkpoint", "older", "--vkey", published.vkey, "--remember", "kept/last.json"];
  assert.equal((await verify(...older)).code, 0);
  const file = published.path("kept/last.json");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const kept = readFileSync(file, "utf8");
  const size = Number(readFileSync(published.older, "utf8").split("\n")[1]);
  const newer = ["--dir", ".", "--vkey", published.vkey, "--remember", "kept/last.json"];
  const on = await report(...newer);
  assert.deepEqual([on.passed, on.from, on.counts.entries], [true, size, published.size - size]);
  assert.equal((await report(...newer)).counts.entries, 0, "nothing is new");
  assert.equal((await report(...newer, "--all")).counts.entries, published.size, "all of it, from the start");
  const back = await report(...older);
  assert.match(back.integrity.findings.map(({ because }) => because).join(), /the ledger went back/);
  assert.notEqual(readFileSync(file, "utf8"), kept, "and what is remembered stays");
  const forged = JSON.parse(kept) as { checkpoint: string };
  writeFileSync(file, JSON.stringify({ checkpoint: forged.checkpoint.replace(/\n[0-9]+\n/, "\n1\n") }));
  assert.match((await verify(...newer)).out, /integrity +fail[^]*not valid under this key/);
  writeFileSync(file, "not json");
  const broken = await verify(...newer);
  assert.equal(broken.code, 1);
  assert.match(broken.err, /does not hold what `keyturn verify --remember` writes/);
  rmSync(published.path("kept"), { recursive: true });
});

test("--witness asks for cosignatures: as many as --quorum says", async () => {
  const note = published.checkpoint;
  writeFileSync(published.path("cosigned"), addSignatures(note, [witness.cosign(note, Math.ceil(Date.now() / 1000))]));
  const other = new Signer("witness.example/2", 8);
  const base = ["--dir", ".", "--vkey", published.vkey, "--witness", witness.witnessKey];
  assert.match((await verify(...base)).out, /0 of 1 witnesses cosigned/);
  const cosigned = [...base, "--checkpoint", "cosigned"];
  assert.match((await verify(...cosigned)).out, /Cosigned by witness\.example\/1 at 20/);
  const both = [...cosigned, "--witness", other.witnessKey];
  assert.match((await verify(...both)).out, /1 of 2 witnesses cosigned the checkpoint, and 2 are asked/);
  assert.deepEqual(
    (await report(...both, "--quorum", "1")).witnessed.map(({ name }) => name),
    [witness.name],
  );
  for (const quorum of ["0", "3", "x"]) assert.equal((await verify(...both, "--quorum", quorum)).code, 2, quorum);
  assert.equal((await verify("--dir", ".", "--quorum", "1")).code, 2);
  assert.match((await verify(...base, "--witness", published.vkey)).out, /not an Ed25519 key of type 0x04/);
});

test("--receipt proves one entry, and nothing that was changed", async () => {
  const good = await verify("--receipt", "0.tlog-proof", "--vkey", published.vkey);
  assert.equal(good.code, 0, good.out);
  assert.match(good.out, /^proven: entry 0 of .*, under a signed checkpoint of \d+ entries, is\n\{"commitment":/);
  const told = JSON.parse((await verify("--receipt", "0.tlog-proof", "--vkey", "vkey", "--json")).out) as {
    passed: boolean;
    index: number;
  };
  assert.deepEqual([told.passed, told.index], [true, 0]);
  const text = readFileSync(published.path("0.tlog-proof"), "utf8");
  writeFileSync(published.path("bad.tlog-proof"), text.replace("index 0", "index 1"));
  const bad = await verify("--receipt", "bad.tlog-proof", "--vkey", published.vkey);
  assert.deepEqual([bad.code, bad.out], [1, "not proven: the proof does not lead from the leaf to the signed root\n"]);
  assert.equal((await verify("--receipt", "0.tlog-proof")).code, 2, "a key has to be brought");
  assert.match((await verify("--receipt", "none", "--vkey", published.vkey)).err, /none cannot be read/);
});

test("a folder with a broken or missing file fails with a sentence", async () => {
  const bundle = join(published.dir, "tile/entries/000");
  const bytes = readFileSync(bundle);
  writeFileSync(bundle, bytes.subarray(0, -1));
  assert.match(
    (await verify("--dir", ".", "--vkey", published.vkey)).err,
    /The folder is damaged: the bundle ends within an entry/,
  );
  rmSync(bundle);
  assert.match((await verify("--dir", ".", "--vkey", published.vkey)).out, /and only 0 are here/);
  writeFileSync(bundle, bytes);
  assert.match((await verify("--dir", "nowhere", "--vkey", published.vkey)).err, /checkpoint cannot be read/);
  assert.equal((await verify("--entries", "x", "--vkey", published.vkey)).code, 2);
});
