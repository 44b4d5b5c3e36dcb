// Verifies the inclusion of one entry with @sigstore/verify: `node sigstore.mjs PACKAGE < {note, name, keyId, spki, leaf, index, hashes}`,
// bytes in base64. Its verifier of whole bundles wants Sigstore's own entry types; checkpoint and Merkle proof are theirs to the line.
import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const folder = process.argv[2];
const require = createRequire(join(folder, "package.json"));
const { verifyCheckpoint } = require(join(folder, "dist/tlog/checkpoint.js"));
const { verifyMerkleInclusion } = require(join(folder, "dist/tlog/merkle.js"));
const bytes = (text) => Buffer.from(text, "base64");

const given = JSON.parse(readFileSync(0, "utf8"));
const publicKey = createPublicKey({ key: bytes(given.spki), format: "der", type: "spki" });
const logs = [{ logID: bytes(given.keyId), baseURL: given.name, publicKey }];
const inclusionProof = {
  checkpoint: { envelope: given.note },
  logIndex: String(given.index),
  hashes: given.hashes.map(bytes),
};
const entry = { inclusionProof, canonicalizedBody: bytes(given.leaf) };
const checkpoint = verifyCheckpoint(entry, logs);
verifyMerkleInclusion(entry, checkpoint);
process.stdout.write(`included in ${checkpoint.logSize}\n`);
