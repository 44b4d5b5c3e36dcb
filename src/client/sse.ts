import { JSON_BYTES_MAX } from "../core/action/index.ts";
import { readLines } from "./body.ts";
import { Unavailable } from "./errors.ts";

export type StreamEvent = { readonly event: string; readonly data: string };

/**
 * The events of one stream (WHATWG HTML §9.2.6). `onChunk` is called for every piece that arrives, comments too: that
 * the connection lives is known by its bytes. Ends when the stream ends.
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  onChunk: () => void,
): AsyncGenerator<StreamEvent, void, undefined> {
  let event = "";
  let data: string[] = [];
  let length = 0;
  for await (const line of readLines(body, JSON_BYTES_MAX, onChunk)) {
    if (line === "") {
      if (data.length > 0) yield { event: event === "" ? "message" : event, data: data.join("\n") };
      [event, data, length] = ["", [], 0];
      continue;
    }
    const [field, value] = fieldOf(line);
    if (field === "event") event = value;
    if (field !== "data") continue;
    length += value.length;
    if (length > JSON_BYTES_MAX) throw tooLarge();
    data.push(value);
  }
}

function fieldOf(line: string): [string, string] {
  const colon = line.indexOf(":");
  if (colon < 0) return [line, ""];
  const value = line.slice(colon + 1);
  return [line.slice(0, colon), value.startsWith(" ") ? value.slice(1) : value];
}

function tooLarge(): Unavailable {
  return new Unavailable({
    code: "answer_too_large",
    message: "one event of the server's stream is larger than any event is",
  });
}
