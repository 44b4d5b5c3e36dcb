import { createPrivateKey, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Json, JsonObject } from "../../src/core/action/index.ts";
import type { Instant, StreamName } from "../../src/core/brand.ts";
import {
  Frontier,
  checkpointText,
  leafHash,
  noteSignedBytes,
  openEntry,
  parseVerifierKey,
  sealEntry,
  signedNote,
} from "../../src/core/ledger/index.ts";
import type { LedgerEntry } from "../../src/verify/index.ts";
import type { House } from "../support/house.ts";

/** An entry as somebody who can write anything would write it: index, version, commitment and hashes follow by themselves. */
export type Told = {
  readonly stream: string;
  readonly type: string;
  readonly at: number;
  readonly publics: JsonObject;
  readonly payload: JsonObject;
};

/** The operator of a server, who has its store, its files and its signing key, and tells another story. */
export class Operator {
  readonly vkey: string;
  readonly #sign: (message: Uint8Array) => Uint8Array;

  private constructor(vkey: string, sign: (message: Uint8Array) => Uint8Array) {
    this.vkey = vkey;
    this.#sign = sign;
  }

  static async of(house: House): Promise<Operator> {
    const vkey = (await house.operator.get("/v1/ledger/vkey")).text.trim();
    const key = createPrivateKey(readFileSync(join(house.files.dir, "data", "ledger-key.pem")));
    return new Operator(vkey, (message) => new Uint8Array(sign(null, message, key)));
  }

  /** Signs whatever it is given, with the real key. */
  checkpoint(entries: readonly LedgerEntry[]): string {
    const { name, publicKey } = parseVerifierKey(this.vkey);
    const tree = new Frontier();
    for (const entry of entries) tree.append(leafHash(entry.header));
    const text = checkpointText(name, tree.size, tree.root());
    return signedNote(text, name, publicKey, this.#sign(noteSignedBytes(text)));
  }
}

/** What the server really wrote. */
export async function written(house: House): Promise<readonly LedgerEntry[]> {
  return house.store.range(0, 100_000);
}

/** The same as a story that can be changed. */
export function told(entries: readonly LedgerEntry[]): readonly Told[] {
  return entries.map(({ header, payload, salt }) => {
    const { stream, type, at, publics, payload: content } = openEntry(header, payload, salt);
    return { stream, type, at, publics, payload: content as JsonObject };
  });
}

/** Writes a story down: gapless, well-formed, and with new salts where the old ones do not fit any more. */
export function sealed(story: readonly Told[], before: readonly LedgerEntry[]): LedgerEntry[] {
  const versions = new Map<string, number>();
  return story.map(({ stream, type, at, publics, payload }, index) => {
    const version = versions.get(stream) ?? 0;
    versions.set(stream, version + 1);
    const salt = before[index]?.salt ?? new Uint8Array(32).fill(index & 255);
    const content = { stream: stream as StreamName, version, type, at: at as Instant, salt, payload, publics };
    return { index, ...sealEntry(content) };
  });
}

/** A value with one member, at a path, set to another. */
export function withMember(value: Json, path: readonly string[], to: Json): JsonObject {
  const [name = "", ...rest] = path;
  const object = value as JsonObject;
  return { ...object, [name]: rest.length === 0 ? to : withMember(object[name] ?? {}, rest, to) };
}
