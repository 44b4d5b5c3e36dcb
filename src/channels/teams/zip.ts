import { crc32 } from "node:zlib";

export type ZipFile = { readonly name: string; readonly bytes: Uint8Array };

/** 1 January 1980: the same files make the same zip. */
const DATE = 0x21;

/** A zip of a few small files, stored as they are (APPNOTE 6.3.10, §4.3). */
export function zip(files: readonly ZipFile[]): Uint8Array {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes } of files) {
    const title = Buffer.from(name, "utf8");
    const about = aboutOf(bytes, title.length);
    const local = Buffer.concat([Buffer.from("504b0304", "hex"), about, title, bytes]);
    const central = Buffer.alloc(14);
    central.writeUInt32LE(offset, 10); // no comment, disk 0, no attributes
    directory.push(Buffer.concat([Buffer.from("504b01021400", "hex"), about, central, title]));
    parts.push(local);
    offset += local.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("504b0506", 0, "hex");
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(listed.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, listed, end]);
}

/** What both headers of a file say of it: from the version needed to the length of the extra field. */
function aboutOf(bytes: Uint8Array, nameLength: number): Buffer {
  const about = Buffer.alloc(26);
  about.writeUInt16LE(20, 0);
  about.writeUInt16LE(0x0800, 2); // names are UTF-8
  about.writeUInt16LE(DATE, 8);
  about.writeUInt32LE(crc32(bytes), 10);
  about.writeUInt32LE(bytes.length, 14);
  about.writeUInt32LE(bytes.length, 18);
  about.writeUInt16LE(nameLength, 22);
  return about;
}
