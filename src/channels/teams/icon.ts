import { crc32, deflateSync } from "node:zlib";

/** Pixels of the sides that Teams asks for. */
const SIDES = { color: 192, outline: 32 } as const;
const SLATE = [0x1f, 0x29, 0x37, 0xff] as const;
const WHITE = [0xff, 0xff, 0xff, 0xff] as const;
const CLEAR = [0, 0, 0, 0] as const;

/** The app's icon as PNG: a key, white on slate, or white on nothing for the outline. */
export function iconOf(kind: keyof typeof SIDES): Uint8Array {
  const side = SIDES[kind];
  const ground = kind === "color" ? SLATE : CLEAR;
  const rows = Buffer.alloc(side * (1 + 4 * side)); // each row begins with its filter, none
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const pixel = isKey((x + 0.5) / side, (y + 0.5) / side) ? WHITE : ground;
      rows.set(pixel, y * (1 + 4 * side) + 1 + 4 * x);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, 6, 0, 0, 0], 8); // eight bits, red green blue alpha
  return Buffer.concat([
    Buffer.from("89504e470d0a1a0a", "hex"),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** Whether a point of the unit square is of the key: a ring, a shaft and two teeth. */
function isKey(x: number, y: number): boolean {
  const distance = Math.hypot(x - 0.33, y - 0.5);
  if (distance < 0.19) return distance > 0.09;
  const isShaft = x >= 0.5 && x < 0.84 && Math.abs(y - 0.5) < 0.05;
  const isTooth = (x >= 0.65 && x < 0.72 && y >= 0.5 && y < 0.66) || (x >= 0.77 && x < 0.84 && y >= 0.5 && y < 0.62);
  return isShaft || isTooth;
}

/** PNG §5.3: length, type, data, CRC of type and data. */
function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(data.length, 0);
  ends.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
}
