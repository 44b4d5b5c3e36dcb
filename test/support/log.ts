import { generateKeyPairSync } from "node:crypto";
import {
  checkpointText,
  consistencyProof,
  consistencySubtrees,
  Frontier,
  leafHash,
  noteSignedBytes,
  signedNote,
  verifierKey,
} from "../../src/core/ledger/index.ts";
import { encodeBase64 } from "../../src/core/encoding.ts";
import { signerOf } from "../../src/server/keys.ts";

const encoder = new TextEncoder();

/** A small log in memory with a key of its own, which can be made to fork. */
export class TestLog {
  readonly origin: string;
  readonly #signer: ReturnType<typeof signerOf>;
  readonly #leaves: Uint8Array[] = [];

  constructor(origin = "log.test/ledger/one/1", signer: ReturnType<typeof signerOf> = newSigner()) {
    this.origin = origin;
    this.#signer = signer;
  }

  get vkey(): string {
    return verifierKey(this.origin, this.#signer.publicKey);
  }

  /** Grows to a size; `salt` makes other leaves than a log of another salt has. */
  grow(size: number, salt = ""): this {
    while (this.#leaves.length < size) this.#leaves.push(leafHash(encoder.encode(`${salt}${this.#leaves.length}`)));
    return this;
  }

  /** The same key and the same first leaves, and from there on its own way: what only an operator can do. */
  fork(at: number): TestLog {
    const other = new TestLog(this.origin, this.#signer);
    other.#leaves.push(...this.#leaves.slice(0, at));
    return other;
  }

  /** The signed checkpoint over the first leaves. */
  note(size: number = this.#leaves.length, origin: string = this.origin): string {
    const frontier = new Frontier();
    for (const leaf of this.#leaves.slice(0, size)) frontier.append(leaf);
    const text = checkpointText(origin, size, frontier.root());
    return signedNote(text, origin, this.#signer.publicKey, this.#signer.sign(noteSignedBytes(text)));
  }

  proof(old: number, size: number): readonly Uint8Array[] {
    const all = new Map<string, Uint8Array>();
    const frontier = new Frontier();
    for (const leaf of this.#leaves) {
      frontier.append(leaf, ({ level, index }, hash) => all.set(`${level}/${index}`, Uint8Array.from(hash)));
    }
    const hashes = consistencySubtrees(old, size).map(({ level, index }) => all.get(`${level}/${index}`));
    return consistencyProof(
      old,
      size,
      hashes.filter((hash) => hash !== undefined),
    );
  }

  /** What is posted to a witness. */
  body(old: number, size: number = this.#leaves.length): string {
    return [`old ${old}`, ...this.proof(old, size).map(encodeBase64), "", this.note(size)].join("\n");
  }
}

function newSigner(): ReturnType<typeof signerOf> {
  return signerOf(generateKeyPairSync("ed25519").privateKey);
}
