import { createHash } from "node:crypto";
import { addAbortSignal } from "node:stream";
import type { Readable } from "node:stream";
import type { JsonObject } from "../../core/action/index.ts";
import { ExecError } from "./errors.ts";

/** Bytes of standard input that `--stdin` binds. */
export const INPUT_BYTES_MAX: number = 16 * 1024 * 1024;

/** Where the child's standard input comes from. */
export type Input =
  | { readonly from: "nothing" }
  /** A person's terminal: what is typed there is typed after the approval, and shown as such. */
  | { readonly from: "terminal" }
  /** Bytes that were read to their end before anybody was asked. */
  | { readonly from: "bytes"; readonly bytes: Uint8Array };

/** Reads standard input to its end, up to the limit; an abort ends the reading. */
export async function readInput(stream: Readable, signal: AbortSignal): Promise<Input> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of addAbortSignal(signal, stream)) {
    const bytes = Buffer.from(chunk as Uint8Array);
    length += bytes.length;
    if (length > INPUT_BYTES_MAX) {
      const message = `standard input has more than ${INPUT_BYTES_MAX} bytes; write it to a file and bind that with --bind`;
      throw new ExecError({ code: "input_too_large", message });
    }
    chunks.push(bytes);
  }
  return { from: "bytes", bytes: Buffer.concat(chunks) };
}

/** As reviewers see it: nothing, a terminal, or the hash and length of the bytes. */
export function shownInput(input: Input): JsonObject | null {
  switch (input.from) {
    case "nothing":
      return null;
    case "terminal":
      return { terminal: true };
    case "bytes":
      return { sha256: createHash("sha256").update(input.bytes).digest("hex"), bytes: input.bytes.length };
    default:
      return input satisfies never;
  }
}
