import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { parseWitnessKey, witnessKey } from "../core/ledger/index.ts";
import { WitnessError } from "./errors.ts";

/** What a witness keeps: its key, its name, and the newest checkpoint that it cosigned of each log. */
export type WitnessFolder = Disposable & {
  readonly name: string;
  readonly publicKey: Uint8Array;
  /** The line by which logs and auditors know this witness. */
  readonly vkey: string;
  sign(message: Uint8Array): Uint8Array;
  /** The signed note that was kept last of this origin; null before the first. */
  read(origin: string): string | null;
  /** Keeps a note instead of the one before; on disk when it returns. */
  write(origin: string, note: string): void;
};

/** Opens a folder for this process alone, and makes key and name on the first start. */
export function openWitnessFolder(path: string, wantedName: string | null): WitnessFolder {
  mkdirSync(join(path, "logs"), { recursive: true, mode: 0o700 });
  const release = hold(join(path, "pid"));
  try {
    const privateKey = keyOf(join(path, "witness-key.pem"));
    const publicKey = publicKeyOf(privateKey);
    const { name, vkey } = nameOf(join(path, "vkey"), publicKey, wantedName);
    const file = (origin: string): string =>
      join(path, "logs", createHash("sha256").update(origin).digest("hex").slice(0, 32));
    return {
      name,
      publicKey,
      vkey,
      sign: (message) => sign(null, message, privateKey),
      read: (origin) => (existsSync(file(origin)) ? readFileSync(file(origin), "utf8") : null),
      write: (origin, note) => replace(join(path, "logs"), file(origin), note),
      [Symbol.dispose]: release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** The old or the new content is there after a crash, never half of one: flush, rename, flush the folder. */
function replace(folder: string, path: string, content: string): void {
  const fresh = `${path}.new`;
  writeFileSync(fresh, content, { mode: 0o600, flush: true });
  renameSync(fresh, path);
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Folders that this process holds. */
const held = new Set<string>();

/** Two witnesses on one folder could each sign what the other must not: the second one is refused. */
function hold(path: string): () => void {
  for (let attempt = 0; ; attempt++) {
    try {
      writeFileSync(path, String(process.pid), { flag: "wx", mode: 0o600 });
      held.add(path);
      return () => {
        held.delete(path);
        unlinkSync(path);
      };
    } catch (cause) {
      const holder = Number(existsSync(path) ? readFileSync(path, "utf8") : "");
      if (attempt > 0 || held.has(path) || lives(holder)) {
        const message = `process ${holder} is a witness on this folder already; stop it, or remove ${path} if it is none`;
        throw new WitnessError({ code: "witness_folder_held", message, cause });
      }
      unlinkSync(path); // what a crash left behind
    }
  }
}

function lives(pid: number): boolean {
  // In a container every process is number 1, and this one cannot have been here before itself.
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function keyOf(path: string): KeyObject {
  if (!existsSync(path)) {
    const { privateKey } = generateKeyPairSync("ed25519");
    writeFileSync(path, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600, flag: "wx", flush: true });
  }
  return createPrivateKey(readFileSync(path));
}

function publicKeyOf(privateKey: KeyObject): Uint8Array {
  const { crv, x } = createPublicKey(privateKey).export({ format: "jwk" });
  if (crv === "Ed25519" && x !== undefined) return new Uint8Array(Buffer.from(x, "base64url"));
  throw new WitnessError({ code: "witness_state_damaged", message: "witness-key.pem holds no Ed25519 key" });
}

/** A name is for ever, like the key: it is part of every line that others keep. */
function nameOf(path: string, publicKey: Uint8Array, wanted: string | null): { name: string; vkey: string } {
  if (!existsSync(path)) {
    const vkey = witnessKey(wanted ?? `${hostname()}/witness`, publicKey);
    writeFileSync(path, `${vkey}\n`, { flag: "wx", flush: true });
  }
  const vkey = readFileSync(path, "utf8").trim();
  const { name } = parseWitnessKey(vkey);
  if (witnessKey(name, publicKey) !== vkey) {
    throw new WitnessError({ code: "witness_state_damaged", message: `${path} is not of the key beside it` });
  }
  if (wanted !== null && wanted !== name) {
    const message = `this witness is called \`${name}\`; another name takes another folder`;
    throw new WitnessError({ code: "witness_name_differs", message });
  }
  return { name, vkey };
}
