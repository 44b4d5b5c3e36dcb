import type { View } from "../model/view.ts";

export type Connection = "connecting" | "live" | "reconnecting";

/** The server pings more often than this; silence for longer means a dead connection that nobody closed. */
const SILENCE_MS = 60_000;
const RETRY_MS_MIN = 1000;
const RETRY_MS_MAX = 15_000;

export type StreamEvents = {
  /** Called at every state change, and once for each connection that is made: then everything has to be read again. */
  readonly state: (state: Connection) => void;
  readonly opened: () => void;
  readonly request: (view: View) => void;
};

/** Listens to `/v1/stream` until the returned function is called; reconnects by itself. */
export function listen(on: StreamEvents): () => void {
  let source: EventSource | null = null;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let silence: ReturnType<typeof setTimeout> | undefined;
  let retryMs = RETRY_MS_MIN;

  const heard = (): void => {
    clearTimeout(silence);
    silence = setTimeout(again, SILENCE_MS);
  };
  function again(): void {
    source?.close();
    clearTimeout(silence);
    on.state("reconnecting");
    retry = setTimeout(open, retryMs);
    retryMs = Math.min(RETRY_MS_MAX, retryMs * 2);
  }
  function open(): void {
    source = new EventSource("/v1/stream");
    source.addEventListener("open", () => {
      retryMs = RETRY_MS_MIN;
      heard();
      on.state("live");
      on.opened();
    });
    source.addEventListener("request", (event: MessageEvent<string>) => {
      heard();
      on.request(JSON.parse(event.data) as View);
    });
    source.addEventListener("ping", heard);
    // The browser's own retry is not used: it gives up for good at the first answer that is no stream.
    source.addEventListener("error", again);
  }

  on.state("connecting");
  open();
  return () => {
    source?.close();
    clearTimeout(retry);
    clearTimeout(silence);
  };
}
