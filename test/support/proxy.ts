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
  /**
   * From now on nothing of what clients say comes through on connections that are open now, as on a network that is cut:
   * it is kept, and may be delivered long after the client has gone.
   */
  readonly detain: () => Detained;
  /** While false, new connections are refused. */
  open: boolean;
  /** The port of this machine that new connections are passed on to; a test may change it, as a failover does. */
  to: number;
};

/** What clients said that the server has not heard yet. */
export type Detained = {
  /** Resolves when there is something. */
  readonly heard: Promise<void>;
  /** Lets the server have it, and its end; resolves when the server has closed the connections. */
  readonly deliver: () => Promise<void>;
};

type Pair = { readonly near: Socket; readonly far: Socket; swallowed: boolean; detained: boolean };

/** Passes everything on to a port of this machine until it is told not to. */
export async function startProxy(to: number): Promise<Proxy> {
  const pairs = new Set<Pair>();
  /** Ways to the server whose clients may have gone. */
  const late = new Set<Socket>();
  const server = createServer({ noDelay: true }, (near) => {
    if (!proxy.open) return near.resetAndDestroy();
    const far = connect({ port: proxy.to, host: "127.0.0.1", noDelay: true });
    const pair = { near, far, swallowed: false, detained: false };
    pairs.add(pair);
    near.pipe(far);
    far.pipe(near);
    for (const socket of [near, far]) socket.on("error", () => {});
    near.on("close", () => {
      pairs.delete(pair);
      if (!pair.detained) far.destroy();
    });
    far.on("close", () => {
      if (!pair.swallowed) near.destroy();
    });
    return undefined;
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const reset = (): void => {
    for (const { near, far, detained } of pairs) {
      cut(near);
      if (!detained) cut(far);
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
    detain: () => detain([...pairs], late),
    open: true,
    to,
    [Symbol.asyncDispose]: async () => {
      for (const { near, far } of pairs) {
        near.destroy();
        far.destroy();
      }
      for (const far of late) far.destroy();
      server.close();
      await once(server, "close");
    },
  };
  return proxy;
}

// With something still to be sent or shut down, Node 24 never ends a process in which a socket was reset.
function cut(socket: Socket): void {
  const isBusy = socket.connecting || socket.writableEnded || socket.writableLength > 0;
  if (isBusy) socket.destroy();
  else socket.resetAndDestroy();
}

function detain(pairs: readonly Pair[], late: Set<Socket>): Detained {
  const heard = Promise.withResolvers<void>();
  const said = pairs.map((pair) => {
    const { near, far } = pair;
    const chunks: Buffer[] = [];
    pair.detained = true;
    late.add(far);
    near.unpipe(far);
    near.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      heard.resolve();
    });
    near.resume();
    return { far, chunks };
  });
  return {
    heard: heard.promise,
    deliver: async () => {
      const closed = said.map(async ({ far, chunks }) => {
        far.unpipe();
        far.resume();
        const over = far.closed ? null : once(far, "close");
        far.end(Buffer.concat(chunks));
        await over;
        late.delete(far);
      });
      await Promise.all(closed);
    },
  };
}
