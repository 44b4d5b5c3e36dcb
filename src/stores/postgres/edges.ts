import { Frontier, TILE_WIDTH } from "../../core/ledger/index.ts";
import type { Head, Subtree } from "../../ports/store.ts";
import { blob, Damaged, integer } from "./columns.ts";
import type { Row } from "./columns.ts";
import type { Statement } from "./link.ts";
import { joinPerfect, placeOf, splitHashes, Tree } from "./tree.ts";
import type { TilePlace } from "./tree.ts";

/** Something that runs statements one behind the other and answers the rows of each. */
export type Run = { run(statements: readonly Statement[]): Promise<readonly { readonly rows: readonly Row[] }[]> };

const LEAVES = `select sha256('\\x00'::bytea || header) as hash from keyturn.entries
  where ledger = $1 and idx >= $2 and idx < $3 order by idx`;
const ROOTS =
  "select root as hash from keyturn.tiles where ledger = $1 and level = $2 and idx >= $3 and idx < $4 order by idx";

/** The tree of a head that nobody moves meanwhile, proved against its frontier; throws `Damaged` where they differ. */
export async function loadTree(link: Run, ledger: string, { frontier }: { frontier: Frontier }): Promise<Tree> {
  const places: TilePlace[] = [];
  for (let level = 0, nodes = frontier.size; nodes > 0; level += 1, nodes = Math.floor(nodes / TILE_WIDTH)) {
    const index = Math.floor(nodes / TILE_WIDTH);
    places.push({ level, index, offset: 0, span: 0, width: nodes % TILE_WIDTH });
  }
  const results = await link.run(places.map((place) => nodesOf(ledger, place)));
  return Tree.under(
    frontier,
    places.map((place, at) => hashesOf(place, results[at]?.rows ?? [])),
  );
}

/** Size and root as they stand. */
export async function readHead(link: Run, ledger: string): Promise<Head> {
  const frontier = await readFrontier(link, ledger);
  return { size: frontier.size, root: Uint8Array.from(frontier.root()) };
}

/** Hashes of perfect subtrees, each from one tile; RangeError beyond the present size. */
export async function readSubtrees(
  link: Run,
  ledger: string,
  wanted: readonly Subtree[],
): Promise<readonly Uint8Array[]> {
  const { size } = await readFrontier(link, ledger);
  const places = wanted.map((subtree) => placeOf(subtree, size));
  const distinct = new Map(places.map((place) => [`${place.level}/${place.index}`, place]));
  // What a full tile has below it never changes, and the nodes of a partial one are there whatever is appended now.
  const results = await link.run([...distinct.values()].map((place) => tileOf(ledger, place)));
  const tiles = new Map(
    [...distinct].map(([key, place], at) => [key, tileHashes(place, results[at]?.rows ?? [])] as const),
  );
  return places.map(({ level, index, offset, span }) =>
    joinPerfect((tiles.get(`${level}/${index}`) ?? []).slice(offset, offset + span)),
  );
}

async function readFrontier(link: Run, ledger: string): Promise<Frontier> {
  const text = "select size, frontier from keyturn.head where ledger = $1";
  const [result] = await link.run([{ name: "read_head", text, values: [ledger] }]);
  const row = result?.rows[0];
  if (row === undefined) throw new Damaged("no head of this ledger");
  const frontier = Frontier.fromBytes(blob(row["frontier"]));
  if (frontier.size !== integer(row["size"])) throw new Damaged("a head whose size is not that of its tree");
  return frontier;
}

function tileOf(ledger: string, place: TilePlace): Statement {
  if (place.width < TILE_WIDTH) return nodesOf(ledger, place);
  return {
    name: "read_tile",
    text: "select hashes from keyturn.tiles where ledger = $1 and level = $2 and idx = $3",
    values: [ledger, place.level, place.index],
  };
}

function tileHashes(place: TilePlace, rows: readonly Row[]): readonly Uint8Array[] {
  if (place.width < TILE_WIDTH) return hashesOf(place, rows);
  const [row] = rows;
  if (row === undefined) throw new Damaged(`no tile ${place.index} of level ${place.level}`);
  return splitHashes(blob(row["hashes"]));
}

function nodesOf(ledger: string, { level, index, width }: TilePlace): Statement {
  const first = index * TILE_WIDTH;
  if (level === 0) return { name: "read_leaves", text: LEAVES, values: [ledger, first, first + width] };
  return { name: "read_roots", text: ROOTS, values: [ledger, level - 1, first, first + width] };
}

function hashesOf({ level, width }: TilePlace, rows: readonly Row[]): readonly Uint8Array[] {
  if (rows.length !== width) throw new Damaged(`${rows.length} hashes in the edge of level ${level}`);
  return rows.map((row) => blob(row["hash"]));
}
