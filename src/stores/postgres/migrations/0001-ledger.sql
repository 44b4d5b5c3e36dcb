-- Names are text that sorts by bytes, which are code points in UTF-8: the order never depends on a locale.
-- The ledger leads every key, so that ledgers share nothing but the tables, and can be spread over machines.

-- The one row that who appends to a ledger locks. `commits` counts batches, `messages` those ever queued.
create table keyturn.head (
  ledger text collate "C" primary key,
  size bigint not null default 0 check (size >= 0),
  frontier bytea not null,
  commits bigint not null default 0,
  messages bigint not null default 0
) with (fillfactor = 10);

-- What each writer committed last: it asks here what became of a commit whose answer it never heard.
create table keyturn.writers (
  ledger text collate "C",
  writer uuid,
  batch bigint not null,
  at timestamptz not null default now(),
  primary key (ledger, writer)
) with (fillfactor = 10);

-- History: rows are added, and never changed or taken away.
create table keyturn.entries (
  ledger text collate "C",
  idx bigint check (idx >= 0),
  stream text collate "C" not null,
  version bigint not null check (version >= 0),
  type text collate "C" not null,
  header bytea not null,
  primary key (ledger, idx),
  unique (ledger, stream, version)
);

-- Apart from their entries, so that they can go: a row that is missing is a payload that was erased.
create table keyturn.payloads (
  ledger text collate "C",
  idx bigint,
  salt bytea not null,
  payload bytea not null,
  primary key (ledger, idx)
);

-- Full tiles of 256 hashes (C2SP tlog-tiles, height 8). Partial ones follow from the entries and the tiles below.
create table keyturn.tiles (
  ledger text collate "C",
  level integer,
  idx bigint,
  root bytea not null,
  hashes bytea not null,
  primary key (ledger, level, idx)
);

create table keyturn.answers (
  ledger text collate "C",
  key text collate "C",
  fingerprint text not null,
  answer text not null,
  idx bigint not null,
  primary key (ledger, key)
);
-- An erasure finds the answers of what it erases.
create index answers_by_idx on keyturn.answers (ledger, idx);

create table keyturn.slots (
  ledger text collate "C",
  key text collate "C",
  holder text collate "C" not null,
  owner text collate "C" not null,
  primary key (ledger, key)
);
create index slots_by_owner on keyturn.slots (ledger, owner);

create table keyturn.requests (
  ledger text collate "C",
  id text collate "C",
  status text collate "C" not null,
  agent text collate "C" not null,
  digest text collate "C" not null,
  opened_at bigint not null,
  expires_at bigint not null,
  closed_at bigint,
  view text not null,
  primary key (ledger, id)
);
-- A page of the inbox is a walk along one of these, from the cursor on, for each status asked for.
create index requests_by_status on keyturn.requests (ledger, status, opened_at, id);
create index requests_by_agent on keyturn.requests (ledger, agent, status, opened_at, id);

create table keyturn.timers (
  ledger text collate "C",
  id text collate "C",
  due_at bigint not null,
  kind text collate "C" not null,
  stream text collate "C" not null,
  primary key (ledger, id)
);
create index timers_by_due on keyturn.timers (ledger, due_at, id);

create table keyturn.outbox (
  ledger text collate "C",
  id text collate "C",
  seq bigint not null,
  topic text collate "C" not null,
  body text not null,
  not_before bigint not null,
  attempts integer not null default 0,
  primary key (ledger, id)
);
create index outbox_by_time on keyturn.outbox (ledger, not_before, seq);

create table keyturn.documents (
  ledger text collate "C",
  kind text collate "C",
  id text collate "C",
  body text not null,
  primary key (ledger, kind, id)
);

-- ANALYZE keeps samples of what it sees in a table of its own, where no erasure would find them.
alter table keyturn.payloads alter salt set statistics 0, alter payload set statistics 0;
alter table keyturn.answers alter fingerprint set statistics 0, alter answer set statistics 0;
alter table keyturn.requests alter view set statistics 0;
alter table keyturn.outbox alter body set statistics 0;
alter table keyturn.documents alter body set statistics 0;

-- Writes anew what may hold a place from which something was erased. It runs as the owner, since nobody else may; and it
-- is CLUSTER, not VACUUM FULL, which does the same but not within a function.
create function keyturn.forget() returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  lock table keyturn.payloads, keyturn.answers, keyturn.requests, keyturn.outbox, keyturn.documents, keyturn.timers,
    keyturn.slots in access exclusive mode;
  cluster keyturn.payloads using payloads_pkey;
  cluster keyturn.answers using answers_pkey;
  cluster keyturn.requests using requests_pkey;
  cluster keyturn.outbox using outbox_pkey;
  cluster keyturn.documents using documents_pkey;
  cluster keyturn.timers using timers_pkey;
  cluster keyturn.slots using slots_pkey;
end
$$;
revoke all on function keyturn.forget() from public;
