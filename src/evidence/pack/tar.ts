/** POSIX.1-1988 ustar: everything is a multiple of this. */
const BLOCK_BYTES = 512;
/** The largest size that eleven octal digits hold: 8 GiB. */
export const TAR_FILE_BYTES_MAX: number = 8 ** 11 - 1;
const NAME_BYTES_MAX = 100;
const PREFIX_BYTES_MAX = 155;

const encoder = new TextEncoder();

/** A file of an archive, without its content. `modifiedAt` is milliseconds since 1970. */
export type TarFile = { readonly path: string; readonly size: number; readonly modifiedAt: number };

/**
 * The header that stands before a file's bytes. Owner, mode and time are given or fixed, so that the same files make the
 * same archive on every machine. RangeError for a path or size that ustar cannot hold.
 */
export function tarHeader({ path, size, modifiedAt }: TarFile): Uint8Array {
  if (!Number.isSafeInteger(size) || size < 0 || size > TAR_FILE_BYTES_MAX) {
    throw new RangeError(`\`${path}\` has ${size} bytes, more than a tar file holds`);
  }
  const [prefix, name] = splitPath(path);
  const block = new Uint8Array(BLOCK_BYTES);
  const put = (at: number, text: string): void => block.set(encoder.encode(text), at);
  put(0, name);
  put(100, `${octal(0o644, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0`);
  put(124, `${octal(size, 11)}\0${octal(Math.max(0, Math.floor(modifiedAt / 1000)), 11)}\0`);
  put(156, "0"); // a regular file
  put(257, "ustar\u000000");
  put(345, prefix);
  // The sum is taken with the eight bytes of its own field as spaces.
  put(148, " ".repeat(8));
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, `${octal(sum, 6)}\0 `);
  return block;
}

/** The zeros that follow a file's bytes. */
export function tarPadding(size: number): Uint8Array {
  return new Uint8Array((BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES);
}

/** What ends an archive: two blocks of zeros. */
export function tarEnd(): Uint8Array {
  return new Uint8Array(2 * BLOCK_BYTES);
}

function splitPath(path: string): readonly [prefix: string, name: string] {
  const parts = path.split("/");
  const plain = /^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/.test(path) && !parts.includes("..") && !parts.includes(".");
  if (!plain) throw new RangeError(`\`${path}\` is not a relative path of plain names`);
  if (path.length <= NAME_BYTES_MAX) return ["", path];
  for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) {
    const name = path.slice(at + 1);
    if (at <= PREFIX_BYTES_MAX && name.length <= NAME_BYTES_MAX) return [path.slice(0, at), name];
  }
  throw new RangeError(`\`${path}\` is longer than a tar file holds`);
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}
