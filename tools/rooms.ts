import { dirname, join } from "node:path";
import { listIn, tableOf } from "./markdown.ts";
import { importsOf } from "./source.ts";
import type { Scanned } from "./source.ts";

/** One row of ARCHITECTURE.md's table. A room `gates/*` makes every folder of gates an island of its own. */
export type Room = {
  readonly name: string;
  readonly mayImport: readonly string[];
  readonly packages: readonly string[];
  /** The files that other rooms may enter by, relative to the room; `any` is every file. */
  readonly doors: readonly string[];
  readonly line: number;
};

/** A source file of a room: its path from the repository's root, with slashes. */
export type RoomFile = { readonly path: string; readonly source: Scanned };

const ROOM_COLUMNS: readonly string[] = ["room", "may import", "packages", "entered by"];

/** The folders that rooms live in, longest first. `src` holds one room per folder; the others are one room each. */
const BASES = [
  { base: "console/src/", room: "console" },
  { base: "examples/", room: "examples" },
] as const;

/** The rooms as ARCHITECTURE.md lists them. */
export function roomsIn(architecture: string): readonly Room[] {
  return tableOf(architecture, ROOM_COLUMNS).map(
    ({ line, cells: [name = "", imports = "", packages = "", doors = ""] }) => ({
      name,
      mayImport: listIn(imports),
      packages: listIn(packages),
      doors: listIn(doors),
      line,
    }),
  );
}

/** What is wrong with the table itself: doubles, unknown names, edges both ways, rooms that nobody lives in. */
export function tableProblems(rooms: readonly Room[], files: readonly RoomFile[]): string[] {
  const found: string[] = [];
  const known = new Set(rooms.map((room) => room.name));
  const lived = new Set(files.map((file) => roomOf(file.path, rooms)?.row.name));
  for (const [at, room] of rooms.entries()) {
    const where = `ARCHITECTURE.md:${room.line}`;
    if (rooms.findIndex((other) => other.name === room.name) !== at)
      found.push(`${where}: \`${room.name}\` stands twice`);
    if (!lived.has(room.name)) found.push(`${where}: nobody lives in \`${room.name}\`; drop the row`);
    for (const name of room.mayImport) {
      const isRoom = known.has(name) || rooms.some((other) => other.name.startsWith(`${name}/`));
      if (!isRoom) found.push(`${where}: \`${name}\` is no room of the table`);
      const back = rooms.find((other) => other.name === name)?.mayImport ?? [];
      if (back.includes(room.name)) found.push(`${where}: \`${room.name}\` and \`${name}\` may import each other`);
    }
  }
  return found;
}

/** Every edge out of a file that the table does not have. */
export function edgeProblems(file: RoomFile, rooms: readonly Room[]): string[] {
  const home = roomOf(file.path, rooms);
  if (home === null) return [`${file.path}: no row of ARCHITECTURE.md covers this folder; a new room is an ADR`];
  const found: string[] = [];
  for (const { specifier, line } of importsOf(file.source)) {
    const problem = specifier === null ? "an import must name its file" : edgeProblem(file, home, specifier, rooms);
    if (problem !== null) found.push(`${file.path}:${line}: ${problem}`);
  }
  return found;
}

type Home = { readonly row: Room; readonly island: string; readonly folder: string };

function edgeProblem(file: RoomFile, home: Home, specifier: string, rooms: readonly Room[]): string | null {
  if (!specifier.startsWith(".")) {
    return home.row.packages.some((allowed) => matches(specifier, allowed))
      ? null
      : `\`${home.island}\` may not import the package \`${specifier}\``;
  }
  const target = join(dirname(file.path), specifier).replaceAll("\\", "/");
  if (target.startsWith(home.folder)) return null;
  const other = roomOf(target, rooms);
  if (other === null) return `\`${home.island}\` may not reach \`${target}\`, which is no room`;
  if (other.island === home.island) return null;
  if (!home.row.mayImport.some((name) => other.island === name || other.island.startsWith(`${name}/`))) {
    return `\`${home.island}\` may not import \`${other.island}\``;
  }
  const inside = target.slice(other.folder.length);
  if (other.row.doors.includes("any") || other.row.doors.some((door) => matches(inside, door))) return null;
  return `enter \`${other.island}\` by ${other.row.doors.join(", ")}, not by \`${inside}\``;
}

/** The row that covers a path, and the island: the room itself, or its one folder where the row says `name/*`. */
function roomOf(path: string, rooms: readonly Room[]): Home | null {
  for (const { base, room } of BASES) {
    const row = rooms.find((candidate) => candidate.name === room);
    if (path.startsWith(base)) return row === undefined ? null : { row, island: room, folder: base };
  }
  const [src, top = "", sub = "", ...rest] = path.split("/");
  if (src !== "src" || sub === "") return null;
  const nested = rest.length > 0 ? `${top}/${sub}` : "";
  const exact = rooms.find((row) => row.name === nested);
  const every = nested === "" ? undefined : rooms.find((row) => row.name === `${top}/*`);
  const whole = rooms.find((row) => row.name === top);
  const row = exact ?? every ?? whole;
  if (row === undefined) return null;
  const island = row === whole ? top : nested;
  return { row, island, folder: `src/${island}/` };
}

/** `*` stands for one part of a path, or for the rest of a package's name. */
function matches(name: string, pattern: string): boolean {
  if (pattern.startsWith("*/"))
    return name.endsWith(pattern.slice(1)) && name.split("/").length === pattern.split("/").length;
  if (pattern.endsWith("*")) return name.startsWith(pattern.slice(0, -1));
  return name === pattern;
}
