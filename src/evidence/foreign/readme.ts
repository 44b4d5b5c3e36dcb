import type { IndexRange, Period } from "../pack/range.ts";
import { moment } from "../words.ts";

/** What the page of instructions names. */
export type ReadmeFacts = {
  readonly origin: string;
  readonly vkey: string;
  readonly period: Period;
  readonly range: IndexRange;
  readonly size: number;
  readonly pdf: boolean;
};

/** `README.txt`: what is in the pack, and how to reach a verdict without us. */
export function readme({ origin, vkey, period, range, size, pdf }: ReadmeFacts): string {
  return `EVIDENCE OF PRIVILEGED ACTIONS

Ledger   ${origin}
Period   ${moment(period.from)} up to ${moment(period.to)} UTC, not included
Entries  ${range.first} up to ${range.end}, not included, of ${size} under the signed checkpoint
Key      ${vkey}

The key stands here for convenience. Take it from where the organisation cannot change it today: an earlier audit, a
contract, a witness. A pack whose key you did not bring yourself proves only that it agrees with itself.


WHAT IS IN IT

report.html${pdf ? ", report.pdf" : "           "}   the readable report
pack.json                 period, range, roots and counts
MANIFEST.sha256           SHA-256 of every other file
ledger/checkpoint         the signed head: C2SP tlog-checkpoint, with witnesses' cosignatures if there are any
ledger/vkey               the ledger's verifier key: C2SP signed-note
ledger/tile/              the whole Merkle tree and the headers of all entries: C2SP tlog-tiles
ledger/payloads/          disclosures: payload and salt of the period's entries, and of what they rest on
range/start, range/end    the ledger's head before the first and after the last entry of the period: origin, size, root
range/*.proof             consistency proofs, RFC 6962 section 2.1.2, a hash in base64 a line
receipts/                 inclusion proofs of single entries: C2SP tlog-proof
keys/                     the ledger's key for OpenSSL, permit keys, witnesses' keys
rules/                    policies, directory (who was in which group) and settings in force, by the entry that says so
actions/                  every action: records.jsonl in full, actions.csv for a spreadsheet
signatures.txt            reviews that a passkey signed: entry, statement, authenticator data, client data, signature, key
findings/                 verification.json, gaps.json, exceptions.json, clock.json
sample.json               the sample and how it was drawn, if one was asked for
controls.json             ISO/IEC 27001:2022 Annex A, SOC 2, NIST SP 800-53: what this shows and what it leaves
views/                    the same for other tools: OCSF events, OSCAL assessment results
verify/                   the few lines that hand these files to tools of others

Tiles, payloads, proofs and receipts are the evidence. Report, actions, findings and views are made from them.


${HOW}`;
}

const HOW = `HOW TO VERIFY IT WITHOUT KEYTURN

The scripts in verify/ are short: read them, or write your own from the steps. KEY is the verifier key above, brought by
you. Any step that fails, or a file that is missing, is a reason to stop.

1  The files are those of the manifest (coreutils):

     sha256sum --check --strict --quiet MANIFEST.sha256

2  The checkpoint is signed (OpenSSL 3):

     sh verify/openssl.sh KEY

   So is every review of signatures.txt, by its approver's own passkey (OpenSSL 3; step 5 finds each in its entry):

     sh verify/signatures.sh

3  Signature, tree, tiles, the period's consistency proofs and the receipts (golang.org/x/mod/sumdb, the library of Go's
   checksum database; Debian packages golang-go and golang-golang-x-mod-dev):

     GO111MODULE=off GOPATH=/usr/share/gocode go run verify/xmod.go . KEY

4  Checkpoint and receipts once more, by another house (@sigstore/verify 4.1.3 of npm, Node 22 or later):

     npm install --prefix /tmp/sigstore @sigstore/verify@4.1.3
     node verify/sigstore.cjs /tmp/sigstore/node_modules/@sigstore/verify KEY

5  Disclosed payloads are what headers commit to, the root is that of the entries, the sample is the one that the nonce
   draws (Python 3, standard library):

     python3 verify/disclosures.py

6  Whether decisions kept the rules (enough distinct people, none behind the action, before execution, in time, once) is
   in the payloads for everybody to read: actions/records.jsonl has them in order. Keyturn's own verifier checks them
   all: keyturn verify --dir ledger --vkey KEY (it counts what is not disclosed as erased)


FORMATS

An entry's header is canonical JSON (RFC 8785): v, type, time, stream, version, commitment, public. Its bytes are the leaf:
SHA-256(0x00 || header). Inner nodes are SHA-256(0x01 || left || right). In ledger/tile/entries/ each header follows its
length in two bytes, most significant first.

A payload is canonical JSON, and commitment is "sha256:" and the hex of SHA-256("keyturn entry payload v1" || 0x0A || salt
|| payload). A line of ledger/payloads/ with null for payload and salt is an entry that is not disclosed, or was erased.

A signed review: the challenge in the client data is SHA-256 of the statement (canonical JSON), and the signature is over
the authenticator data followed by SHA-256 of the client data (WebAuthn section 7.2). Which key was whose, and since when,
is in the directory under rules/.

The sample: seed = SHA-256(nonce || root of range/end, 32 bytes). An item's rank is SHA-256(seed || index in 8 bytes, most
significant first), where index is that of the item's first entry. The lowest ranks are drawn.
`;
