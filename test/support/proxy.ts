import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

/** A TCP proxy on loopback whose connections a test may break. */
export type Proxy = AsyncDisposable & {
  readonly port: number;
  /** Resets all connections that are open now. */
  readonly reset: () => void;
  /** From now on nothing of what the server says comes through on connections that are open now; they stay open. */
  readonly swallow: () => void;
  /** While false, new connections are refused. */
  open: boolean;
  /** The port of this machine that new connections are passed on to; a test may change it, as a failover does. */
  to: number;
};

/** Passes everything on to a port of this machine until it is told not to. */
export async function startProxy(to: number): Promise<Proxy> {
  const pairs = new Set<{ readonly near: Socket; readonly far: Socket; swallowed: boolean }>();
  const server = createServer({ noDelay: true }, (near) => {
    if (!proxy.open) return near.resetAndDestroy();
    const far = connect({ port: proxy.to, host: "127.0.0.1", noDelay: true });
    const pair = { near, far, swallowed: false };
    pairs.add(pair);
    near.pipe(far);
    far.pipe(near);
    for (const socket of [near, far]) socket.on("error", () => {});
    near.on("close", () => {
      pairs.delete(pair);
      far.destroy();
    });
    far.on("close", () => {
      if (!pair.swallowed) near.destroy();
    });
    return undefined;
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const reset = (): void => {
    for (const { near, far } of pairs) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  };
  const proxy: Proxy = {
    port: (server.address() as AddressInfo).port,
    reset,
    swallow: () => {
      for (const pair of pairs) {
        pair.swallowed = true;
        pair.far.unpipe(pair.near);
        pair.far.resume();
      }
    },
    open: true,
    to,
    [Symbol.asyncDispose]: async () => {
      // Not by a reset: of a socket that is just shutting down Node 24 would wait for ever at the end of the process.
      for (const { near, far } of pairs) {
        near.destroy();
        far.destroy();
      }
      server.close();
      await once(server, "close");
    },
  };
  return proxy;
}
