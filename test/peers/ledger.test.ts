// Our ledger, verified by code that nobody of us wrote. Each verifier has to accept what the server wrote and refuse what was changed.
import assert from "node:assert/strict";
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parseVerifierKey } from "../../src/core/ledger/index.ts";
import type { Receipt } from "../../src/core/ledger/index.ts";
import { ROOT } from "../support/process.ts";
import { Published } from "./published.ts";
import { debian, ran, SIGSTORE } from "./tools.ts";
import type { Ran } from "./tools.ts";

let published: Published;
let scratch: string;

before(async () => {
  published = await Published.make();
  scratch = mkdtempSync(join(tmpdir(), "keyturn-peers-"));
});

after(async () => {
  await published[Symbol.asyncDispose]();
  rmSync(scratch, { recursive: true, force: true });
});

/** A copy of the published folder with one file changed. */
function altered(name: string, change: (bytes: Buffer) => Buffer): string {
  const dir = join(scratch, "altered");
  rmSync(dir, { recursive: true, force: true });
  cpSync(published.dir, dir, { recursive: true });
  writeFileSync(join(dir, name), change(readFileSync(join(dir, name))));
  return dir;
}

const flipped = (at: number): ((bytes: Buffer) => Buffer) => {
  return (bytes) => {
    const place = at < 0 ? bytes.length + at : at;
    bytes.writeUInt8(bytes.readUInt8(place) ^ 1, place);
    return bytes;
  };
};

test("golang.org/x/mod/sumdb verifies checkpoint, tiles, inclusion, consistency and receipts, and refuses what was changed", async (t) => {
  const source = "/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog";
  const missing = debian(["/usr/bin/go", source], ["golang-go", "golang-golang-x-mod-dev"]);
  if (missing !== null) return t.skip(missing);
  const home = join(scratch, "gopath/src/xmod");
  mkdirSync(home, { recursive: true });
  copyFileSync(join(ROOT, "test/peers/xmod/main.go"), join(home, "main.go"));
  const program = join(scratch, "xmod");
  const env = {
    GO111MODULE: "off",
    GOPATH: `${join(scratch, "gopath")}:/usr/share/gocode`,
    GOCACHE: join(scratch, "gocache"),
    GOFLAGS: "",
    GOTOOLCHAIN: "local",
  };
  const built = ran("/usr/bin/go", ["build", "-o", program, join(home, "main.go")], "", env);
  assert.equal(built.code, 0, built.err);

  const verify = (dir: string, ...more: string[]): Ran => ran(program, [dir, published.vkey, ...more]);
  const honest = verify(published.dir, published.older);
  assert.equal(honest.code, 0, honest.err);
  assert.match(honest.out, new RegExp(`inclusion of ${published.size} entries`));
  assert.match(honest.out, new RegExp(`consistency from [1-9][0-9]* to ${published.size}\\n5 receipts`));

  const changes: readonly (readonly [string, string, (bytes: Buffer) => Buffer])[] = [
    ["a leaf", "tile/entries/000", flipped(40)],
    ["a hash of a leaf", "tile/0/000", flipped(40)],
    ["a hash above", "tile/1/000.p/2", flipped(1)],
    [
      "the root",
      "checkpoint",
      (bytes) =>
        Buffer.from(
          bytes
            .toString()
            .replace(/\n(.)([^\n]*=)\n\n/, (_, c: string, rest: string) => `\n${c === "A" ? "B" : "A"}${rest}\n\n`),
        ),
    ],
    [
      "the size",
      "checkpoint",
      (bytes) => Buffer.from(bytes.toString().replace(`\n${published.size}\n`, `\n${published.size - 1}\n`)),
    ],
    ["the signature", "checkpoint", flipped(-10)],
    ["the leaf of a receipt", "255.tlog-proof", (bytes) => Buffer.from(bytes.toString().replace("extra e", "extra f"))],
    [
      "the index of a receipt",
      "255.tlog-proof",
      (bytes) => Buffer.from(bytes.toString().replace("index 255", "index 254")),
    ],
    [
      "the proof of a receipt",
      "255.tlog-proof",
      (bytes) =>
        Buffer.from(
          bytes
            .toString()
            .replace(/(index 255\n)(.)/, (_, head: string, c: string) => `${head}${c === "A" ? "B" : "A"}`),
        ),
    ],
  ];
  for (const [name, file, change] of changes) assert.equal(verify(altered(file, change)).code, 1, name);
  const forked = join(scratch, "forked");
  writeFileSync(forked, flipped(60)(readFileSync(published.older)));
  assert.equal(verify(published.dir, forked).code, 1, "an older checkpoint that was never signed");
});

test("@sigstore/verify verifies checkpoint and inclusion, and refuses what was changed", () => {
  const glue = join(ROOT, "test/peers/sigstore.mjs");
  const { name, keyId } = parseVerifierKey(published.vkey);
  const base64 = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString("base64");
  const given = ({ leaf, index, path, checkpoint }: Receipt): object => ({
    note: checkpoint,
    name,
    keyId: base64(keyId),
    spki: base64(published.spki),
    leaf: base64(leaf),
    index,
    hashes: path.map(base64),
  });
  const verify = (input: object): Ran => ran(process.execPath, [glue, SIGSTORE], JSON.stringify(input));
  for (const receipt of published.receipts) {
    const { code, out, err } = verify(given(receipt));
    assert.equal(code, 0, err);
    assert.equal(out, `included in ${published.size}\n`);
  }
  const receipt = published.receipts[2] ?? assert.fail();
  const flip = (bytes: Uint8Array): Uint8Array => flipped(3)(Buffer.from(bytes));
  const changes: readonly (readonly [string, Receipt])[] = [
    ["the leaf", { ...receipt, leaf: flip(receipt.leaf ?? assert.fail()) }],
    ["the index", { ...receipt, index: receipt.index - 1 }],
    ["the proof", { ...receipt, path: receipt.path.with(1, flip(receipt.path[1] ?? assert.fail())) }],
    ["a shorter proof", { ...receipt, path: receipt.path.slice(1) }],
    [
      "the size",
      { ...receipt, checkpoint: receipt.checkpoint.replace(`\n${published.size}\n`, `\n${published.size + 1}\n`) },
    ],
    [
      "the signature",
      {
        ...receipt,
        checkpoint: receipt.checkpoint.replace(
          /(.)(.{20})\n$/,
          (_, c: string, rest: string) => `${c === "A" ? "B" : "A"}${rest}\n`,
        ),
      },
    ],
  ];
  for (const [what, change] of changes) {
    const { code, err } = verify(given(change));
    assert.equal(code, 1, what);
    assert.match(err, /VerificationError|invalid|does not match/, what);
  }
});

test("openssl verifies the signature of the checkpoint, and refuses what was changed", async (t) => {
  const missing = existsSync("/usr/bin/openssl") ? null : debian(["/usr/bin/openssl"], ["openssl"]);
  if (missing !== null) return t.skip(missing);
  const file = (name: string, content: string | Uint8Array): string => {
    writeFileSync(join(scratch, name), content);
    return join(scratch, name);
  };
  const { text, signature } = published.signed;
  const key = file("log.der", published.spki);
  const verify = (note: string, by: Uint8Array): Ran =>
    ran("openssl", [
      "pkeyutl",
      "-verify",
      "-pubin",
      "-inkey",
      key,
      "-keyform",
      "DER",
      "-rawin",
      "-in",
      file("note.txt", note),
      "-sigfile",
      file("note.sig", by),
    ]);
  const { code, out, err } = verify(text, signature);
  assert.equal(code, 0, err);
  assert.match(out, /Verified Successfully/);
  assert.notEqual(verify(text.replace(/\n[0-9]+\n/, "\n1\n"), signature).code, 0, "the size");
  assert.notEqual(verify(text.slice(0, -1), signature).code, 0, "the last newline");
  assert.notEqual(verify(text, flipped(5)(Buffer.from(signature))).code, 0, "the signature");
  // The same by hand: leaf, nodes and root of a receipt with `openssl dgst` alone, as an auditor's shell would do it.
  const sha256 = (...parts: readonly Uint8Array[]): Buffer => {
    const path = file("hashed", Buffer.concat(parts));
    return Buffer.from(/([0-9a-f]{64})\s*$/.exec(ran("openssl", ["dgst", "-sha256", path]).out)?.[1] ?? "", "hex");
  };
  const receipt = published.receipts[0] ?? assert.fail();
  let node = sha256(Uint8Array.of(0), receipt.leaf ?? assert.fail());
  for (const sibling of receipt.path) node = sha256(Uint8Array.of(1), node, sibling); // entry 0 is always on the left
  assert.equal(node.toString("base64"), text.split("\n")[2]);
});
