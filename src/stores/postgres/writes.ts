import { HASH_BYTES, TILE_WIDTH } from "../../core/ledger/index.ts";
import { each, list, toName } from "./columns.ts";
import type { Statement } from "./link.ts";
import type { Plan, PlannedEntry } from "./plan.ts";
import { tablePart, type Column, type Tabling } from "./table.ts";
import { DONE, together } from "./together.ts";
import type { Part } from "./together.ts";

/** Bytes that one statement carries; a larger entry goes alone. PostgreSQL's own limit is 1 GiB. */
const STATEMENT_BYTES_MAX = 32 * 1024 * 1024;
/** A full tile. */
const TILE_BYTES = HASH_BYTES * TILE_WIDTH;

/** What makes a plan so: statements before and after the one that all parts make together, over the bytes that they share. */
export type Writes = {
  readonly first: readonly Statement[];
  readonly parts: readonly Part[];
  readonly bytes: Uint8Array | null;
  readonly rest: readonly Statement[];
};

/** The ledger that is written to, and how rows are brought along. */
type To = { readonly ledger: string; readonly table: Tabling };

/** All writes of a plan but those to the head and the outbox, in an order in which no one undoes another. */
export function writesOf(ledger: string, plan: Plan, table: Tabling): Writes {
  const to: To = { ledger, table };
  const [entries, ...more] = chunks(plan.entries).map((chunk) => insertEntries(to, chunk, plan));
  return {
    first: erase(ledger, plan),
    parts: [
      ...(entries?.parts ?? []),
      ...addTiles(to, plan),
      ...insertAnswers(to, plan),
      ...changeSlots(to, plan),
      ...putRequests(to, plan),
      ...changeTimers(to, plan),
      ...changeDocuments(to, plan),
    ],
    bytes: entries?.bytes ?? null,
    rest: more.map(({ parts, bytes }) => together(parts, DONE, bytes)),
  };
}

function erase(ledger: string, { erase: gone }: Plan): Statement[] {
  if (gone.size === 0) return [];
  const indexes = [...gone];
  const values = [list(each(ledger, indexes)), list(indexes)];
  const these = "unnest($1::text[], $2::bigint[]) as g (ledger, idx)";
  return [
    { text: `delete from keyturn.payloads p using ${these} where p.ledger = g.ledger and p.idx = g.idx`, values },
    {
      text: `update keyturn.answers a set fingerprint = '' from ${these} where a.ledger = g.ledger and a.idx = g.idx`,
      values,
    },
  ];
}

function chunks(entries: readonly PlannedEntry[]): readonly PlannedEntry[][] {
  const cut: PlannedEntry[][] = [];
  let bytes = STATEMENT_BYTES_MAX;
  for (const entry of entries) {
    const more = entry.header.byteLength + entry.payload.byteLength + entry.salt.byteLength;
    if (bytes + more > STATEMENT_BYTES_MAX) {
      cut.push([]);
      bytes = 0;
    }
    bytes += more;
    cut.at(-1)?.push(entry);
  }
  return cut;
}

// Bytes go as one parameter, in binary, and are cut there: an array of them would be sent as hexadecimal text.
function insertEntries(
  { ledger, table }: To,
  entries: readonly PlannedEntry[],
  { payloads }: Plan,
): { parts: Part[]; bytes: Uint8Array } {
  const pieces: Uint8Array[] = [];
  let end = 1; // SQL counts from one
  const place = (piece: Uint8Array): number => {
    pieces.push(piece);
    return (end += piece.byteLength) - piece.byteLength;
  };
  const placed = entries.map((entry) => {
    const header = place(entry.header);
    const kept = payloads.get(entry.index);
    return {
      ...entry,
      at: header,
      kept: kept === undefined ? null : { ...kept, at: place(kept.payload), saltAt: place(kept.salt) },
    };
  });
  const headers = tablePart(
    "insert_entries",
    [ledger],
    table([
      { type: "bigint", values: placed.map(({ index }) => index) },
      { type: "text", values: placed.map(({ stream }) => toName(stream)) },
      { type: "bigint", values: placed.map(({ version }) => version) },
      { type: "text", values: placed.map(({ type }) => toName(type)) },
      { type: "integer", values: placed.map(({ at }) => at) },
      { type: "integer", values: placed.map(({ header }) => header.byteLength) },
    ]),
    (rows) => `insert into keyturn.entries (ledger, idx, stream, version, type, header)
      select $1, e.idx, e.stream, e.version, e.type, substring($0::bytea from e.start for e.length)
      from ${rows} as e (idx, stream, version, type, start, length)`,
  );
  const kept = placed.flatMap(({ index, kept: one }) => (one === null ? [] : [{ index, ...one }]));
  const bytes = joined(pieces);
  if (kept.length === 0) return { parts: [headers], bytes };
  const insert = tablePart(
    "insert_payloads",
    [ledger],
    table([
      { type: "bigint", values: kept.map(({ index }) => index) },
      { type: "integer", values: kept.map(({ saltAt }) => saltAt) },
      { type: "integer", values: kept.map(({ salt }) => salt.byteLength) },
      { type: "integer", values: kept.map(({ at }) => at) },
      { type: "integer", values: kept.map(({ payload }) => payload.byteLength) },
    ]),
    (rows) => `insert into keyturn.payloads (ledger, idx, salt, payload)
      select $1, p.idx, substring($0::bytea from p.salt_start for p.salt_length),
        substring($0::bytea from p.start for p.length)
      from ${rows} as p (idx, salt_start, salt_length, start, length)`,
  );
  return { parts: [headers, insert], bytes };
}

/** Pieces as one: as they came, where they lie one behind the other; each copy is garbage outside of the heap. */
function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [first] = pieces;
  let end = first?.byteOffset ?? 0;
  const isWhole = pieces.every((piece) => {
    const follows = piece.buffer === first?.buffer && piece.byteOffset === end;
    end += piece.byteLength;
    return follows;
  });
  if (first === undefined || !isWhole) return Buffer.concat(pieces);
  return Buffer.from(first.buffer, first.byteOffset, end - first.byteOffset);
}

// All hashes of a full tile are as long, so that one place is enough to cut them. Seldom enough to be one statement for all.
function addTiles({ ledger }: To, { tiles }: Plan): Part[] {
  if (tiles.length === 0) return [];
  return [
    {
      name: "add_tiles",
      text: () => `insert into keyturn.tiles (ledger, level, idx, root, hashes)
        select $1, t.level, t.idx, substring($4::bytea from t.place::integer * ${HASH_BYTES} - ${HASH_BYTES - 1} for ${HASH_BYTES}),
          substring($5::bytea from t.place::integer * ${TILE_BYTES} - ${TILE_BYTES - 1} for ${TILE_BYTES})
        from unnest($2::integer[], $3::bigint[]) with ordinality as t (level, idx, place)`,
      values: [
        ledger,
        list(tiles.map(({ level }) => level)),
        list(tiles.map(({ index }) => index)),
        Buffer.concat(tiles.map(({ root }) => root)),
        Buffer.concat(tiles.map(({ hashes }) => hashes)),
      ],
    },
  ];
}

function insertAnswers({ ledger, table }: To, { answers }: Plan): Part[] {
  if (answers.size === 0) return [];
  const rows = [...answers];
  const columns: readonly Column[] = [
    { type: "text", values: rows.map(([key]) => toName(key)) },
    { type: "text", values: rows.map(([, { fingerprint }]) => toName(fingerprint)) },
    { type: "text", values: rows.map(([, { answer }]) => answer) },
    { type: "bigint", values: rows.map(([, { index }]) => index) },
  ];
  const text = (from: string): string => `insert into keyturn.answers (ledger, key, fingerprint, answer, idx)
    select $1, * from ${from} as a`;
  return [tablePart("insert_answers", [ledger], table(columns), text)];
}

function changeSlots({ ledger, table }: To, { slots }: Plan): Part[] {
  const taken = [...slots].flatMap(([key, held]) => (held === null ? [] : [{ key, ...held }]));
  const freed = [...slots].flatMap(([key, held]) => (held === null ? [key] : []));
  const parts: Part[] = [];
  if (freed.length > 0) {
    const columns: readonly Column[] = [
      { type: "text", values: each(ledger, freed) },
      { type: "text", values: freed.map(toName) },
    ];
    const text = (from: string): string => `delete from keyturn.slots s using ${from} as f (ledger, key)
      where s.ledger = f.ledger and s.key = f.key`;
    parts.push(tablePart("free_slots", [], table(columns), text));
  }
  if (taken.length > 0) {
    const columns: readonly Column[] = [
      { type: "text", values: taken.map(({ key }) => toName(key)) },
      { type: "text", values: taken.map(({ holder }) => toName(holder)) },
      { type: "text", values: taken.map(({ owner }) => toName(owner)) },
    ];
    const text = (from: string): string => `insert into keyturn.slots (ledger, key, holder, owner)
      select $1, * from ${from} as t
      on conflict (ledger, key) do update set holder = excluded.holder, owner = excluded.owner`;
    parts.push(tablePart("take_slots", [ledger], table(columns), text));
  }
  return parts;
}

function putRequests({ ledger, table }: To, { requests }: Plan): Part[] {
  if (requests.size === 0) return [];
  const rows = [...requests.values()];
  const columns: readonly Column[] = [
    { type: "text", values: rows.map(({ id }) => toName(id)) },
    { type: "text", values: rows.map(({ status }) => status) },
    { type: "text", values: rows.map(({ agent }) => toName(agent)) },
    { type: "text", values: rows.map(({ digest }) => toName(digest)) },
    { type: "bigint", values: rows.map(({ openedAt }) => openedAt) },
    { type: "bigint", values: rows.map(({ expiresAt }) => expiresAt) },
    { type: "bigint", values: rows.map(({ closedAt }) => closedAt) },
    { type: "text", values: rows.map(({ view }) => view) },
  ];
  const text = (from: string): string => `insert into keyturn.requests
      (ledger, id, status, agent, digest, opened_at, expires_at, closed_at, view)
    select $1, * from ${from} as r
    on conflict (ledger, id) do update set status = excluded.status, agent = excluded.agent,
      digest = excluded.digest, opened_at = excluded.opened_at, expires_at = excluded.expires_at,
      closed_at = excluded.closed_at, view = excluded.view`;
  return [tablePart("put_requests", [ledger], table(columns), text)];
}

function changeTimers({ ledger, table }: To, { timers }: Plan): Part[] {
  const set = [...timers.values()].flatMap((timer) => (timer === null ? [] : [timer]));
  const cleared = [...timers].flatMap(([id, timer]) => (timer === null ? [id] : []));
  const parts: Part[] = [];
  if (cleared.length > 0) {
    const columns: readonly Column[] = [
      { type: "text", values: each(ledger, cleared) },
      { type: "text", values: cleared.map(toName) },
    ];
    const text = (from: string): string => `delete from keyturn.timers t using ${from} as c (ledger, id)
      where t.ledger = c.ledger and t.id = c.id`;
    parts.push(tablePart("clear_timers", [], table(columns), text));
  }
  if (set.length > 0) {
    const columns: readonly Column[] = [
      { type: "text", values: set.map(({ id }) => toName(id)) },
      { type: "bigint", values: set.map(({ dueAt }) => dueAt) },
      { type: "text", values: set.map(({ kind }) => toName(kind)) },
      { type: "text", values: set.map(({ stream }) => toName(stream)) },
    ];
    const text = (from: string): string => `insert into keyturn.timers (ledger, id, due_at, kind, stream)
      select $1, * from ${from} as t
      on conflict (ledger, id) do update set due_at = excluded.due_at, kind = excluded.kind, stream = excluded.stream`;
    parts.push(tablePart("set_timers", [ledger], table(columns), text));
  }
  return parts;
}

function changeDocuments({ ledger, table }: To, { documents }: Plan): Part[] {
  const put = [...documents.values()].filter(({ body }) => body !== null);
  const dropped = [...documents.values()].filter(({ body }) => body === null);
  const parts: Part[] = [];
  if (dropped.length > 0) {
    const columns: readonly Column[] = [
      { type: "text", values: each(ledger, dropped) },
      { type: "text", values: dropped.map(({ kind }) => toName(kind)) },
      { type: "text", values: dropped.map(({ id }) => toName(id)) },
    ];
    const text = (from: string): string => `delete from keyturn.documents o using ${from} as d (ledger, kind, id)
      where o.ledger = d.ledger and o.kind = d.kind and o.id = d.id`;
    parts.push(tablePart("drop_documents", [], table(columns), text));
  }
  if (put.length > 0) {
    const columns: readonly Column[] = [
      { type: "text", values: put.map(({ kind }) => toName(kind)) },
      { type: "text", values: put.map(({ id }) => toName(id)) },
      { type: "text", values: put.map(({ body }) => body) },
    ];
    const text = (from: string): string => `insert into keyturn.documents (ledger, kind, id, body)
      select $1, * from ${from} as d
      on conflict (ledger, kind, id) do update set body = excluded.body`;
    parts.push(tablePart("put_documents", [ledger], table(columns), text));
  }
  return parts;
}
