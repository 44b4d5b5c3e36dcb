import { HASH_BYTES, TILE_WIDTH } from "../../core/ledger/index.ts";
import { each, list, toName } from "./columns.ts";
import type { Statement } from "./link.ts";
import type { Plan, PlannedEntry } from "./plan.ts";
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

/** All writes of a plan but those to the head and the outbox, in an order in which no one undoes another. */
export function writesOf(ledger: string, plan: Plan): Writes {
  const [entries, ...more] = chunks(plan.entries).map((chunk) => insertEntries(ledger, chunk, plan));
  return {
    first: erase(ledger, plan),
    parts: [
      ...(entries?.parts ?? []),
      ...addTiles(ledger, plan),
      ...insertAnswers(ledger, plan),
      ...changeSlots(ledger, plan),
      ...putRequests(ledger, plan),
      ...changeTimers(ledger, plan),
      ...changeDocuments(ledger, plan),
    ],
    bytes: entries?.bytes ?? null,
    rest: more.map(({ parts, bytes }) => together(parts, DONE, bytes)),
  };
}

function erase(ledger: string, { erase: gone }: Plan): Statement[] {
  if (gone.size === 0) return [];
  const indexes = [...gone];
  const values = [each(ledger, indexes), list(indexes)];
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
  ledger: string,
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
  const headers = {
    name: "insert_entries",
    text: `insert into keyturn.entries (ledger, idx, stream, version, type, header)
      select $1, e.idx, e.stream, e.version, e.type, substring($0::bytea from e.start for e.length)
      from unnest($2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::integer[], $7::integer[])
        as e (idx, stream, version, type, start, length)`,
    values: [
      ledger,
      list(placed.map(({ index }) => index)),
      list(placed.map(({ stream }) => toName(stream))),
      list(placed.map(({ version }) => version)),
      list(placed.map(({ type }) => toName(type))),
      list(placed.map(({ at }) => at)),
      list(placed.map(({ header }) => header.byteLength)),
    ],
  };
  const kept = placed.flatMap(({ index, kept: one }) => (one === null ? [] : [{ index, ...one }]));
  const bytes = joined(pieces);
  if (kept.length === 0) return { parts: [headers], bytes };
  const insert = {
    name: "insert_payloads",
    text: `insert into keyturn.payloads (ledger, idx, salt, payload)
      select $1, p.idx, substring($0::bytea from p.salt_start for p.salt_length),
        substring($0::bytea from p.start for p.length)
      from unnest($2::bigint[], $3::integer[], $4::integer[], $5::integer[], $6::integer[])
        as p (idx, salt_start, salt_length, start, length)`,
    values: [
      ledger,
      list(kept.map(({ index }) => index)),
      list(kept.map(({ saltAt }) => saltAt)),
      list(kept.map(({ salt }) => salt.byteLength)),
      list(kept.map(({ at }) => at)),
      list(kept.map(({ payload }) => payload.byteLength)),
    ],
  };
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

// All hashes of a full tile are as long, so that one place is enough to cut them.
function addTiles(ledger: string, { tiles }: Plan): Part[] {
  if (tiles.length === 0) return [];
  return [
    {
      name: "add_tiles",
      text: `insert into keyturn.tiles (ledger, level, idx, root, hashes)
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

function insertAnswers(ledger: string, { answers }: Plan): Part[] {
  if (answers.size === 0) return [];
  const rows = [...answers];
  return [
    {
      name: "insert_answers",
      text: `insert into keyturn.answers (ledger, key, fingerprint, answer, idx)
        select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::bigint[])`,
      values: [
        ledger,
        list(rows.map(([key]) => toName(key))),
        list(rows.map(([, { fingerprint }]) => toName(fingerprint))),
        list(rows.map(([, { answer }]) => answer)),
        list(rows.map(([, { index }]) => index)),
      ],
    },
  ];
}

function changeSlots(ledger: string, { slots }: Plan): Part[] {
  const taken = [...slots].flatMap(([key, held]) => (held === null ? [] : [{ key, ...held }]));
  const freed = [...slots].flatMap(([key, held]) => (held === null ? [key] : []));
  const parts: Part[] = [];
  if (freed.length > 0) {
    const text = `delete from keyturn.slots s using unnest($1::text[], $2::text[]) as f (ledger, key)
      where s.ledger = f.ledger and s.key = f.key`;
    parts.push({ name: "free_slots", text, values: [each(ledger, freed), list(freed.map(toName))] });
  }
  if (taken.length > 0) {
    parts.push({
      name: "take_slots",
      text: `insert into keyturn.slots (ledger, key, holder, owner)
        select $1, * from unnest($2::text[], $3::text[], $4::text[])
        on conflict (ledger, key) do update set holder = excluded.holder, owner = excluded.owner`,
      values: [
        ledger,
        list(taken.map(({ key }) => toName(key))),
        list(taken.map(({ holder }) => toName(holder))),
        list(taken.map(({ owner }) => toName(owner))),
      ],
    });
  }
  return parts;
}

function putRequests(ledger: string, { requests }: Plan): Part[] {
  if (requests.size === 0) return [];
  const rows = [...requests.values()];
  return [
    {
      name: "put_requests",
      text: `insert into keyturn.requests (ledger, id, status, agent, digest, opened_at, expires_at, closed_at, view)
        select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
          $8::bigint[], $9::text[])
        on conflict (ledger, id) do update set status = excluded.status, agent = excluded.agent,
          digest = excluded.digest, opened_at = excluded.opened_at, expires_at = excluded.expires_at,
          closed_at = excluded.closed_at, view = excluded.view`,
      values: [
        ledger,
        list(rows.map(({ id }) => toName(id))),
        list(rows.map(({ status }) => status)),
        list(rows.map(({ agent }) => toName(agent))),
        list(rows.map(({ digest }) => toName(digest))),
        list(rows.map(({ openedAt }) => openedAt)),
        list(rows.map(({ expiresAt }) => expiresAt)),
        list(rows.map(({ closedAt }) => closedAt)),
        list(rows.map(({ view }) => view)),
      ],
    },
  ];
}

function changeTimers(ledger: string, { timers }: Plan): Part[] {
  const set = [...timers.values()].flatMap((timer) => (timer === null ? [] : [timer]));
  const cleared = [...timers].flatMap(([id, timer]) => (timer === null ? [id] : []));
  const parts: Part[] = [];
  if (cleared.length > 0) {
    const text = `delete from keyturn.timers t using unnest($1::text[], $2::text[]) as c (ledger, id)
      where t.ledger = c.ledger and t.id = c.id`;
    parts.push({ name: "clear_timers", text, values: [each(ledger, cleared), list(cleared.map(toName))] });
  }
  if (set.length > 0) {
    parts.push({
      name: "set_timers",
      text: `insert into keyturn.timers (ledger, id, due_at, kind, stream)
        select $1, * from unnest($2::text[], $3::bigint[], $4::text[], $5::text[])
        on conflict (ledger, id) do update set due_at = excluded.due_at, kind = excluded.kind, stream = excluded.stream`,
      values: [
        ledger,
        list(set.map(({ id }) => toName(id))),
        list(set.map(({ dueAt }) => dueAt)),
        list(set.map(({ kind }) => toName(kind))),
        list(set.map(({ stream }) => toName(stream))),
      ],
    });
  }
  return parts;
}

function changeDocuments(ledger: string, { documents }: Plan): Part[] {
  const put = [...documents.values()].filter(({ body }) => body !== null);
  const dropped = [...documents.values()].filter(({ body }) => body === null);
  const parts: Part[] = [];
  if (dropped.length > 0) {
    parts.push({
      name: "drop_documents",
      text: `delete from keyturn.documents o using unnest($1::text[], $2::text[], $3::text[]) as d (ledger, kind, id)
        where o.ledger = d.ledger and o.kind = d.kind and o.id = d.id`,
      values: [
        each(ledger, dropped),
        list(dropped.map(({ kind }) => toName(kind))),
        list(dropped.map(({ id }) => toName(id))),
      ],
    });
  }
  if (put.length > 0) {
    parts.push({
      name: "put_documents",
      text: `insert into keyturn.documents (ledger, kind, id, body)
        select $1, * from unnest($2::text[], $3::text[], $4::text[])
        on conflict (ledger, kind, id) do update set body = excluded.body`,
      values: [
        ledger,
        list(put.map(({ kind }) => toName(kind))),
        list(put.map(({ id }) => toName(id))),
        list(put.map(({ body }) => body)),
      ],
    });
  }
  return parts;
}
