import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import {
  checkpointText,
  cosignatureLine,
  cosignedBytes,
  noteSignedBytes,
  signedNote,
  verifierKey,
  witnessKey,
} from "../../../src/core/ledger/index.ts";

/** An Ed25519 key from a seed of one byte, 32 times. */
export class Signer {
  readonly name: string;
  readonly publicKey: Uint8Array;
  readonly sign: (message: Uint8Array) => Uint8Array;

  constructor(name: string, seed: number) {
    this.name = name;
    const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, seed)]);
    const secret = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
    this.publicKey = new Uint8Array(createPublicKey(secret).export({ format: "der", type: "spki" }).subarray(-32));
    this.sign = (message) => new Uint8Array(sign(null, message, secret));
  }

  /** As a log. */
  get vkey(): string {
    return verifierKey(this.name, this.publicKey);
  }

  /** As a witness. */
  get witnessKey(): string {
    return witnessKey(this.name, this.publicKey);
  }

  checkpoint(size: number, root: Uint8Array): string {
    const text = checkpointText(this.name, size, root);
    return signedNote(text, this.name, this.publicKey, this.sign(noteSignedBytes(text)));
  }

  /** A cosignature line over a note's text, at a time in seconds. */
  cosign(note: string, seconds: number): string {
    const text = note.slice(0, note.lastIndexOf("\n\n") + 1);
    return cosignatureLine(this.name, this.publicKey, { seconds, signature: this.sign(cosignedBytes(text, seconds)) });
  }
}
