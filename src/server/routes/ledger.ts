import { encodeBundle, encodeTile, hasTile, parseTilePath, tileSubtrees, TILE_WIDTH } from "../../core/ledger/index.ts";
import type { Tile } from "../../core/ledger/index.ts";
import type { Store, StoredEntry } from "../../ports/store.ts";
import type { Access } from "../auth.ts";
import type { House } from "../house.ts";
import { HttpProblem } from "../problem.ts";
import { wholeNumber, type Routes } from "../route.ts";

const PAGE_MAX = 5000;
const TEXT = "text/plain; charset=utf-8";

/** The ledger as an operator or auditor reads it. Checkpoint and key are C2SP signed-note and vkey. */
export function ledgerRoutes(routes: Routes, house: House): void {
  publishedRoutes(routes, house);
  routes.add({
    method: "GET",
    url: "/v1/ledger/checkpoint",
    access: "auditor",
    summary: "The signed checkpoint of the ledger as it stands (C2SP tlog-checkpoint)",
    handler: async ({ reply }) => {
      void reply.type(TEXT);
      return (await house.notary.head()).note;
    },
  });
  routes.add({
    method: "GET",
    url: "/v1/ledger/vkey",
    access: "auditor",
    summary: "The key that verifies checkpoints (C2SP signed-note vkey)",
    handler: async ({ reply }) => {
      void reply.type(TEXT);
      return `${house.notary.vkey}\n`;
    },
  });
  routes.add({
    method: "GET",
    url: "/v1/ledger/entries",
    access: "auditor",
    summary: "Entries as JSON lines: ?from=0&limit=1000",
    handler: async ({ query, reply }) => {
      const from = wholeNumber(query["from"], "from", { min: 0, max: Number.MAX_SAFE_INTEGER, fallback: 0 });
      const limit = wholeNumber(query["limit"], "limit", { min: 1, max: PAGE_MAX, fallback: 1000 });
      void reply.type("application/jsonl; charset=utf-8");
      return (await house.ctx.store.range(from, limit)).map(line).join("");
    },
  });
}

/** What C2SP tlog-tiles serves, and a receipt for each entry: headers and hashes, never a payload. */
function publishedRoutes(routes: Routes, house: House): void {
  const access: Extract<Access, "anyone" | "auditor"> = house.ledgerPublic ? "anyone" : "auditor";
  routes.add({
    method: "GET",
    url: "/ledger/vkey",
    access: "anyone",
    summary: "The key that verifies checkpoints and receipts (C2SP signed-note vkey)",
    handler: async ({ reply }) => {
      void reply.type(TEXT);
      return `${house.notary.vkey}\n`;
    },
  });
  routes.add({
    method: "GET",
    url: "/ledger/checkpoint",
    access,
    summary: "The published checkpoint, cosigned by witnesses where there are any (C2SP tlog-checkpoint)",
    handler: async ({ reply }) => {
      const published = await house.publisher.published();
      if (published === null) throw unwitnessed();
      void reply.type(TEXT).header("cache-control", cache(access, "max-age=1"));
      return published.note;
    },
  });
  routes.add({
    method: "GET",
    url: "/ledger/tile/*",
    access,
    summary: "Tiles `<L>/<N>[.p/<W>]` of hashes and bundles `entries/<N>[.p/<W>]` of headers (C2SP tlog-tiles)",
    handler: async ({ params, reply }) => {
      const tile = parseTilePath(`tile/${params["*"] ?? ""}`);
      if (tile === null || !hasTile((await house.ctx.store.head()).size, tile)) throw noTile();
      const full = tile.width === TILE_WIDTH;
      void reply
        .type("application/octet-stream")
        .header("cache-control", cache(access, full ? "max-age=31536000, immutable" : "max-age=60"));
      return Buffer.from(await bytesOf(house.ctx.store, tile));
    },
  });
  routes.add({
    method: "GET",
    url: "/ledger/receipt/:index",
    access,
    summary: "A receipt for one entry, its header in it (C2SP tlog-proof)",
    handler: async ({ params, reply }) => {
      const max = Number.MAX_SAFE_INTEGER;
      const index = wholeNumber(params["index"], "index", { min: 0, max, fallback: 0 });
      const published = await house.publisher.published();
      // One that witnesses have cosigned proves more; an entry that is newer than it is proven by our signature alone.
      const under = published !== null && index < published.size ? published : await house.notary.head();
      if (index >= under.size)
        throw new HttpProblem({ status: 404, code: "entry_unknown", message: "no such entry yet" });
      void reply.type(TEXT);
      return house.notary.receiptUnder(under, index);
    },
  });
}

function bytesOf(store: Store, tile: Tile): Promise<Uint8Array> {
  if (tile.level !== "entries") return store.subtrees(tileSubtrees(tile)).then(encodeTile);
  return store.headers(tile.index * TILE_WIDTH, tile.width).then(encodeBundle);
}

/** What needs a credential belongs into no shared cache. */
function cache(access: Access, directive: string): string {
  return `${access === "anyone" ? "public" : "private"}, ${directive}`;
}

function noTile(): HttpProblem {
  return new HttpProblem({ status: 404, code: "tile_unknown", message: "the ledger has no such tile, or not yet" });
}

function unwitnessed(): HttpProblem {
  const message = "no checkpoint has been cosigned by enough witnesses yet; `keyturn doctor` says what they answer";
  return new HttpProblem({ status: 503, code: "checkpoint_unwitnessed", message, retryAfterMs: 1000 });
}

function line({ index, stream, version, type, header, payload, salt }: StoredEntry): string {
  const text = (bytes: Uint8Array | null): string | null =>
    bytes === null ? null : Buffer.from(bytes).toString("base64");
  return `${JSON.stringify({ index, stream, version, type, header: text(header), payload: text(payload), salt: text(salt) })}\n`;
}
