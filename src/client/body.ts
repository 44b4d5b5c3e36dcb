import { Unavailable } from "./errors.ts";

/** Reads a body to its end, but never more than `bytesMax`: a server, or whoever answers for it, cannot fill our memory. */
export async function readBytes(body: ReadableStream<Uint8Array> | null, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunksOf(body)) {
    length += chunk.length;
    if (length > bytesMax) throw tooLarge(bytesMax);
    chunks.push(chunk);
  }
  const [only] = chunks;
  if (only !== undefined && chunks.length === 1) return only;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** The lines of a stream without their ends (LF, CRLF or CR, as SSE has them); each at most `lineBytesMax` long. */
export async function* readLines(
  body: ReadableStream<Uint8Array> | null,
  lineBytesMax: number,
  onChunk?: () => void,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  for await (const chunk of chunksOf(body)) {
    onChunk?.();
    rest += decode(decoder, chunk);
    // A CR at the very end may be half of a CRLF: it waits for the next chunk.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    for (const line of lines) yield line;
    if (rest.length > lineBytesMax) throw tooLarge(lineBytesMax);
  }
  if (rest !== "") yield rest.replace(/\r$/, "");
}

function decode(decoder: InstanceType<typeof TextDecoder>, chunk: Uint8Array): string {
  try {
    return decoder.decode(chunk, { stream: true });
  } catch (cause) {
    throw new Unavailable({ code: "answer_malformed", message: "the server's answer is not UTF-8", cause });
  }
}

/** A break in the middle of an answer is a fault of the connection, whatever `fetch` calls it. */
async function* chunksOf(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array, void, undefined> {
  if (body === null) return;
  const reader = body.getReader();
  let ended = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      ended = done;
      if (done) return;
      yield value;
    }
  } catch (cause) {
    ended = true;
    if (cause instanceof Unavailable) throw cause;
    throw new Unavailable({
      code: "unreachable",
      message: "the connection to the Keyturn server broke before the answer was whole",
      cause,
    });
  } finally {
    if (!ended) await reader.cancel().catch(() => undefined);
    reader.releaseLock();
  }
}

/** What an answer of more than these bytes is refused with. */
export function tooLarge(bytesMax: number): Unavailable {
  return new Unavailable({
    code: "answer_too_large",
    message: `the server's answer has more than ${bytesMax} bytes where no such answer exists; is this a Keyturn server?`,
  });
}
