import type { StreamName } from "../../core/brand.ts";
import { slotKey } from "../../ports/append.ts";
import type { SlotChange } from "../../ports/store.ts";
import { each, list, toName } from "./columns.ts";
import type { Statement } from "./link.ts";
import type { OutboxStep, Plan } from "./plan.ts";
import type { Call } from "./protocol.ts";
import { DONE } from "./together.ts";
import type { Part } from "./together.ts";

/** Leaves that others appended which a writer catches up with one by one; beyond it reads its edge anew. */
export const CATCH_UP_MAX = 1024;

/** The channel on which a commit is told. */
export const CHANNEL = "keyturn";

export const BEGIN: Statement = { text: "begin isolation level read committed" };
export const COMMIT: Statement = { text: "commit" };
export const ROLLBACK: Statement = { text: "rollback" };

const HEAD = "select size, frontier, commits, messages from keyturn.head where ledger = $1";

/** The head as it stands. */
export function seeHead(ledger: string): Statement {
  return { name: "see_head", text: HEAD, values: [ledger] };
}

/** Locks the one row that who appends must hold. A statement of its own: the next ones see what was committed before it. */
export function lockHead(ledger: string): Statement {
  return { name: "lock_head", text: `${HEAD} for update`, values: [ledger] };
}

const SEE_CLOCK: Statement = {
  name: "see_clock",
  text: "select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as clock",
};

/** What each kind of look at the ledger needs; null where a batch names nothing of it. */
export type Probe = {
  readonly answers: Statement | null;
  readonly versions: Statement | null;
  readonly slots: Statement | null;
  readonly owned: Statement | null;
  /** The database's clock: instances may differ in theirs, and this one is the same for all. */
  readonly clock: Statement | null;
};

/**
 * Looks up all that the calls name, to be sent right behind the lock. Each name by itself (`offset 0` keeps it so): a plan that
 * was made while a table was small would read the whole of it.
 */
export function probeOf(ledger: string, calls: readonly Call[]): Probe {
  const appends = calls.flatMap((call) => (call.kind === "append" ? [call] : []));
  const keys = new Set(appends.flatMap(({ idempotency }) => (idempotency === null ? [] : [idempotency.key])));
  const streams = new Set<StreamName>(appends.flatMap(({ entries }) => entries.map(({ stream }) => stream)));
  const changes: readonly SlotChange[] = appends.flatMap(({ slots }) => slots);
  const slots = new Set(changes.map(slotKey));
  const owners = new Set(changes.flatMap((change) => ("owner" in change ? [change.owner] : [])));
  const look = (name: string, text: string, names: ReadonlySet<string>): Statement | null =>
    names.size === 0 ? null : { name, text, values: [ledger, list([...names].map(toName))] };
  return {
    answers: look(
      "see_answers",
      `select a.key, a.fingerprint, a.answer, a.idx from unnest($2::text[]) as k (key) cross join lateral
        (select * from keyturn.answers where ledger = $1 and key = k.key offset 0) a`,
      keys,
    ),
    versions: look(
      "see_versions",
      `select stream, (select max(e.version) from keyturn.entries e where e.ledger = $1 and e.stream = s.stream) as version
        from unnest($2::text[]) as s (stream)`,
      streams,
    ),
    slots: look(
      "see_slots",
      `select s.key, s.holder, s.owner from unnest($2::text[]) as k (key) cross join lateral
        (select * from keyturn.slots where ledger = $1 and key = k.key offset 0) s`,
      slots,
    ),
    owned: look(
      "see_owned",
      `select o.owner, (select count(*) from keyturn.slots where ledger = $1 and owner = o.owner) as held
        from unnest($2::text[]) as o (owner)`,
      owners,
    ),
    clock: appends.some(({ inTime }) => inTime !== null) ? SEE_CLOCK : null,
  };
}

/** The leaves that others appended since `size`. */
export function leavesSince(ledger: string, size: number): Statement {
  return {
    name: "see_leaves",
    text: `select sha256('\\x00'::bytea || header) as leaf from keyturn.entries
      where ledger = $1 and idx >= $2 order by idx limit ${CATCH_UP_MAX + 1}`,
    values: [ledger, size],
  };
}

/** One step of the outbox; `queued` is the number of messages ever queued before it. */
export function outboxStep(ledger: string, step: OutboxStep, queued: number): Statement {
  switch (step.kind) {
    case "queue":
      return {
        text: `insert into keyturn.outbox (ledger, seq, id, topic, body, not_before)
          select $1, $2 + m.place, m.id, m.topic, m.body, m.not_before
          from unnest($3::text[], $4::text[], $5::text[], $6::bigint[])
            with ordinality as m (id, topic, body, not_before, place) order by m.place
          on conflict (ledger, id) do nothing`,
        values: [
          ledger,
          queued,
          list(step.messages.map(({ id }) => toName(id))),
          list(step.messages.map(({ topic }) => toName(topic))),
          list(step.messages.map(({ body }) => body)),
          list(step.messages.map(({ notBefore }) => notBefore)),
        ],
      };
    case "done":
      return {
        text: `delete from keyturn.outbox o using unnest($1::text[], $2::text[]) as d (ledger, id)
          where o.ledger = d.ledger and o.id = d.id`,
        values: [list(each(ledger, step.ids)), list(step.ids.map(toName))],
      };
    case "move":
      return {
        text: "update keyturn.outbox set not_before = $3 where ledger = $1 and id = $2",
        values: [ledger, toName(step.id), step.notBefore],
      };
    case "take":
      return {
        text: `with due as (select id, not_before, seq from keyturn.outbox where ledger = $1 and not_before <= $2
            order by not_before, seq limit $3 for update),
          taken as (update keyturn.outbox o set not_before = $4, attempts = o.attempts + 1 from due
            where o.ledger = $1 and o.id = due.id
            returning o.id, o.topic, o.body, o.not_before, o.attempts)
          select taken.* from taken join due using (id) order by due.not_before, due.seq`,
        values: [ledger, step.now, step.limit, step.until],
      };
    default:
      return step satisfies never;
  }
}

/** Where a batch moves the head, and whose it is. */
export type Turn = {
  readonly ledger: string;
  readonly size: number;
  readonly frontier: Uint8Array;
  readonly commits: number;
  readonly messages: number;
  readonly writer: string;
  readonly batch: number;
  /** What those who listen are told; null where nobody listens. */
  readonly notice: string | null;
};

/** Moves the head, under its lock. */
export function moveHead({ ledger, size, frontier, commits, messages }: Turn): Part {
  return {
    name: "move_head",
    text: () => "update keyturn.head set size = $2, frontier = $3, commits = $4, messages = $5 where ledger = $1",
    values: [ledger, size, frontier, commits, messages],
  };
}

/** Notes whose batch it was, where no entry tells. */
export function noteBatch({ ledger, writer, batch }: Turn, { entries }: Plan): Part[] {
  if (entries.length > 0) return [];
  return [
    {
      name: "note_batch",
      text: () => `insert into keyturn.writers (ledger, writer, batch) values ($1, $2, $3)
        on conflict (ledger, writer) do update set batch = excluded.batch, at = excluded.at`,
      values: [ledger, writer, batch],
    },
  ];
}

/** Tells those who listen, where anybody may. */
export function tell({ notice }: Turn): Part {
  if (notice === null) return DONE;
  return { name: "notify", text: () => `select pg_notify('${CHANNEL}', $1)`, values: [notice] };
}

/** A batch whose COMMIT was sent. */
export type Sent = { readonly batch: number; readonly plan: Plan };

/**
 * Moves the head on by an empty commit, unless this batch was committed: a session that is told to commit it only later
 * finds that the ledger is no longer as it was. Its first entry tells, whose salt makes it unlike all others, or its note.
 * To be sent behind the lock.
 */
export function callOff(ledger: string, writer: string, { batch, plan }: Sent): Statement {
  const first = plan.entries[0];
  return {
    name: "call_off",
    text: `update keyturn.head set commits = commits + 1 where ledger = $1
      and not exists (select from keyturn.entries where ledger = $1 and idx = $2 and header = $3)
      and not exists (select from keyturn.writers where ledger = $1 and writer = $4 and batch = $5)`,
    values: [ledger, first?.index ?? null, first?.header ?? null, writer, batch],
  };
}
