import { useSyncExternalStore } from "react";

/** The Date header counts whole seconds, so a smaller difference says nothing. */
const SKEW_IGNORED_MS = 2000;
const TICK_MS = 1000;

let skewMs = 0;

/** Learns from a response's Date header how far this device's clock is off: time limits are the server's. */
export function noteServerTime(header: string | null): void {
  const server = header === null ? Number.NaN : Date.parse(header);
  if (Number.isNaN(server)) return;
  const off = server - Date.now();
  skewMs = Math.abs(off) > SKEW_IGNORED_MS ? off : 0;
}

let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

function tick(): void {
  now = Date.now() + skewMs;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(tick, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function read(): number {
  // Without a running timer the kept time is stale; with one it must stay the same within a render.
  if (timer === undefined && Math.abs(Date.now() + skewMs - now) > TICK_MS) now = Date.now() + skewMs;
  return now;
}

/** The server's time as well as it is known, moving once a second. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, read);
}
