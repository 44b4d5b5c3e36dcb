/** `verify/sigstore.cjs`: every receipt, with the verifier of the Sigstore project. */
export const SIGSTORE_CJS = `// Verifies checkpoint and inclusion of every receipt with @sigstore/verify, which knows nothing of Keyturn.
//
//   npm install --prefix /tmp/sigstore @sigstore/verify@4.1.3      (Node 22.22.2, 24.15 or 26 and later)
//   node verify/sigstore.cjs /tmp/sigstore/node_modules/@sigstore/verify "$(cat ledger/vkey)"
const { createPublicKey } = require("node:crypto");
const { readdirSync, readFileSync } = require("node:fs");
const { join, resolve } = require("node:path");

const [, , folder = "", vkey = ""] = process.argv;
const library = resolve(folder, "dist/tlog");
const { verifyCheckpoint } = require(join(library, "checkpoint.js"));
const { verifyMerkleInclusion } = require(join(library, "merkle.js"));
const bytes = (text) => Buffer.from(text, "base64");

// C2SP signed-note: name, key id in hex, base64 of a type byte and the key. RFC 8410: what stands before an Ed25519 key.
const [, name, keyId, key] = /^([^+]+)\\+([0-9a-f]{8})\\+(.+)$/.exec(vkey.trim());
const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), bytes(key).subarray(1)]);
const publicKey = createPublicKey({ key: spki, format: "der", type: "spki" });
const logs = [{ logID: Buffer.from(keyId, "hex"), baseURL: name, publicKey }];

const receipts = join(__dirname, "../receipts");
const files = readdirSync(receipts).filter((file) => file.endsWith(".tlog-proof"));
for (const file of files) {
  const text = readFileSync(join(receipts, file), "utf8");
  const border = text.indexOf("\\n\\n");
  const [, extra, index, ...hashes] = text.slice(0, border).split("\\n");
  const inclusionProof = {
    checkpoint: { envelope: text.slice(border + 2) },
    logIndex: index.slice("index ".length),
    hashes: hashes.map(bytes),
  };
  const entry = { inclusionProof, canonicalizedBody: bytes(extra.slice("extra ".length)) };
  verifyMerkleInclusion(entry, verifyCheckpoint(entry, logs));
}
if (files.length === 0) throw new Error("there is no receipt");
console.log(\`\${files.length} receipts\`);
`;
