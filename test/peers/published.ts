import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  encodeBundle,
  encodeTile,
  formatReceipt,
  inclusionProof,
  inclusionSubtrees,
  parseNote,
  parseVerifierKey,
  tilePath,
  tilesSince,
  tileSubtrees,
} from "../../src/core/ledger/index.ts";
import type { Receipt, Tile } from "../../src/core/ledger/index.ts";
import { exportRows, readRows } from "../support/actions.ts";
import { approve, hold, permitFor, redeem } from "../support/flow.ts";
import { House } from "../support/house.ts";

/** RFC 8410 §4: what precedes the 32 bytes of an Ed25519 key in SubjectPublicKeyInfo. */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

/** A ledger that a real server wrote, as files: checkpoint, an older one, key, tiles, bundles and a few receipts. */
export class Published implements AsyncDisposable {
  readonly dir: string;
  readonly vkey: string;
  readonly size: number;
  /** A file with an earlier checkpoint. */
  readonly older: string;
  readonly receipts: readonly Receipt[];
  readonly #house: House;

  private constructor(house: House, dir: string, vkey: string, size: number, receipts: readonly Receipt[]) {
    this.#house = house;
    this.dir = dir;
    this.vkey = vkey;
    this.size = size;
    this.older = join(dir, "older");
    this.receipts = receipts;
  }

  /** With more entries than fit into two tiles, a held and released action among them. */
  static async make(evaluations: number = 560): Promise<Published> {
    const house = await House.open();
    const dir = mkdtempSync(join(tmpdir(), "keyturn-published-"));
    const gate = await house.gate();
    const question = exportRows(12_000);
    const held = await hold(gate, question);
    await approve(await house.person("ann"), held);
    await redeem(gate, await permitFor(gate, question, held), held.digest);
    const older = (await house.operator.get("/v1/ledger/checkpoint")).text;
    for (let round = 0; round < evaluations; round += 8) {
      await Promise.all(
        Array.from({ length: 8 }, (_, n) => gate.post("/access/v1/evaluation", readRows(1 + ((round + n) % 90)))),
      );
    }
    const checkpoint = (await house.operator.get("/v1/ledger/checkpoint")).text;
    const vkey = (await house.operator.get("/v1/ledger/vkey")).text.trim();
    const size = Number(checkpoint.split("\n")[1]);
    const write = (path: string, content: string | Uint8Array): void => {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), content);
    };
    write("checkpoint", checkpoint);
    write("older", older);
    for (const tile of tilesSince(0, size)) write(tilePath(tile), await bytesOf(house, tile));
    const receipts: Receipt[] = [];
    for (const index of new Set([0, 1, 255, 256, size - 1]))
      receipts.push(await receiptOf(house, index, size, checkpoint));
    for (const receipt of receipts) write(`${receipt.index}.tlog-proof`, formatReceipt(receipt));
    return new Published(house, dir, vkey, size, receipts);
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  get checkpoint(): string {
    return readFileSync(this.path("checkpoint"), "utf8");
  }

  /** The log's key as OpenSSL and everybody else reads keys. */
  get spki(): Buffer {
    return Buffer.concat([SPKI_PREFIX, parseVerifierKey(this.vkey).publicKey]);
  }

  /** What was signed, and the signature. */
  get signed(): { readonly text: string; readonly signature: Uint8Array } {
    const { text, signatures } = parseNote(this.checkpoint);
    return { text, signature: signatures[0]?.signature ?? new Uint8Array(0) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#house[Symbol.asyncDispose]();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

async function bytesOf(house: House, tile: Tile): Promise<Uint8Array> {
  if (tile.level !== "entries") return encodeTile(await house.store.subtrees(tileSubtrees(tile)));
  const entries = await house.store.range(tile.index * 256, tile.width);
  return encodeBundle(entries.map(({ header }) => header));
}

async function receiptOf(house: House, index: number, size: number, checkpoint: string): Promise<Receipt> {
  const [entry] = await house.store.range(index, 1);
  const path = inclusionProof(index, size, await house.store.subtrees(inclusionSubtrees(index, size)));
  return { leaf: entry?.header ?? null, index, path, checkpoint };
}
