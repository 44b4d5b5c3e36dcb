import { McpError } from "./errors.ts";
import { tooLarge } from "./jsonrpc.ts";
import { UPSTREAM_MESSAGE_BYTES_MAX } from "./limits.ts";
import type { Mark } from "./upstream.ts";

export type SseEvent = { readonly data: string; readonly mark: Mark };

/** The events of a stream (WHATWG HTML §9.2.6), with all their fields, so that they can be handed on. */
export async function* readSse(body: AsyncIterable<Uint8Array>): AsyncGenerator<SseEvent, void, undefined> {
  const decoder = new TextDecoder("utf-8");
  let rest = "";
  let fields: [string, string][] = [];
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    // A CR at the very end may be half of a CRLF.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    if (rest.length > UPSTREAM_MESSAGE_BYTES_MAX) throw tooLarge(UPSTREAM_MESSAGE_BYTES_MAX);
    for (const line of lines) {
      if (line === "") {
        if (fields.length > 0) yield eventOf(fields);
        fields = [];
      } else if (!line.startsWith(":")) {
        fields.push(fieldOf(line));
        if (fields.length > 100_000) throw malformed();
      }
    }
  }
}

/** One event as it is sent. Its data is one line: JSON that was written by `JSON.stringify`, or none. */
export function formatSse(data: string, mark: Mark = {}): string {
  const { id, event, retry } = mark;
  const lines = [
    ...(id === undefined ? [] : [`id: ${oneLine(id)}`]),
    ...(event === undefined ? [] : [`event: ${oneLine(event)}`]),
    ...(retry === undefined ? [] : [`retry: ${oneLine(retry)}`]),
    `data: ${oneLine(data)}`,
  ];
  return `${lines.join("\n")}\n\n`;
}

function eventOf(fields: readonly (readonly [string, string])[]): SseEvent {
  const last = (name: string): string | undefined => fields.findLast(([field]) => field === name)?.[1];
  const data = fields.filter(([field]) => field === "data").map(([, value]) => value);
  const [id, event, retry] = [last("id"), last("event"), last("retry")];
  const mark: Mark = {
    ...(id === undefined ? {} : { id }),
    ...(event === undefined ? {} : { event }),
    ...(retry === undefined ? {} : { retry }),
  };
  return { data: data.join("\n"), mark };
}

function fieldOf(line: string): [string, string] {
  const colon = line.indexOf(":");
  if (colon < 0) return [line, ""];
  const value = line.slice(colon + 1);
  return [line.slice(0, colon), value.startsWith(" ") ? value.slice(1) : value];
}

function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]/g, " ");
}

function malformed(): McpError {
  return new McpError({ code: "message_malformed", message: "an event of the upstream has no end" });
}
